// The CRDs on a real API server: it stores them as they are, refuses what it should in our words, and lets several writers of
// one object live together.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { z } from 'zod'
import { systemClock } from '../../broker/clock.ts'
import { kubeconfigConnection } from '../../operator/runtime/connection.ts'
import { HttpKubeClient } from '../../operator/runtime/http-kube-client.ts'
import type { Manifest } from '../../operator/runtime/object.ts'
import { apiVersionOf, RESOURCES } from '../../operator/runtime/resource.ts'
import { CLUSTER, clusterSchema } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { USER } from '../../operator/types/kaf-scale-user.ts'
import { ADMISSION_CASES, type AdmissionCase } from '../../testing/kube-api/admission-cases.ts'
import { type ApiCluster, startApiCluster } from '../../testing/kubernetes/api-cluster.ts'
import { until } from '../../testing/operator.ts'
import { definition, fileName } from '../../tools/crds/definition.ts'
import { etcd, kubernetes } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(180_000)

const root = join(import.meta.dirname, '../..')
const KINDS = [CLUSTER, TOPIC, USER] as const
const definitions = z.object({ spec: z.looseObject({}), status: z.looseObject({ conditions: z.array(z.any()) }) })

const parts = Promise.all([kubernetes(), etcd()])

await suiteWith('the CRDs on a real API server', parts, ([kubernetesPrograms, etcdPrograms]) => {
  let api: ApiCluster
  let client: HttpKubeClient

  beforeAll(async () => {
    const files = KINDS.map(kind => join(root, fileName(kind)))
    api = await startApiCluster({ kubernetes: kubernetesPrograms, etcd: etcdPrograms, definitions: files })
    const connection = await kubeconfigConnection(api.kubeconfig, systemClock)
    client = new HttpKubeClient({ connection, clock: systemClock, userAgent: 'test' })
  })

  afterAll(async () => {
    await client?.close()
    await api?.stop()
  })

  describe.each(KINDS.map(kind => [kind.kind, kind] as const))('the definition of %s', (_, kind) => {
    const name = `${kind.plural}.${kind.group}`

    test('is stored as the file has it: nothing dropped, nothing added (gap 5)', async () => {
      const stored = definitions.parse(JSON.parse(await api.kubectl.run(['get', 'crd', name, '-o', 'json'])))
      expect(stored.spec).toEqual(definition(kind).spec)
      const wrong = stored.status.conditions.filter(({ type, status }) => type === 'NonStructuralSchema' && status)
      expect(wrong).toEqual([])
    })

    test('is the same after it is applied again', async () => {
      const version = () => api.kubectl.field(['crd', name], '.metadata.resourceVersion')
      await api.kubectl.run(['apply', '--server-side', '-f', join(root, fileName(kind))])
      const before = await version()
      await api.kubectl.run(['apply', '--server-side', '-f', join(root, fileName(kind))])
      expect(await version()).toBe(before)
      expect(await api.kubectl.run(['diff', '--server-side', '-f', join(root, fileName(kind))])).toBe('')
    })
  })

  describe('admission', () => {
    const resourceOf = ({ kind }: AdmissionCase) => KINDS.find(one => one.kind === kind) ?? CLUSTER
    const manifest = (one: AdmissionCase, spec: object): Manifest => ({
      apiVersion: apiVersionOf(resourceOf(one)),
      kind: one.kind,
      metadata: { name: one.objectName ?? 'demo', namespace: 'default' },
      spec,
    })
    const write = async (one: AdmissionCase): Promise<void> => {
      const resource = resourceOf(one)
      const manager = { manager: 'test' }
      if (one.old === undefined) {
        await client.create(resource, manifest(one, one.spec), manager)
        return
      }
      const stored = await client.create(resource, manifest(one, one.old), manager)
      const { resourceVersion } = stored.metadata
      const changed = manifest(one, one.spec)
      await client.update(
        resource,
        { ...changed, metadata: { ...changed.metadata, ...(resourceVersion && { resourceVersion }) } },
        manager,
      )
    }
    const remove = async (one: AdmissionCase): Promise<void> =>
      client.delete(resourceOf(one), { namespace: 'default', name: one.objectName ?? 'demo' }).catch(() => {})

    test.each(ADMISSION_CASES.map(one => [`${one.kind} with ${one.name}`, one] as const))('%s', async (_, one) => {
      try {
        if (one.refusal === undefined) await write(one)
        else await expect(write(one)).rejects.toMatchObject({ message: expect.stringMatching(one.refusal) })
      } finally {
        await remove(one)
      }
    })

    test('of a field that does not exist is a warning that names it, and strict clients are refused', async () => {
      const misspelt = manifest(
        { name: '', kind: 'KafScaleCluster', spec: {} },
        { s3: { bucket: 'records', region: 'r' }, brokers: { replica: 2 } },
      )
      const { code, stderr } = await api.kubectl.outcome(['create', '-f', '-'], JSON.stringify(misspelt))
      expect(code).not.toBe(0)
      expect(stderr).toContain('unknown field "spec.brokers.replica"')
    })

    test('takes every sample of config/', async () => {
      await api.kubectl.run(['apply', '--dry-run=server', '-k', join(root, 'config/samples')])
      for (const name of ['cluster-external-scaling', 'production']) {
        const sample = await readFile(join(root, `config/samples/${name}.yaml`), 'utf8')
        await api.kubectl.apply(sample, '--dry-run=server')
      }
    })
  })

  describe('a cluster with several writers', () => {
    const spec = { s3: { bucket: 'records', region: 'r' }, scaling: { mode: 'External' } }
    const cluster = (more: object = {}): object => ({
      apiVersion: 'kafscale.io/v1alpha1',
      kind: 'KafScaleCluster',
      metadata: { name: 'shared', namespace: 'default' },
      spec: { ...spec, ...more },
    })
    const replicas = () => api.kubectl.field(['ksc', 'shared'], '.spec.brokers.replicas')

    beforeAll(async () => {
      await api.kubectl.apply([cluster()], '--server-side')
      // What the operator writes, in its place.
      await client.applyStatus(
        CLUSTER,
        {
          apiVersion: apiVersionOf(CLUSTER),
          kind: CLUSTER.kind,
          metadata: { name: 'shared', namespace: 'default' },
          status: { brokers: { replicas: 1, desired: 1, ready: 1, selector: 'app.kubernetes.io/instance=shared' } },
        },
        { manager: 'operator', force: true },
      )
    })

    test('has no number of brokers that nobody gave it', async () => {
      expect(await replicas()).toBe('')
    })

    test('is scaled by kubectl scale, and keeps the number when its own file is applied again', async () => {
      await api.kubectl.run(['scale', 'ksc/shared', '--replicas=5'])
      expect(await replicas()).toBe('5')
      await api.kubectl.apply([cluster({ networkPolicy: { enabled: true } })], '--server-side')
      expect(await replicas()).toBe('5')
    })

    test('refuses kubectl scale to none, and says which field it is', async () => {
      const { code, stderr } = await api.kubectl.outcome(['scale', 'ksc/shared', '--replicas=0'])
      expect(code).not.toBe(0)
      expect(stderr).toContain('spec.brokers.replicas')
    })

    test('tells a second applier whose field it wants to take', async () => {
      const { code, stderr } = await api.kubectl.outcome(
        ['apply', '--server-side', '--field-manager=somebody', '-f', '-'],
        JSON.stringify(cluster({ scaling: { mode: 'Manual' } })),
      )
      expect(code).not.toBe(0)
      expect(stderr).toMatch(/conflict.*kubectl.*scaling\.mode/s)
    })

    test('is scaled by a real HorizontalPodAutoscaler through its scale subresource (gap 1)', async () => {
      await api.kubectl.apply([
        {
          apiVersion: 'autoscaling/v2',
          kind: 'HorizontalPodAutoscaler',
          metadata: { name: 'shared', namespace: 'default' },
          spec: {
            scaleTargetRef: { apiVersion: 'kafscale.io/v1alpha1', kind: 'KafScaleCluster', name: 'shared' },
            minReplicas: 7,
            maxReplicas: 9,
            metrics: [
              { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 65 } } },
            ],
          },
        },
      ])
      await until('seven brokers', async () => (await replicas()) === '7', 60_000)
      await api.kubectl.apply([cluster()], '--server-side')
      expect(await replicas()).toBe('7')
      await client.delete(RESOURCES.horizontalPodAutoscalers, { namespace: 'default', name: 'shared' })
    })

    test('keeps status and spec apart', async () => {
      const before = clusterSchema.parse(await client.get(CLUSTER, { namespace: 'default', name: 'shared' }))
      const change = { ...cluster({ paused: true }), status: { phase: 'Invented' } }
      await api.kubectl.apply([change], '--server-side')
      const after = clusterSchema.parse(await client.get(CLUSTER, { namespace: 'default', name: 'shared' }))
      expect(after.status).toEqual(before.status)
      expect(after.metadata.generation).toBe((before.metadata.generation ?? 0) + 1)
      await client.applyStatus(
        CLUSTER,
        {
          apiVersion: apiVersionOf(CLUSTER),
          kind: CLUSTER.kind,
          metadata: { name: 'shared', namespace: 'default' },
          status: { phase: 'Ready' },
          spec: { paused: false },
        },
        { manager: 'operator', force: true },
      )
      const told = clusterSchema.parse(await client.get(CLUSTER, { namespace: 'default', name: 'shared' }))
      expect(told.spec.paused).toBe(true)
      expect(told.metadata.generation).toBe(after.metadata.generation)
    })

    test('shows in kubectl get, by its short name and its category', async () => {
      const shown = await api.kubectl.run(['get', 'ksc', 'shared'])
      expect(shown.split('\n')[0]).toMatch(/^NAME +READY +BROKERS +VERSION +LAG +SCALING +AGE *$/)
      expect(await api.kubectl.run(['get', 'kafscale', '-o', 'name'])).toContain('kafscalecluster.kafscale.io/shared')
    })

    test('and a user is found by its cluster, and shows how it comes in', async () => {
      await api.kubectl.apply([
        {
          apiVersion: 'kafscale.io/v1alpha1',
          kind: 'KafScaleUser',
          metadata: { name: 'alice', namespace: 'default' },
          spec: { clusterRef: 'shared', authentication: { type: 'tls' } },
        },
      ])
      const [head = '', line = ''] = (
        await api.kubectl.run(['get', 'ksu', '--field-selector', 'spec.clusterRef=shared'])
      ).split('\n')
      expect(head).toMatch(/^NAME +CLUSTER +AUTHENTICATION +READY +REASON +AGE *$/)
      expect(line).toMatch(/^alice +shared +tls /)
    })

    test('and a topic is found by its cluster', async () => {
      await api.kubectl.apply([
        {
          apiVersion: 'kafscale.io/v1alpha1',
          kind: 'KafScaleTopic',
          metadata: { name: 'orders', namespace: 'default' },
          spec: { clusterRef: 'shared', partitions: 3 },
        },
      ])
      const found = (selector: string) =>
        api.kubectl.run(['get', 'kst', '--field-selector', selector, '-o', 'jsonpath={.items[*].metadata.name}'])
      expect(await found('spec.clusterRef=shared')).toBe('orders')
      expect(await found('spec.clusterRef=other')).toBe('')
    })
  })
})
