// The operator against a real API server and the controllers of Kubernetes, as the account and with the rights that the chart
// gives it. There are no nodes; a pretended kubelet says of every pod that it is ready.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { z } from 'zod'
import { Broker } from '../../broker/broker.ts'
import { BrokerConnection } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { loadSettings } from '../../broker/load-settings.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from '../../operator/cluster/desired/pods.ts'
import { kubeconfigConnection } from '../../operator/runtime/connection.ts'
import { HttpKubeClient } from '../../operator/runtime/http-kube-client.ts'
import type { Manifest } from '../../operator/runtime/object.ts'
import { RESOURCES, type Resource } from '../../operator/runtime/resource.ts'
import { TopicAdmin } from '../../operator/topic/topic-admin.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { USER } from '../../operator/types/kaf-scale-user.ts'
import { type Child, startChild } from '../../testing/child.ts'
import { type ApiCluster, startApiCluster } from '../../testing/kubernetes/api-cluster.ts'
import { type AuditedCall, auditedCalls, isWrite } from '../../testing/kubernetes/audit.ts'
import { runHelm } from '../../testing/kubernetes/kubectl.ts'
import { type PretendedKubelet, pretendKubelet } from '../../testing/kubernetes/pretended-kubelet.ts'
import { type RunningOperator, runOperator, until } from '../../testing/operator.ts'
import { find } from '../../testing/operator-story.ts'
import { SmallClient } from '../../testing/small-client.ts'
import { fileName } from '../../tools/crds/definition.ts'
import { etcd, helm, kubernetes } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(180_000)

