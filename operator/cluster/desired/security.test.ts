// What listeners are told of TLS, users and rights, and whom network policies let in. The policies are judged by an evaluator
// of ours (testing/network-policies.ts): nothing here enforces them.

import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { loadSettings } from '../../../broker/load-settings.ts'
import { listenerSecurity } from '../../../broker/security/listener-security.ts'
import { isLetIn, type PolicyPod } from '../../../testing/network-policies.ts'
import { planTrust, TRUST_TIMES } from '../../certificates/trust.ts'
import { firstLife } from '../../etcd/life.ts'
import type { Manifest } from '../../runtime/object.ts'
import { clusterSchema } from '../../types/kaf-scale-cluster.ts'
import type { ClusterInputs } from '../inputs.ts'
import { certificateRequests, certificateWishes } from './certificates.ts'
import { bootstrapServers } from './listeners.ts'
import { selectorLabels } from './names.ts'
import { desiredObjects } from './objects.ts'

function inputsOf(spec: Record<string, unknown>, more: Partial<ClusterInputs> = {}): ClusterInputs {
  const cluster = clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { name: 'orders', namespace: 'shop', uid: 'uid-1' },
    spec: { s3: { bucket: 'records', region: 'eu-central-1' }, ...spec },
  })
  return {
    cluster,
    operator: { image: 'kafscale:1', etcdImage: 'etcd:3', clusterDomain: 'cluster.local', namespace: 'ops' },
    secrets: [],
    assigned: new Map(),
    has: { podMonitors: true, prometheusRules: true, certificates: true },
    etcd: { life: firstLife(undefined), trust: 'a' },
    security: { bundle: 'PEM' },
    ...more,
  }
}

const deploymentSchema = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.array(
          z.looseObject({
            env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
            ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })),
            volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
          }),
        ),
        volumes: z.array(z.looseObject({ name: z.string(), secret: z.looseObject({}).optional() })),
      }),
    }),
  }),
})

function brokersOf(inputs: ClusterInputs) {
  const found = desiredObjects(inputs).find(({ kind }) => kind === 'Deployment')
  const { containers, volumes } = deploymentSchema.parse(found).spec.template.spec
  const [broker] = containers
  const env = new Map(broker?.env.map(({ name, value }) => [name, value ?? '']))
  return { env, volumes, mounts: broker?.volumeMounts ?? [], ports: broker?.ports ?? [] }
}

const securitiesOf = (inputs: ClusterInputs) =>
  listenerSecurity.parse(brokersOf(inputs).env.get('KAFSCALE_LISTENER_SECURITY')) ?? {}

describe('a cluster that takes everybody', () => {
  test('says nothing of security, has no certificates and no door for the operator', () => {
    const { env, volumes, ports } = brokersOf(inputsOf({}))
    expect([...env.keys()].filter(name => /SECURITY|AUTHORIZER|SUPER/.test(name))).toEqual([])
    expect(volumes.filter(({ name }) => name.startsWith('tls'))).toEqual([])
    expect(ports.map(({ name }) => name)).toEqual(['kafka', 'peers', 'metrics'])
  })
})

