import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { firstLife } from '../../etcd/life.ts'
import type { Manifest } from '../../runtime/object.ts'
import { clusterSchema } from '../../types/kaf-scale-cluster.ts'
import type { ClusterInputs } from '../inputs.ts'
import { brokerImage } from './brokers.ts'
import { bootstrapServers } from './listeners.ts'
import { selectorText } from './names.ts'
import { desiredObjects } from './objects.ts'
import { objectPrefix } from './settings.ts'

function inputsOf(spec: Record<string, unknown> = {}, more: Partial<ClusterInputs> = {}): ClusterInputs {
  const cluster = clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: {
      name: 'orders',
      namespace: 'shop',
      uid: 'uid-1',
      labels: { 'argocd.argoproj.io/instance': 'shop' },
      annotations: { 'argocd.argoproj.io/tracking-id': 'x' },
    },
    spec: { s3: { bucket: 'records', region: 'eu-central-1' }, ...spec },
  })
  return {
    cluster,
    operator: { image: 'kafscale:1.2.3', etcdImage: 'etcd:3.6.14', clusterDomain: 'cluster.local' },
    secrets: [],
    assigned: new Map(),
    has: { podMonitors: true, prometheusRules: true },
    etcd: { life: firstLife(undefined), trust: 'a' },
    ...more,
  }
}

