// A GitOps tool that applies the samples again and again: nothing changes by it, whatever the operator and an autoscaler do
// meanwhile, and nobody writes to a field of the user.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../testing/operator.ts'
import { PretendedBrokers } from '../testing/pretended-brokers.ts'
import { type Manifest, manifestSchema } from './runtime/object.ts'
import { RESOURCES } from './runtime/resource.ts'
import { CLUSTER } from './types/kaf-scale-cluster.ts'
import { TOPIC } from './types/kaf-scale-topic.ts'
import { USER } from './types/kaf-scale-user.ts'

const KINDS = [CLUSTER, TOPIC, USER]
const SAMPLES = join(import.meta.dirname, '../config/samples')
const argo = { manager: 'argocd-controller', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

let api: KubeApi
let brokers: PretendedBrokers
let operator: RunningOperator

beforeEach(async () => {
  api = await KubeApi.start()
  brokers = PretendedBrokers.start(api, 'shop', 'kafscale')
  operator = runOperator(api.client('operator'), 'one', () => ({ host: '127.0.0.1', port: 1 }), {
    metricsAddressOf: PretendedBrokers.addressOf,
    lookEveryMs: 50,
  })
  const keys = { apiVersion: 'v1', kind: 'Secret', metadata: at('my-bucket-keys'), stringData: { a: 'b' } }
  await api.bystander().apply(RESOURCES.secrets, keys, { manager: 'user', force: true })
})

afterEach(async () => {
  await operator.stop()
  await brokers.stop()
  await api.stop()
})

/** Objects of our kinds in a sample; Argo CD adds its mark. */
function sample(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(join(SAMPLES, file), 'utf8')).flatMap(document => {
    const manifest = manifestSchema.parse({ metadata: {}, ...Object(document.toJS()) })
    if (!KINDS.some(({ kind }) => kind === manifest.kind)) return []
    const annotations = { 'argocd.argoproj.io/tracking-id': `kafka:${manifest.kind}` }
    return [{ ...manifest, metadata: { ...manifest.metadata, namespace: 'shop', annotations } }]
  })
}

const resourceOf = ({ kind }: Manifest) => KINDS.find(one => one.kind === kind) ?? CLUSTER

async function sync(manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) await api.bystander().apply(resourceOf(manifest), manifest, argo)
}

const specOf = (manifest: Manifest): unknown => api.get(resourceOf(manifest), at(manifest.metadata.name))?.spec
const replicas = (): unknown => Object(api.get(RESOURCES.deployments, at('kafscale-broker'))?.spec).replicas
const versions = (manifests: readonly Manifest[]) =>
  manifests.map(manifest => api.get(resourceOf(manifest), at(manifest.metadata.name))?.metadata.resourceVersion)

/** Versions of the objects once nobody has written to them for a while. */
async function settled(manifests: readonly Manifest[]): Promise<(string | undefined)[]> {
  for (;;) {
    const before = versions(manifests)
    await pause(1000)
    if (JSON.stringify(versions(manifests)) === JSON.stringify(before)) return before
  }
}

test.each(readdirSync(SAMPLES).filter(file => /^(cluster|production)/.test(file)))(
  '%s is applied again without a change, before and after its brokers are scaled',
  async file => {
    const manifests = [...sample(file).map(impatient), ...sample('topic.yaml')]
    const isAuto = file === 'cluster-autoscaling.yaml'
    const isExternal = JSON.stringify(manifests).includes('"External"')
    brokers.eventLoop = isAuto ? 0.95 : 0.1
    await sync(manifests)
    const specs = manifests.map(specOf)
    await until('brokers', () => Number(replicas()) >= 3)
    if (isAuto) await until('growth', () => Number(replicas()) > 3)
    if (isExternal) {
      await api.bystander().scale(CLUSTER, at('kafscale'), 5, { manager: 'hpa' })
      await until('the size of the autoscaler', () => replicas() === 5)
    }
    const size = replicas()
    const before = await settled(manifests)
    await sync(manifests)
    expect(versions(manifests)).toEqual(before)
    await pause(500)
    if (!isAuto) expect(replicas()).toBe(size)
    expect(Number(replicas())).toBeGreaterThanOrEqual(Number(size))
    // What Argo CD compares: every field of the user is as the user wrote it. Only /scale may have set replicas.
    const seen = manifests.map(specOf).map(spec => JSON.parse(JSON.stringify(spec)))
    if (isExternal) delete seen[0].brokers
    expect(seen).toEqual(specs)
  },
)

test('the operator owns the status and a finalizer, and hands no mark of others on to what it makes', async () => {
  await sync([...sample('cluster.yaml'), ...sample('topic.yaml').map(deleted)])
  await until('three brokers', () => replicas() === 3)
  await until('the finalizer', () => (api.get(TOPIC, at('orders'))?.metadata.finalizers ?? []).length > 0)
  await pause(300)
  const owned = [api.get(CLUSTER, at('kafscale')), api.get(TOPIC, at('orders'))].flatMap(object =>
    (object?.metadata.managedFields ?? [])
      .filter(({ manager, subresource }) => manager?.startsWith('kafscale') === true && subresource !== 'status')
      .map(({ fieldsV1 }) => Object.keys(fieldsV1 ?? {}).concat(JSON.stringify(fieldsV1))),
  )
  expect(owned).toEqual([['f:metadata', '{"f:metadata":{"f:finalizers":{"v:\\"kafscale.io/topic\\"":{}}}}']])
  const children = [RESOURCES.deployments, RESOURCES.services, RESOURCES.configMaps, RESOURCES.podDisruptionBudgets]
  for (const child of children.flatMap(resource => api.list(resource, 'shop'))) {
    expect(JSON.stringify(child.metadata.annotations ?? {})).not.toContain('argocd')
    expect(child.metadata.ownerReferences).toHaveLength(1)
  }
})

/** Growth does not wait for its window. */
function impatient(manifest: Manifest): Manifest {
  const { scaling, ...spec } = Object(manifest.spec)
  const behavior = { scaleUp: { stabilizationWindowSeconds: 0 } }
  return scaling === undefined ? manifest : { ...manifest, spec: { ...spec, scaling: { ...scaling, behavior } } }
}

const deleted = (topic: Manifest): Manifest => ({
  ...topic,
  spec: { ...Object(topic.spec), deletionPolicy: 'Delete' },
})