describe('security in one field', () => {
  const inputs = inputsOf({ security: { enabled: true } })

  test('gives listeners TLS and users, brokers and operator certificates, and everybody ACLs', () => {
    const { env, mounts, ports } = brokersOf(inputs)
    const tls = { certFile: '/etc/kafscale-tls/cluster/tls.crt', keyFile: '/etc/kafscale-tls/cluster/tls.key' }
    const own = { protocol: 'SSL', ...tls, clientAuth: 'required', clientCaFile: '/etc/kafscale-tls/cluster/ca.crt' }
    expect(securitiesOf(inputs)).toMatchObject({
      PEERS: own,
      OPERATOR: own,
      KAFKA: { protocol: 'SASL_SSL', ...tls, mechanisms: ['SCRAM-SHA-512'] },
    })
    expect(env.get('KAFSCALE_AUTHORIZER')).toBe('acl')
    expect(env.get('KAFSCALE_SUPER_USERS')).toBe(
      'User:CN=system:kafscale-broker:uid-1;User:CN=system:kafscale-operator:uid-1',
    )
    expect(env.get('KAFSCALE_SHARED_LISTENERS')).toBe('KAFKA,OPERATOR')
    expect(mounts.map(({ mountPath }) => mountPath)).toContain('/etc/kafscale-tls/cluster')
    expect(ports.map(({ name }) => name)).toEqual(['kafka', 'operator', 'peers', 'metrics'])
    expect(bootstrapServers(inputs)[0]?.protocol).toBe('SASL_SSL')
  })

  test('is what a broker can be started with', () => {
    const env = Object.fromEntries(
      [...brokersOf(inputs).env].filter(([name, value]) => /LISTENER|AUTHORIZER|SUPER/.test(name) && value !== ''),
    )
    const settings = loadSettings({ ...env, KAFSCALE_DATA_DIR: '/tmp' })
    expect(settings.superUsers).toEqual([
      'User:CN=system:kafscale-broker:uid-1',
      'User:CN=system:kafscale-operator:uid-1',
    ])
    expect(settings.internalListener).toBe('PEERS')
  })

  test('leaves a listener alone that says how it wants to be', () => {
    const { KAFKA, OPEN } = securitiesOf(
      inputsOf({
        security: { enabled: true },
        authorization: { type: 'none' },
        listeners: [
          { name: 'kafka', port: 9092 },
          { name: 'open', port: 9093, authentication: { type: 'none' } },
        ],
      }),
    )
    expect([KAFKA?.protocol, OPEN?.protocol]).toEqual(['SASL_SSL', 'SSL'])
  })

  test('publishes what clients have to trust, without any key', () => {
    const found = desiredObjects(inputs).find(({ metadata }) => metadata.name === 'orders-cluster-ca')
    expect(found).toMatchObject({ kind: 'ConfigMap', data: { 'ca.crt': 'PEM' } })
    expect(desiredObjects(inputs).map(({ kind }) => kind)).not.toContain('Secret')
  })
})