const named = (objects: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = objects.find(object => object.kind === kind && object.metadata.name === name)
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`)
  return found
}

const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  args: z.array(z.string()).default([]),
  securityContext: z.looseObject({}),
})
const podSpec = z.looseObject({
  containers: z.array(container),
  securityContext: z.looseObject({}),
  automountServiceAccountToken: z.boolean(),
  terminationGracePeriodSeconds: z.number(),
})
const template = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: podSpec,
})
const workload = z.looseObject({ spec: z.looseObject({ template }) })

const podOf = (object: Manifest) => workload.parse(object).spec.template
const brokersOf = (inputs: ClusterInputs) => podOf(named(desiredObjects(inputs), 'Deployment', 'orders-broker'))
const environmentOf = (inputs: ClusterInputs): Record<string, string | undefined> =>
  Object.fromEntries((brokersOf(inputs).spec.containers[0]?.env ?? []).map(({ name, value }) => [name, value]))

describe('the objects of a cluster', () => {
  test('are these', () => {
    const shown = desiredObjects(inputsOf({ networkPolicy: { enabled: true } })).map(
      ({ kind, metadata }) => `${kind} ${metadata.name}`,
    )
    expect(shown).toEqual([
      'ServiceAccount orders-broker',
      'ConfigMap orders-broker-config',
      'ConfigMap orders-etcd',
      'Service orders-etcd',
      'Service orders-etcd-client',
      'PodDisruptionBudget orders-etcd',
      'StatefulSet orders-etcd',
      'CronJob orders-etcd-snapshot',
      'Service orders-broker',
      'NetworkPolicy orders-broker',
      'NetworkPolicy orders-etcd',
      'PodDisruptionBudget orders-broker',
      'Deployment orders-broker',
      'PodMonitor orders-broker',
      'PrometheusRule orders-broker',
    ])
  })

  test('are the same whenever they are built from the same inputs', () => {
    expect(JSON.stringify(desiredObjects(inputsOf()))).toBe(JSON.stringify(desiredObjects(inputsOf())))
  })

  test('go with the cluster, and carry none of its labels and annotations, by which GitOps tools claim objects', () => {
    for (const { metadata } of desiredObjects(inputsOf())) {
      expect(metadata.ownerReferences).toEqual([expect.objectContaining({ uid: 'uid-1', controller: true })])
      expect(metadata.namespace).toBe('shop')
      expect(JSON.stringify([metadata.labels, metadata.annotations])).not.toContain('argocd')
    }
  })

  test('say nothing of etcd when there is one, and nothing to Prometheus when it is not there', () => {
    const etcd = { endpoints: ['http://etcd-0:2379', 'http://etcd-1:2379'] }
    const objects = desiredObjects(inputsOf({ etcd }, { has: { podMonitors: false, prometheusRules: false } }))
    expect(objects.filter(({ metadata }) => metadata.name.includes('etcd'))).toEqual([])
    expect(objects.map(({ kind }) => kind)).not.toContain('PodMonitor')
    expect(environmentOf(inputsOf({ etcd })).KAFSCALE_ETCD_ENDPOINTS).toBe('http://etcd-0:2379,http://etcd-1:2379')
  })
})

describe('the Deployment of the brokers', () => {
  test('never says how many there are: that is written through /scale (gap 1)', () => {
    for (const spec of [{}, { brokers: { replicas: 7 } }, { scaling: { mode: 'Auto', max: 9 } }]) {
      expect(JSON.stringify(named(desiredObjects(inputsOf(spec)), 'Deployment', 'orders-broker'))).not.toContain(
        '"replicas"',
      )
    }
  })

  test('keeps pods to the restricted standard, whatever the pod template says', () => {
    const loose = { spec: { securityContext: { runAsUser: 0 }, hostNetwork: false, containers: [{ name: 'broker' }] } }
    const { spec } = brokersOf(inputsOf({ brokers: { podTemplate: loose } }))
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(spec.automountServiceAccountToken).toBe(false)
    expect(spec.containers).toHaveLength(1)
    expect(spec.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })

  test('takes what else the pod template has, and selects by labels that it cannot change', () => {
    const podTemplate = {
      metadata: { labels: { team: 'a', 'app.kubernetes.io/instance': 'mine' }, annotations: { note: 'x' } },
      spec: { nodeSelector: { disk: 'ssd' }, containers: [{ name: 'sidecar', image: 's', securityContext: {} }] },
    }
    const { metadata, spec } = brokersOf(inputsOf({ brokers: { podTemplate } }))
    expect(metadata.labels).toMatchObject({ team: 'a', 'app.kubernetes.io/instance': 'orders' })
    expect(metadata.annotations.note).toBe('x')
    expect(spec).toMatchObject({ nodeSelector: { disk: 'ssd' } })
    expect(spec.containers.map(({ name }) => name)).toEqual(['broker', 'sidecar'])
    expect(selectorText(inputsOf(), 'broker')).toContain('app.kubernetes.io/instance=orders')
  })

  test('holds nothing: brokers are no StatefulSet, claim no volumes, and have no names of their own (gap 4)', () => {
    const objects = desiredObjects(inputsOf({ etcd: { endpoints: ['http://etcd:2379'] } }))
    expect(objects.map(({ kind }) => kind)).not.toContain('StatefulSet')
    const text = JSON.stringify(named(objects, 'Deployment', 'orders-broker'))
    for (const word of ['persistentVolumeClaim', 'volumeClaimTemplates', 'hostPath', 'emptyDir']) {
      expect(text).not.toContain(word)
    }
  })

  test('has probes, a drain that fits into its time, and a budget for evictions (gap 10)', () => {
    const objects = desiredObjects(inputsOf({ brokers: { drain: { timeoutSeconds: 40 } } }))
    const [broker] = podOf(named(objects, 'Deployment', 'orders-broker')).spec.containers
    const paths = [broker?.startupProbe, broker?.readinessProbe, broker?.livenessProbe].map(
      probe => Object(probe).httpGet.path,
    )
    expect(paths).toEqual(['/healthz', '/readyz', '/healthz'])
    const forget = Number(Object(broker?.lifecycle).preStop.sleep.seconds)
    const { terminationGracePeriodSeconds } = podOf(named(objects, 'Deployment', 'orders-broker')).spec
    expect(terminationGracePeriodSeconds).toBeGreaterThan(forget + 40)
    expect(named(objects, 'PodDisruptionBudget', 'orders-broker').spec).toMatchObject({
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    })
  })

  test('hands requests and limits on (gap 5)', () => {
    const resources = { requests: { cpu: '500m' }, limits: { memory: '1Gi' } }
    expect(brokersOf(inputsOf({ brokers: { resources } })).spec.containers[0]).toMatchObject({ resources })
  })

  test('gives a broker time to forget, drain and end', () => {
    expect(
      brokersOf(inputsOf({ brokers: { drain: { timeoutSeconds: 100 } } })).spec.terminationGracePeriodSeconds,
    ).toBe(120)
    expect(environmentOf(inputsOf({ brokers: { drain: { timeoutSeconds: 100 } } })).KAFSCALE_DRAIN_TIMEOUT_MS).toBe(
      '100000',
    )
  })

  test('changes when settings or Secrets do, and says nothing of what is in them', () => {
    const annotations = (spec = {}, version = '1') =>
      brokersOf(inputsOf(spec, { secrets: [{ name: 's3', version }] })).metadata.annotations
    const first = annotations()
    expect(annotations()).toEqual(first)
    expect(annotations({ brokers: { config: { cacheBytes: 268_435_456 } } })['kafscale.io/config-hash']).not.toBe(
      first['kafscale.io/config-hash'],
    )
    expect(annotations({}, '2')['kafscale.io/secrets-version']).not.toBe(first['kafscale.io/secrets-version'])
  })

  test('runs the image of the operator unless the spec names another', () => {
    const image = (wanted: Record<string, string>) => brokerImage(inputsOf({ brokers: { image: wanted } }))
    const digest = `sha256:${'a'.repeat(64)}`
    expect(image({})).toBe('kafscale:1.2.3')
    expect(image({ tag: '2' })).toBe('kafscale:2')
    expect(image({ repository: 'host:5000/k' })).toBe('host:5000/k:1.2.3')
    expect(image({ repository: 'k', tag: '2', digest })).toBe(`k@${digest}`)
  })
})

test('a listener that only some may use is open to the operator as well, which looks after topics by the first one', () => {
  const allowFrom = [{ cidr: '10.0.0.0/8' }]
  const listeners = [
    { name: 'a', port: 9092, allowFrom },
    { name: 'b', port: 9094, allowFrom },
    { name: 'c', port: 9095 },
  ]
  const inputs = inputsOf({ networkPolicy: { enabled: true }, listeners })
  const ports = (operator: ClusterInputs['operator']): unknown => {
    const { spec } = named(desiredObjects({ ...inputs, operator }), 'NetworkPolicy', 'orders-broker')
    return Object(spec).ingress.slice(2)
  }
  const cidr = { ipBlock: { cidr: '10.0.0.0/8' } }
  const own = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ops' } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': 'kafscale-operator' } },
  }
  const port = (number: number) => ({ ports: [{ port: number, protocol: 'TCP' }] })
  expect(ports({ ...inputs.operator, namespace: 'ops' })).toEqual([
    { from: [cidr, own], ...port(9092) },
    { from: [cidr], ...port(9094) },
    port(9095),
  ])
  expect(ports(inputs.operator)).toEqual([{ from: [cidr], ...port(9092) }, { from: [cidr], ...port(9094) }, port(9095)])
})

describe('where clients connect', () => {
  test('one address for all brokers by default, however many there are', () => {
    expect(bootstrapServers(inputsOf())).toEqual([
      {
        name: 'kafka',
        type: 'internal',
        bootstrapServers: 'orders-broker.shop.svc.cluster.local:9092',
        protocol: 'PLAINTEXT',
      },
    ])
    expect(environmentOf(inputsOf())).toMatchObject({
      KAFSCALE_LISTENERS: 'PEERS://:19091,KAFKA://:9092',
      KAFSCALE_ADVERTISED_LISTENERS: 'PEERS://[$(POD_IP)]:19091,KAFKA://orders-broker.shop.svc.cluster.local:9092',
      KAFSCALE_SHARED_LISTENERS: 'KAFKA',
    })
  })

  test('several listeners have a Service each; those from outside are told what they were given', () => {
    const listeners = [
      { name: 'in', port: 9092 },
      { name: 'lb', port: 9094, type: 'loadBalancer' },
      { name: 'node', port: 9095, type: 'nodePort' },
      { name: 'each', port: 9096, mode: 'perBroker' },
    ]
    const without = inputsOf({ listeners })
    const assigned = new Map([
      ['lb', { loadBalancer: 'lb.example' }],
      ['node', { nodePort: 31_234 }],
    ])
    expect(bootstrapServers(without).map(({ name }) => name)).toEqual(['in', 'each'])
    expect(bootstrapServers({ ...without, assigned }).map(({ bootstrapServers: told }) => told)).toEqual([
      'orders-broker.shop.svc.cluster.local:9092',
      'lb.example:9094',
      'NODE:31234',
      'orders-broker-each.shop.svc.cluster.local:9096',
    ])
    const told = environmentOf({ ...without, assigned }).KAFSCALE_ADVERTISED_LISTENERS
    expect(told).toContain('LB://lb.example:9094,NODE://[$(HOST_IP)]:31234,EACH://[$(POD_IP)]:9096')
    const services = desiredObjects(without).filter(
      ({ kind, metadata }) => kind === 'Service' && !metadata.name.includes('etcd'),
    )
    expect(services.map(({ metadata }) => metadata.name)).toEqual([
      'orders-broker',
      'orders-broker-lb',
      'orders-broker-node',
      'orders-broker-each',
    ])
  })

  test('the short form of the original manifests works', () => {
    const brokers = {
      advertisedHost: 'kafka.example',
      advertisedPort: 443,
      service: { type: 'NodePort', kafkaNodePort: 30_092, metricsNodePort: 30_093 },
    }
    const service = named(desiredObjects(inputsOf({ brokers })), 'Service', 'orders-broker')
    expect(JSON.stringify(service)).toContain('"nodePort":30092')
    expect(JSON.stringify(service)).toContain('"nodePort":30093')
    expect(bootstrapServers(inputsOf({ brokers }))[0]?.bootstrapServers).toBe('kafka.example:443')
  })
})

describe('prefixes', () => {
  test('are a cluster’s own in etcd and in the bucket (gap 9)', () => {
    expect(environmentOf(inputsOf())).toMatchObject({
      KAFSCALE_ETCD_PREFIX: '/kafscale/shop/orders',
      KAFSCALE_S3_NAMESPACE: 'shop.orders',
    })
    expect(objectPrefix(inputsOf({ s3: { bucket: 'records', region: 'r', prefix: 'mine' } }))).toBe('mine')
  })

  test('stay within what a setting may have, and differ where names do', () => {
    const of = (namespace: string) => {
      const { cluster } = inputsOf()
      return objectPrefix({ cluster: { ...cluster, metadata: { ...cluster.metadata, namespace } } })
    }
    const [one, other] = [of(`${'n'.repeat(62)}a`), of(`${'n'.repeat(62)}b`)]
    expect([one.length, other.length]).toEqual([64, 64])
    expect(one).not.toBe(other)
  })
})

test('secrets are referred to and never written', () => {
  const inputs = inputsOf({
    s3: { bucket: 'records', region: 'r', credentialsSecretRef: 'bucket-keys' },
    etcd: { endpoints: ['https://e:2379'], secretRef: 'etcd-login', tls: { secretRef: 'etcd-tls' } },
  })
  const text = JSON.stringify(desiredObjects(inputs))
  for (const name of ['bucket-keys', 'etcd-login', 'etcd-tls']) expect(text).toContain(name)
  expect(text).not.toContain('"Secret"')
  const { KAFSCALE_ETCD_CA_FILE, KAFSCALE_S3_ACCESS_KEY } = environmentOf(inputs)
  expect([KAFSCALE_ETCD_CA_FILE, KAFSCALE_S3_ACCESS_KEY]).toEqual(['/etc/kafscale-etcd/ca.crt', undefined])
})