const root = join(import.meta.dirname, '../..')
const NAMESPACE = 'shop'
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:kafscale`
/** No reasonable operator writes twice in so short a time, and one that writes every time it looks does so at once. */
const QUIET_MS = 6000

const roleSchema = z.object({
  rules: z.array(z.object({ resources: z.array(z.string()), verbs: z.array(z.string()) })),
})

/** It holds to the restricted standard, and nobody runs it. */
const operatorPod = (finalizers: string[]): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'operator', namespace: NAMESPACE, finalizers },
  spec: {
    securityContext: { ...RESTRICTED_POD },
    containers: [{ name: 'operator', image: 'none', securityContext: { ...RESTRICTED_CONTAINER } }],
  },
})

const withoutLease = ({ resource }: AuditedCall): boolean => resource !== 'leases'

/** Stands for a kind of the Prometheus operator. */
function standIn({ group, version, kind, plural }: Resource): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  }
}

const parts = Promise.all([kubernetes(), etcd(), helm()])

await suiteWith('the operator on a real API server', parts, ([kubernetesPrograms, etcdPrograms, helmProgram]) => {
  let folder: string
  let api: ApiCluster
  let person: HttpKubeClient
  let account: HttpKubeClient
  let accountConfig: string
  let broker: Broker
  let kubelet: PretendedKubelet
  let operator: RunningOperator | undefined

  const own = async (since = 0): Promise<AuditedCall[]> =>
    (await auditedCalls(api.auditFile)).filter(({ user, at }) => user === ACCOUNT && at >= since)

  const startOperator = (): void => {
    const address = () => ({ host: '127.0.0.1', port: broker.port })
    // Looks at the records of topics while it is quiet, not just once before.
    operator = runOperator(account, 'in-process', address, { figuresEveryMs: 1000 })
  }

  const manifest = (kind: Resource, name: string, spec: object): object => ({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: kind.kind,
    metadata: { name, namespace: NAMESPACE },
    spec,
  })
  const cluster = (spec: object = {}): object =>
    manifest(CLUSTER, 'orders', {
      s3: { bucket: 'records', region: 'r' },
      etcd: { endpoints: ['http://etcd:2379'] },
      ...spec,
    })
  const ready = (what: string) =>
    api.kubectl.run(['-n', NAMESPACE, 'wait', what, '--for=condition=Ready', '--timeout=60s'])

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-operator-e2e-'))
    const foreign = join(folder, 'prometheus.json')
    const items = [RESOURCES.podMonitors, RESOURCES.prometheusRules].map(standIn)
    await writeFile(foreign, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    api = await startApiCluster({
      kubernetes: kubernetesPrograms,
      etcd: etcdPrograms,
      definitions: [foreign, ...[CLUSTER, TOPIC, USER].map(kind => join(root, fileName(kind)))],
    })
    const connect = async (file: string): Promise<HttpKubeClient> =>
      new HttpKubeClient({
        connection: await kubeconfigConnection(file, systemClock),
        clock: systemClock,
        userAgent: 'test',
      })
    person = await connect(api.kubeconfig)
    await api.kubectl.run(['create', 'namespace', NAMESPACE])
    // The API server refuses pods here that are not restricted.
    await api.kubectl.run(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted'])
    const values = ['--set', 'replicas=0,crds.enabled=false']
    await runHelm(helmProgram, api.kubeconfig, [
      'install',
      'kafscale',
      join(root, 'charts/kafscale'),
      '-n',
      NAMESPACE,
      ...values,
    ])
    const token = await api.kubectl.run(['-n', NAMESPACE, 'create', 'token', 'kafscale', '--duration=1h'])
    accountConfig = await api.credentials.tokenKubeconfig('operator', token.trim(), NAMESPACE)
    account = await connect(accountConfig)
    const settings = loadSettings({
      KAFSCALE_DATA_DIR: join(folder, 'broker'),
      KAFSCALE_BROKER_ADDR: '127.0.0.1:0',
      KAFSCALE_METRICS_ADDR: '127.0.0.1:0',
    })
    broker = await Broker.start({ settings, log: createLogger('silent'), onLost: () => {} })
    kubelet = pretendKubelet(person, NAMESPACE)
  })

  afterAll(async () => {
    await operator?.stop()
    await kubelet?.stop()
    await broker?.stop()
    await Promise.all([person?.close(), account?.close()])
    await api?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('makes what a spec asks for, and takes away what it does not ask for any more', async () => {
    startOperator()
    const wide = (spec: object): object =>
      manifest(CLUSTER, 'wide', {
        s3: { bucket: 'records', region: 'r' },
        etcd: { endpoints: ['http://e:2379'] },
        ...spec,
      })
    const there = (resource: Resource, name: string) =>
      until(`${resource.kind} ${name}`, () => find(person, resource, name))
    const gone = (resource: Resource, name: string) =>
      until(`the end of ${resource.kind} ${name}`, async () => (await find(person, resource, name)) === undefined)
    const listeners = [9092, 9094].map((port, index) => ({ name: `l${index}`, port }))
    await api.kubectl.apply([wide({ networkPolicy: { enabled: true }, listeners })])
    await there(RESOURCES.networkPolicies, 'wide-broker')
    await there(RESOURCES.services, 'wide-broker-l1')
    await there(RESOURCES.prometheusRules, 'wide-broker')
    await there(RESOURCES.podMonitors, 'wide-broker')
    await api.kubectl.apply([wide({ s3: { bucket: 'records', region: 'r', serviceAccount: { name: 'default' } } })])
    await gone(RESOURCES.networkPolicies, 'wide-broker')
    await gone(RESOURCES.services, 'wide-broker-l1')
    await gone(RESOURCES.serviceAccounts, 'wide-broker')
    await api.kubectl.run(['-n', NAMESPACE, 'delete', 'ksc/wide'])
    await operator?.stop()
  })

  describe('with a cluster and a topic', () => {
    beforeAll(async () => {
      startOperator()
      await api.kubectl.apply([cluster({ brokers: { replicas: 2 } })])
      await ready('ksc/orders')
      await api.kubectl.apply([
        manifest(TOPIC, 'kept', { clusterRef: 'orders', partitions: 3 }),
        manifest(TOPIC, 'passing', { clusterRef: 'orders', partitions: 1, deletionPolicy: 'Delete' }),
      ])
      await Promise.all([ready('kst/kept'), ready('kst/passing')])
    })

    const deployment = (path: string) => api.kubectl.field(['-n', NAMESPACE, 'deploy/orders-broker'], path)

    test('tells what its topics hold and which groups are behind, and the API server keeps all of it (gap 5)', async () => {
      const client = await SmallClient.open(broker.port)
      await client.produce('kept', 1, 20)
      await client.commit('billing', 'kept', 1, 5)
      client.close()
      const latest = (topic: string) => api.kubectl.field(['-n', NAMESPACE, `kst/${topic}`], '.status.offsets.latest')
      await until('what was produced', async () => (await latest('kept')) === '20')
      await until('nothing in the other one', async () => (await latest('passing')) === '0')
      const billing = '.status.groups[?(@.group=="billing")].lag'
      await until('its lag', async () => (await api.kubectl.field(['-n', NAMESPACE, 'kst/kept'], billing)) === '15')
      expect(Number(await api.kubectl.field(['-n', NAMESPACE, 'kst/kept'], '.status.bytes'))).toBeGreaterThan(100)
    })

    test('writes nothing when everything is as it should be (gap 12)', async () => {
      const quiet = async (): Promise<boolean> => {
        const from = Date.now()
        await sleep(QUIET_MS)
        return (await own(from)).filter(isWrite).every(call => !withoutLease(call))
      }
      // What was under way may come to its end first.
      expect((await quiet()) || (await quiet())).toBe(true)
      const from = Date.now()
      await api.kubectl.run(['-n', NAMESPACE, 'create', 'configmap', 'somebody-elses'])
      await api.kubectl.run(['-n', NAMESPACE, 'annotate', 'ksc/orders', 'example.com/note=1'])
      await sleep(2000)
      expect((await own(from)).filter(call => isWrite(call) && withoutLease(call))).toEqual([])
    })

    test('puts right what somebody else changes, and leaves alone what is theirs', async () => {
      const image = '.spec.template.spec.containers[?(@.name=="broker")].image'
      const right = await deployment(image)
      await api.kubectl.run(['-n', NAMESPACE, 'set', 'image', 'deploy/orders-broker', 'broker=other:1'])
      await api.kubectl.run(['-n', NAMESPACE, 'annotate', 'deploy/orders-broker', 'example.com/team=a'])
      await until('the image', async () => (await deployment(image)) === right)
      expect(await deployment('.metadata.annotations.example\\.com/team')).toBe('a')
      await person.delete(RESOURCES.services, { namespace: NAMESPACE, name: 'orders-broker' })
      await until('the Service', () => find(person, RESOURCES.services, 'orders-broker'))
    })

    test('follows kubectl scale, and every object still belongs to one field manager for its part', async () => {
      await api.kubectl.run(['-n', NAMESPACE, 'scale', 'ksc/orders', '--replicas=4'])
      await until('four brokers', async () => (await deployment('.spec.replicas')) === '4')
      const owners = z
        .object({ metadata: z.object({ managedFields: z.array(z.looseObject({ manager: z.string() })) }) })
        .parse(
          JSON.parse(
            await api.kubectl.run([
              '-n',
              NAMESPACE,
              'get',
              'deploy/orders-broker',
              '-o',
              'json',
              '--show-managed-fields',
            ]),
          ),
        )
      const ofReplicas = owners.metadata.managedFields.filter(entry =>
        JSON.stringify(entry).includes('"f:replicas":{}}'),
      )
      expect(ofReplicas.map(({ manager }) => manager)).not.toContain('kafscale-operator')
      // That it was scaled is in no managedFields at all, so nothing may be concluded from them (operator/cluster/live.ts).
      const sized = owners.metadata.managedFields.filter(entry =>
        /"f:spec":\{[^}]*"f:replicas"/.test(JSON.stringify(entry)),
      )
      expect(sized).toEqual([])
    })

    test('deletes a topic with its object, and keeps one that is to be retained', async () => {
      const connection = await BrokerConnection.open({
        host: '127.0.0.1',
        port: broker.port,
        clock: systemClock,
        clientId: 'test',
        timeoutMs: 20_000,
      })
      const live = async (name: string) => (await new TopicAdmin(connection).describe([name])).get(name)
      expect(await live('passing')).toBeDefined()
      await api.kubectl.run(['-n', NAMESPACE, 'delete', 'kst', 'passing', 'kept', '--timeout=30s'])
      expect(await live('passing')).toBeUndefined()
      expect(await live('kept')).toMatchObject({ partitions: 3 })
      connection.close()
    })

    test('takes everything with the cluster that belongs to it', async () => {
      await api.kubectl.run(['-n', NAMESPACE, 'delete', 'ksc/orders'])
      const owned = ['deploy', 'service', 'configmap', 'serviceaccount', 'pdb', 'podmonitors', 'prometheusrules']
      const left = () =>
        api.kubectl.run([
          '-n',
          NAMESPACE,
          'get',
          owned.join(','),
          '-l',
          'app.kubernetes.io/instance=orders',
          '-o',
          'name',
        ])
      await until('nothing left', async () => (await left()) === '', 60_000)
      await operator?.stop()
      operator = undefined
    })
  })

  describe('of two operators', () => {
    const children: Child[] = []

    const start = async (name: string): Promise<Child> => {
      const child = await startChild(process.execPath, [join(root, 'operator/main.ts')], {
        logFile: join(folder, `${name}.log`),
        env: {
          PATH: process.env.PATH ?? '',
          KAFSCALE_OPERATOR_KUBECONFIG: accountConfig,
          KAFSCALE_OPERATOR_METRICS_PORT: '0',
          KAFSCALE_OPERATOR_LEADER_KEY: 'election',
          POD_NAME: name,
        },
      })
      children.push(child)
      return child
    }
    const holder = () =>
      api.kubectl.outcome(['-n', NAMESPACE, 'get', 'lease', 'election', '-o', 'jsonpath={.spec.holderIdentity}'])
    const leads = (name: string) => async () => (await holder()).stdout.startsWith(`${name}_`)

    afterAll(async () => {
      await Promise.all(children.map(child => child.kill()))
    })

    test('the second leads when the first is killed, and the third when the second ends', async () => {
      const first = await start('first')
      await until('the first leads', leads('first'))
      const second = await start('second')
      await api.kubectl.apply([cluster({ brokers: { replicas: 1 } })])
      await ready('ksc/orders')
      await first.kill()
      const killed = performance.now()
      await until('the second leads', leads('second'), 60_000)
      // Nobody may take a lease before it has run out.
      expect(performance.now() - killed).toBeGreaterThan(5000)
      await api.kubectl.run(['-n', NAMESPACE, 'scale', 'ksc/orders', '--replicas=3'])
      await until('its work', async () => {
        const found = await api.kubectl.field(['-n', NAMESPACE, 'deploy/orders-broker'], '.spec.replicas')
        return found === '3'
      })
      await start('third')
      await sleep(3000)
      expect(await second.stop()).toBe(0)
      await until('the third leads', leads('third'), 10_000)
    })
  })

  test('was never refused anything, with the rights of the chart and no others', async () => {
    const calls = await own()
    expect(calls.filter(({ code }) => code === 401 || code === 403)).toEqual([])
    const used = new Set(
      calls.filter(({ resource }) => resource !== '').map(({ resource, verb }) => `${resource} ${verb}`),
    )
    const granted: string[] = []
    for (const name of ['kafscale', 'kafscale-leader']) {
      const found = await api.kubectl.run(['-n', NAMESPACE, 'get', 'role', name, '-o', 'json'])
      const { rules } = roleSchema.parse(JSON.parse(found))
      granted.push(
        ...rules.flatMap(({ resources, verbs }) => resources.flatMap(one => verbs.map(verb => `${one} ${verb}`))),
      )
    }
    expect([...used].filter(right => !granted.includes(right))).toEqual([])
    // That there is no right too many shows in operator/rbac.test.ts, whose story comes to all of them.
    expect(used.size).toBeGreaterThan(30)
  })

  test('lets go of its namespace, though the deletion takes its own rights away', async () => {
    startOperator()
    await api.kubectl.apply([
      cluster({ brokers: { replicas: 1 } }),
      manifest(TOPIC, 'held', { clusterRef: 'orders', partitions: 1, deletionPolicy: 'Delete' }),
    ])
    await Promise.all([ready('ksc/orders'), ready('kst/held')])
    // Pods go first, and Kubernetes waits for them: this one stands for that of the operator.
    const pod = (finalizers: readonly string[]) => ({ metadata: { finalizers } })
    await person.apply(RESOURCES.pods, operatorPod(['example.com/runs']), { manager: 'test', force: true })
    await api.kubectl.run(['delete', 'namespace', NAMESPACE, '--wait=false'])
    await until('the end of the pod', async () => {
      const found = await find(person, RESOURCES.pods, 'operator')
      return found?.metadata.deletionTimestamp !== undefined
    })
    await operator?.stop()
    operator = undefined
    await api.kubectl.run(['-n', NAMESPACE, 'patch', 'pod', 'operator', '--type=merge', '-p', JSON.stringify(pod([]))])
    await api.kubectl.run(['wait', `namespace/${NAMESPACE}`, '--for=delete', '--timeout=90s'])
  })
})