describe('listeners', () => {
  const selfSigned = { selfSigned: true }
  const oauth = { jwksUrl: 'https://id.example/keys', issuer: 'https://id.example', audience: ['kafka'] }
  const inputs = inputsOf({
    authorization: { type: 'acl', superUsers: ['User:root'], allowEveryoneIfNoAclFound: true },
    listeners: [
      { name: 'mtls', port: 9092, tls: selfSigned, authentication: { type: 'tls' } },
      {
        name: 'corp',
        port: 9093,
        tls: { secretRef: 'corp-tls' },
        authentication: { type: 'tls', secretRef: 'corp-ca', principalMappingRules: 'RULE:^CN=(.*)$/$(1)/,DEFAULT' },
      },
      { name: 'tokens', port: 9094, tls: { issuerRef: { name: 'le' } }, authentication: { type: 'oauth', oauth } },
      { name: 'old', port: 9095, authentication: { type: 'plain', secretRef: 'passwords', maxReauthSeconds: 60 } },
      { name: 'open', port: 9096 },
    ],
  })

  test('have each its protocol, its certificate, and those who may come in', () => {
    expect(securitiesOf(inputs)).toMatchObject({
      MTLS: {
        protocol: 'SSL',
        clientAuth: 'required',
        clientCaFile: '/etc/kafscale-tls/cluster/ca.crt',
        principalMappingRules: 'RULE:^CN=([^,=:]+)$/$1/,DEFAULT',
      },
      CORP: {
        certFile: '/etc/kafscale-tls/tls-corp/tls.crt',
        clientCaFile: '/etc/kafscale-tls/clients-corp/ca.crt',
      },
      TOKENS: { protocol: 'SASL_SSL', mechanisms: ['OAUTHBEARER'], oauth },
      OLD: {
        protocol: 'SASL_PLAINTEXT',
        mechanisms: ['PLAIN'],
        usersFile: '/etc/kafscale-tls/users-old/users.yaml',
        maxReauthMs: 60_000,
      },
      OPEN: { protocol: 'PLAINTEXT' },
    })
    const { env, volumes } = brokersOf(inputs)
    expect(env.get('KAFSCALE_SUPER_USERS')).toMatch(/;User:root$/)
    expect(env.get('KAFSCALE_ALLOW_EVERYONE_IF_NO_ACL_FOUND')).toBe('true')
    const secrets = volumes.flatMap(({ secret }) => secret?.secretName ?? [])
    expect(secrets).toEqual([
      'orders-etcd-client',
      'orders-broker-tls',
      'corp-tls',
      'corp-ca',
      'orders-listener-tokens-tls',
      'passwords',
    ])
  })

  test('hand Kubernetes nothing that looks like a variable', () => {
    const raw = brokersOf(inputs).env.get('KAFSCALE_LISTENER_SECURITY') ?? ''
    expect(raw).toContain('$$(1)')
    expect(raw.replaceAll('$$(', '')).not.toContain('$(')
  })

  test('ask cert-manager for a certificate', () => {
    expect(certificateRequests(inputs)).toEqual([
      expect.objectContaining({
        kind: 'Certificate',
        spec: expect.objectContaining({
          secretName: 'orders-listener-tokens-tls',
          issuerRef: { name: 'le', kind: 'Issuer', group: 'cert-manager.io' },
          dnsNames: expect.arrayContaining(['orders-broker-tokens.shop.svc.cluster.local']),
        }),
      }),
    ])
  })

  test('have certificates that stand for every name by which clients come, and clients’ for none', () => {
    const named = inputsOf(
      {
        listeners: [
          { name: 'in', port: 9092, tls: { selfSigned: true, names: ['kafka.example', '10.1.2.3', 'fd00::1'] } },
          { name: 'lb', port: 9093, type: 'loadBalancer', tls: selfSigned },
        ],
      },
      { assigned: new Map([['lb', { loadBalancer: 'lb.example' }]]) },
    )
    const question = {
      secrets: { authority: undefined, roles: new Map() },
      purpose: 'test',
      wanted: certificateWishes(named),
      isTrusted: () => true,
      now: Date.now(),
      times: TRUST_TIMES,
    }
    const first = planTrust(question)
    const broker = new X509Certificate(first.roles.get('broker')?.['tls.crt'] ?? '')
    const names = ['orders-broker', 'orders-broker-lb.shop.svc.cluster.local', 'lb.example', 'kafka.example']
    for (const name of names) expect([name, broker.checkHost(name)]).toEqual([name, name])
    for (const ip of ['10.1.2.3', 'fd00::1', '127.0.0.1']) expect([ip, broker.checkIP(ip)]).toEqual([ip, ip])
    const operator = new X509Certificate(first.roles.get('operator')?.['tls.crt'] ?? '')
    expect(operator.subjectAltName).toBeUndefined()
    // What is good is left alone.
    const again = planTrust({ ...question, secrets: { authority: first.authority, roles: first.roles } })
    expect(again.roles).toEqual(first.roles)
  })

  test('change the template when their settings do, and not when their certificates do', () => {
    const template = (more: Partial<ClusterInputs>): string =>
      JSON.stringify(desiredObjects({ ...inputs, ...more }).find(({ kind }) => kind === 'Deployment'))
    const secrets = (version: string) => ({ secrets: [{ name: 'corp-tls', version, isReloaded: true }] })
    expect(template(secrets('1'))).toBe(template(secrets('2')))
    expect(template({ security: { bundle: 'OTHER' } })).toBe(template({}))
    const other = inputsOf({ ...inputs.cluster.spec, authorization: { type: 'none' } })
    expect(template({ cluster: other.cluster })).not.toBe(template({}))
  })
})

