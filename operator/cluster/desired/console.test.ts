// The web console among the objects of a cluster: what it is told, what it may do, who reaches it and whom it reaches.

import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { clientProperties, clientSecurity, filesNamed } from '../../../broker/client/client-properties.ts'
import { scaledClusterSchema } from '../../../console/scaled-cluster.ts'
import { isLetIn, type PolicyPod } from '../../../testing/network-policies.ts'
import { newAuthority } from '../../certificates/certificate.ts'
import { planTrust, TRUST_TIMES } from '../../certificates/trust.ts'
import { firstLife } from '../../etcd/life.ts'
import type { Manifest } from '../../runtime/object.ts'
import { clusterSchema } from '../../types/kaf-scale-cluster.ts'
import type { ClusterInputs } from '../inputs.ts'
import { certificateRoles, certificateWishes } from './certificates.ts'
import { consoleUrl } from './console.ts'
import { consoleListener } from './console-listener.ts'
import { selectorLabels } from './names.ts'
import { desiredObjects } from './objects.ts'

function inputsOf(spec: Record<string, unknown>, more: Partial<ClusterInputs> = {}, status = {}): ClusterInputs {
  const cluster = clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { name: 'orders', namespace: 'shop', uid: 'uid-1' },
    spec: { s3: { bucket: 'records', region: 'eu-central-1' }, ...spec },
    status,
  })
  return {
    cluster,
    operator: { image: 'kafscale:1', etcdImage: 'etcd:3', clusterDomain: 'cluster.local', namespace: 'ops' },
    secrets: [],
    assigned: new Map(),
    has: { podMonitors: true, prometheusRules: true, certificates: true },
    etcd: { life: firstLife(undefined), trust: 'a' },
    ...more,
  }
}

const probe = z.looseObject({ httpGet: z.looseObject({ path: z.string(), scheme: z.string() }) })
const deploymentSchema = z.object({
  spec: z.object({
    replicas: z.number(),
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        containers: z.array(
          z.looseObject({
            image: z.string(),
            args: z.array(z.string()),
            env: z.undefined().optional(),
            readinessProbe: probe,
          }),
        ),
        volumes: z.array(z.looseObject({ name: z.string() })),
      }),
    }),
  }),
})

const find = (inputs: ClusterInputs, kind: string, name = 'orders-console'): Manifest | undefined =>
  desiredObjects(inputs).find(object => object.kind === kind && object.metadata.name === name)
const deploymentOf = (inputs: ClusterInputs) => deploymentSchema.parse(find(inputs, 'Deployment')).spec
const containerOf = (inputs: ClusterInputs) => {
  const [container] = deploymentOf(inputs).template.spec.containers
  if (container === undefined) throw new Error('there is no container')
  return container
}
const filesOf = (inputs: ClusterInputs) =>
  z.object({ data: z.record(z.string(), z.string()) }).parse(find(inputs, 'ConfigMap')).data
/** What follows an option of the command line, as often as it is there. */
const given = (args: readonly string[], option: string): readonly string[] =>
  args.flatMap((arg, index) => (arg === option ? (args[index + 1] ?? []) : []))

describe('a cluster that asks for no console', () => {
  test('has nothing of it', () => {
    const objects = desiredObjects(inputsOf({ networkPolicy: { enabled: true }, security: { enabled: true } }))
    expect(JSON.stringify(objects)).not.toContain('console')
    expect([...certificateRoles(inputsOf({ security: { enabled: true } })).keys()]).toEqual(['broker', 'operator'])
  })
})