describe('network policies', () => {
  const allowFrom = [
    { podLabels: { app: 'shop' } },
    { namespaceLabels: { team: 'data' }, podLabels: { app: 'etl' } },
    { cidr: '10.9.0.0/16' },
  ]
  const inputs = inputsOf({
    security: { enabled: true },
    networkPolicy: { enabled: true, metricsFrom: [{ namespaceLabels: { team: 'ops' } }] },
    listeners: [
      { name: 'kafka', port: 9092, allowFrom },
      { name: 'nobody', port: 9093, allowFrom: [] },
      { name: 'all', port: 9094 },
    ],
  })
  const policiesOf = (of: ClusterInputs): Manifest[] =>
    desiredObjects(of).filter(({ kind }) => kind === 'NetworkPolicy')
  const world = {
    policies: policiesOf(inputs),
    namespaces: { warehouse: { team: 'data' }, monitoring: { team: 'ops' } },
  }
  const pod = (namespace: string, labels: Record<string, string>, ip = '10.0.0.9'): PolicyPod => ({
    namespace,
    labels,
    ip,
  })
  const broker = pod('shop', selectorLabels(inputs, 'broker'))
  const etcd = pod('shop', selectorLabels(inputs, 'etcd'))
  const operator = pod('ops', { 'app.kubernetes.io/name': 'kafscale-operator' })
  const client = pod('shop', { app: 'shop' })
  const others: readonly PolicyPod[] = [
    pod('shop', { app: 'other' }),
    pod('other', { app: 'shop' }),
    pod('warehouse', { app: 'web' }),
    pod('shop', { app: 'other' }, '10.8.255.255'),
    pod('shop', { ...selectorLabels(inputs, 'broker'), 'app.kubernetes.io/instance': 'stock' }),
  ]
  const letIn = (from: PolicyPod, to: PolicyPod, port: number, policies = world.policies) =>
    isLetIn({ ...world, policies }, from, to, port)

  test('let in exactly who is named', () => {
    const named = [client, pod('warehouse', { app: 'etl' }), pod('else', {}, '10.9.200.1')]
    expect(named.map(from => letIn(from, broker, 9092))).toEqual([true, true, true])
    expect(others.map(from => letIn(from, broker, 9092))).toEqual(others.map(() => false))
    expect([...named, ...others, operator].map(from => letIn(from, broker, 9093))).not.toContain(true)
    expect(others.map(from => letIn(from, broker, 9094))).toEqual(others.map(() => true))
  })

  test('keep the doors of the brokers and of the operator to these', () => {
    expect(letIn(broker, broker, 19_091)).toBe(true)
    expect(letIn(operator, broker, 19_092)).toBe(true)
    expect([operator, client, ...others].map(from => letIn(from, broker, 19_091))).not.toContain(true)
    expect([client, ...others].map(from => letIn(from, broker, 19_092))).not.toContain(true)
    expect(letIn(pod('ops', { app: 'x' }), broker, 19_092)).toBe(false)
  })

  test('show metrics to those who may read them, and shut every other port', () => {
    expect([operator, pod('monitoring', {})].map(from => letIn(from, broker, 19_093))).toEqual([true, true])
    expect([client, ...others].map(from => letIn(from, broker, 19_093))).not.toContain(true)
    expect([operator, client, broker].map(from => letIn(from, broker, 22))).not.toContain(true)
  })

  test('keep etcd to its members, the brokers and the operator', () => {
    expect([etcd, broker, operator].map(from => letIn(from, etcd, 2379))).toEqual([true, true, true])
    expect([client, ...others].map(from => letIn(from, etcd, 2379))).not.toContain(true)
    expect([broker, operator, client].map(from => letIn(from, etcd, 2380))).not.toContain(true)
    expect(letIn(etcd, etcd, 2380)).toBe(true)
  })

  test('leave the operator the first listener where it has no door of its own', () => {
    const plain = policiesOf(
      inputsOf({ networkPolicy: { enabled: true }, listeners: [{ name: 'kafka', port: 9092, allowFrom }] }),
    )
    expect(letIn(operator, broker, 9092, plain)).toBe(true)
    expect(letIn(operator, broker, 19_092, plain)).toBe(false)
  })
})