describe('the console of a cluster that takes everybody', () => {
  const inputs = inputsOf({ console: {}, networkPolicy: { enabled: true } })

  test('is these objects, and they go with the cluster', () => {
    const found = desiredObjects(inputs).filter(
      ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'console',
    )
    expect(found.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'NetworkPolicy orders-console',
      'ServiceAccount orders-console',
      'ConfigMap orders-console',
      'Service orders-console',
      'Service orders-broker-metrics',
      'Deployment orders-console',
    ])
    for (const { metadata } of found) {
      expect(metadata.ownerReferences).toEqual([expect.objectContaining({ uid: 'uid-1', controller: true })])
    }
  })

  test('is a restricted pod without a token, a password or a variable', () => {
    const { template, replicas } = deploymentOf(inputs)
    expect(replicas).toBe(1)
    expect(template.spec).toMatchObject({
      automountServiceAccountToken: false,
      serviceAccountName: 'orders-console',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(containerOf(inputs)).toMatchObject({
      image: 'kafscale:1',
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      readinessProbe: { httpGet: { path: '/healthz', scheme: 'HTTP' } },
    })
    expect(JSON.stringify(template)).not.toContain('secret')
  })

  test('asks brokers by the first listener, and all of them for metrics', () => {
    const { args } = containerOf(inputs)
    expect(args.slice(0, 2)).toEqual(['/app/dist/cli/main.js', 'console'])
    expect(given(args, '--bootstrap')).toEqual(['orders-broker.shop.svc.cluster.local:9092'])
    expect(given(args, '--metrics')).toEqual(['orders-broker-metrics.shop.svc.cluster.local:19093'])
    expect(find(inputs, 'Service', 'orders-broker-metrics')).toMatchObject({ spec: { clusterIP: 'None' } })
    expect(args).not.toContain('--allow-changes')
    expect(filesOf(inputs)['client.properties']).toBe('security.protocol=PLAINTEXT\n')
    expect(consoleUrl(inputs)).toBe('http://orders-console.shop.svc.cluster.local:48080')
  })

  test('answers by the names of its Service, and by those that it was given', () => {
    const named = inputsOf({ console: { hostNames: ['kafka.example'], allowChanges: true } })
    expect(given(containerOf(named).args, '--host-name')).toEqual([
      'orders-console',
      'orders-console.shop',
      'orders-console.shop.svc',
      'orders-console.shop.svc.cluster.local',
      'kafka.example',
    ])
    expect(containerOf(named).args).toContain('--allow-changes')
  })

  test('rests with the brokers', () => {
    expect(deploymentOf(inputsOf({ console: {}, hibernation: { enabled: true } })).replicas).toBe(0)
  })

  test('is told of scaling and conditions, and of nothing else of the spec; that replaces no pod', () => {
    const spec = {
      console: {},
      scaling: { mode: 'Auto', max: 7 },
      brokers: { podTemplate: { spec: { containers: [{ env: [{ name: 'A', value: 'hidden' }] }] } } },
    }
    const status = { brokers: { summary: '2/3' }, scaling: { desired: 3, explanation: 'because' }, endpoint: 'x:1' }
    const before = inputsOf(spec)
    const after = inputsOf(spec, {}, status)
    const text = filesOf(after)['cluster.json'] ?? ''
    expect(scaledClusterSchema.parse(JSON.parse(text))).toMatchObject({
      metadata: { namespace: 'shop', name: 'orders' },
      spec: { scaling: { mode: 'Auto', max: 7 } },
      status: { brokers: { summary: '2/3' }, scaling: { explanation: 'because' } },
    })
    expect(text).not.toContain('hidden')
    expect(deploymentOf(after)).toEqual(deploymentOf(before))
  })
})

describe('the console of a cluster that keeps strangers out', () => {
  const authority = newAuthority('test', { from: Date.now(), until: Date.now() + 86_400_000 }).cert
  const secured = (more: object = {}, trusts: { readonly consoleTrusts?: string } = { consoleTrusts: authority }) =>
    inputsOf({ security: { enabled: true }, console: {}, ...more }, { security: { bundle: authority, ...trusts } })

  test('speaks HTTPS, and reaches brokers as a client that knows their authority and signs nobody in', () => {
    const inputs = secured()
    expect(consoleUrl(inputs)).toBe('https://orders-console.shop.svc.cluster.local:48080')
    const { args, readinessProbe } = containerOf(inputs)
    expect(given(args, '--cert')).toEqual(['/etc/kafscale-tls/console/tls.crt'])
    expect(readinessProbe.httpGet.scheme).toBe('HTTPS')
    expect(deploymentOf(inputs).template.spec.volumes).toContainEqual({
      name: 'tls',
      secret: { secretName: 'orders-console-tls' },
    })
    const files = filesOf(inputs)
    const properties = clientProperties(files['client.properties'] ?? '', {})
    expect(filesNamed(properties)).toEqual(['/etc/kafscale-console/ca.crt'])
    expect(clientSecurity(properties, [Buffer.from(files['ca.crt'] ?? '')])).toMatchObject({
      mechanism: 'SCRAM-SHA-512',
      login: undefined,
      tls: { ca: Buffer.from(authority) },
    })
  })

  test('trusts whom everybody trusts where nobody says who signs for the listener', () => {
    const files = filesOf(secured({ listeners: [{ name: 'corp', port: 9093, tls: { secretRef: 'corp-tls' } }] }, {}))
    expect(files['client.properties']).toBe('security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n')
    expect(Object.keys(files)).not.toContain('ca.crt')
  })

  test('reaches brokers by a name for which the certificate stands', () => {
    const tls = { secretRef: 'corp-tls' }
    const listeners = [{ name: 'corp', port: 9093, tls, advertisedHost: 'kafka.corp.example' }]
    const bootstrap = (more: object) =>
      given(containerOf(secured({ listeners: listeners.map(one => ({ ...one, ...more })) })).args, '--bootstrap')
    expect(bootstrap({})).toEqual(['kafka.corp.example:9093'])
    expect(bootstrap({ type: 'loadBalancer', advertisedPort: 443 })).toEqual(['kafka.corp.example:443'])
    const own = { tls: { selfSigned: true }, advertisedPort: 443 }
    expect(bootstrap(own)).toEqual(['orders-broker.shop.svc.cluster.local:9093'])
  })

  test('has a certificate that stands for its names, and lets nobody in as a client', () => {
    const inputs = secured({ console: { hostNames: ['kafka.example', '10.1.2.3'] } })
    const { roles } = planTrust({
      secrets: { authority: undefined, roles: new Map() },
      purpose: 'test',
      wanted: certificateWishes(inputs),
      isTrusted: () => true,
      now: Date.now(),
      times: TRUST_TIMES,
    })
    expect([...certificateRoles(inputs)].at(-1)).toEqual(['console', 'orders-console-tls'])
    const certificate = new X509Certificate(roles.get('console')?.['tls.crt'] ?? '')
    for (const name of ['orders-console.shop.svc.cluster.local', 'kafka.example', 'localhost']) {
      expect([name, certificate.checkHost(name)]).toEqual([name, name])
    }
    expect(certificate.checkIP('10.1.2.3')).toBe('10.1.2.3')
    // extKeyUsage: serverAuth alone.
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })

  test('uses a listener with passwords, an internal one before others, or the one that is named', () => {
    const authentication = { type: 'scram-sha-512' }
    const all = [
      { name: 'mtls', port: 9091, authentication: { type: 'tls' } },
      { name: 'anybody', port: 9092, authentication: { type: 'none' } },
      { name: 'outside', port: 9093, type: 'loadBalancer', authentication },
      { name: 'inside', port: 9094, authentication },
    ]
    const chosen = (console: object, listeners: object[] = all) =>
      consoleListener(inputsOf({ console, listeners: listeners.map(one => ({ tls: { selfSigned: true }, ...one })) }))
        ?.name
    expect([chosen({}), chosen({}, all.slice(0, 3)), chosen({}, all.slice(0, 2))]).toEqual([
      'inside',
      'outside',
      'anybody',
    ])
    expect([chosen({ listener: 'anybody' }), chosen({ listener: 'mtls' })]).toEqual(['anybody', undefined])
  })
})

describe('network policies', () => {
  const inputs = inputsOf({
    security: { enabled: true },
    networkPolicy: { enabled: true, metricsFrom: [] },
    console: { listener: 'people', allowFrom: [{ namespaceLabels: { team: 'platform' } }] },
    listeners: [
      { name: 'apps', port: 9092, allowFrom: [] },
      { name: 'people', port: 9093, allowFrom: [] },
    ],
  })
  const policies = desiredObjects(inputs).filter(({ kind }) => kind === 'NetworkPolicy')
  const pod = (namespace: string, labels: Record<string, string>): PolicyPod => ({ namespace, labels, ip: '10.0.0.9' })
  const [broker, web, etcd] = (['broker', 'console', 'etcd'] as const).map(component =>
    pod('shop', selectorLabels(inputs, component)),
  )
  const ofOther = pod('shop', { ...selectorLabels(inputs, 'console'), 'app.kubernetes.io/instance': 'stock' })
  const letIn = (from: PolicyPod | undefined, to: PolicyPod | undefined, port: number): boolean => {
    if (from === undefined || to === undefined) throw new Error('there is no such pod')
    return isLetIn({ policies, namespaces: { desk: { team: 'platform' } } }, from, to, port)
  }

  test('let the console reach its listener and the metrics of the brokers, and nothing else', () => {
    const ports = [9092, 9093, 19_091, 19_092, 19_093]
    expect(ports.map(port => letIn(web, broker, port))).toEqual([false, true, false, false, true])
    expect(ports.map(port => letIn(ofOther, broker, port))).not.toContain(true)
    expect([2379, 2380].map(port => letIn(web, etcd, port))).not.toContain(true)
  })

  test('let those reach the console who are named', () => {
    expect(letIn(pod('desk', {}), web, 48_080)).toBe(true)
    expect([pod('shop', {}), pod('ops', {}), broker].map(from => letIn(from, web, 48_080))).not.toContain(true)
    expect(letIn(pod('desk', {}), web, 22)).toBe(false)
  })

  describe('where nobody has to say who they are', () => {
    const billing = pod('shop', { app: 'billing' })
    const reached = (console: object, from: PolicyPod): boolean => {
      const open = inputsOf({
        networkPolicy: { enabled: true },
        console,
        listeners: [{ name: 'inside', port: 9092, allowFrom: [{ podLabels: { app: 'billing' } }] }],
      })
      const ofOpen = desiredObjects(open).filter(({ kind }) => kind === 'NetworkPolicy')
      return isLetIn({ policies: ofOpen, namespaces: {} }, from, pod('shop', selectorLabels(open, 'console')), 48_080)
    }

    test('let only those reach the console who may reach its listener, unless it says otherwise', () => {
      expect([billing, pod('shop', {})].map(from => reached({}, from))).toEqual([true, false])
      const otherwise = { allowFrom: [{ podLabels: { app: 'desk' } }] }
      expect([billing, pod('shop', { app: 'desk' })].map(from => reached(otherwise, from))).toEqual([false, true])
    })
  })
})
