// KafScale on a real Kubernetes of one node, as docs/operations.md tells a user to run it: installed by Helm, used by real
// clients through Services, changed and hurt while they are at work, and taken away without a trace.

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { z } from 'zod'
import { auditedCalls } from '../../testing/kubernetes/audit.ts'
import { runHelm } from '../../testing/kubernetes/kubectl.ts'
import { type KubernetesNode, startNode } from '../../testing/kubernetes/node.ts'
import { KAFSCALE_IMAGE, kafscaleImage, nodeParts } from '../../testing/kubernetes/node-parts.ts'
import {
  helmRelease,
  KAFKA_NODE_PORT,
  NAMESPACE,
  type Place,
  prepareNamespace,
  RELEASE,
  rotateKeys,
  sampleCluster,
  sampleTopic,
} from '../../testing/kubernetes/platform.ts'
import { until } from '../../testing/operator.ts'
import { run } from '../../tools/parts/command.ts'
import { helm, maven, versitygw } from '../../tools/parts/parts.ts'
import { Load } from './load.ts'
import { nodeSuite } from './node-suite.ts'
import { SlowGroup } from './slow-group.ts'
import { traces } from './traces.ts'

jest.setTimeout(300_000)

const root = join(import.meta.dirname, '../..')
const CLUSTER = 'ksc/kafscale'
const BROKERS = 'deploy/kafscale-broker'
const OPERATOR = `system:serviceaccount:${NAMESPACE}:kafscale`
const LOAD_TOPIC = 'load'
const PARTITIONS = 4
const NEXT_IMAGE = 'localhost/kafscale:next'

const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        uid: z.string(),
        deletionTimestamp: z.string().optional(),
        annotations: z.record(z.string(), z.string()).default({}),
      }),
      spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
      status: z.object({
        containerStatuses: z.array(z.object({ containerID: z.string().optional(), ready: z.boolean() })).default([]),
      }),
    }),
  ),
})
type Pod = z.output<typeof podList>['items'][number]

const parts = Promise.all([nodeParts(), helm(), maven(), versitygw()])
await nodeSuite('KafScale on a Kubernetes node', parts, ([parts, helmProgram, mvn, s3Server]) => {
  let folder: string
  let node: KubernetesNode
  let place: Place
  let load: Load | undefined

  const kubectl = (...args: string[]): Promise<string> => node.kubectl.run(['-n', NAMESPACE, ...args])
  const ready = (what: string): Promise<string> => kubectl('wait', what, '--for=condition=Ready', '--timeout=120s')

  const podsOf = async (selector: string): Promise<Pod[]> => {
    const found = podList.parse(JSON.parse(await kubectl('get', 'pods', '-l', selector, '-o', 'json')))
    return found.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }
  const brokers = (): Promise<Pod[]> => podsOf('app.kubernetes.io/component=broker')
  const isReady = ({ status }: Pod): boolean => status.containerStatuses.every(container => container.ready)
  const containerOf = ({ status }: Pod): string => status.containerStatuses[0]?.containerID ?? ''

  /** This many brokers, ready, and no others; seen by the operator too. */
  const brokersAre = (count: number, image?: string): Promise<boolean> =>
    until(
      `${count} brokers`,
      async () => {
        const pods = await brokers()
        const right = pods.filter(
          pod => isReady(pod) && (image === undefined || pod.spec.containers[0]?.image === image),
        )
        if (pods.length !== count || right.length !== count) return false
        return (await node.kubectl.field(['-n', NAMESPACE, CLUSTER], '.status.brokers.summary')) === `${count}/${count}`
      },
      150_000,
    )

  const leader = async (): Promise<Pod | undefined> => {
    const holder = await node.kubectl.field(['-n', NAMESPACE, 'lease', RELEASE], '.spec.holderIdentity')
    const pods = await podsOf(`app.kubernetes.io/name=kafscale-operator,app.kubernetes.io/instance=${RELEASE}`)
    return pods.find(({ metadata }) => holder.startsWith(`${metadata.name}_`))
  }

  /** Until their rights are taken away, which an uninstall does before they have ended. */
  const refusedNothing = async (): Promise<void> => {
    const calls = (await auditedCalls(node.auditFile)).filter(({ user }) => user === OPERATOR)
    expect(calls.length).toBeGreaterThan(100)
    expect(calls.filter(({ code }) => code === 403)).toEqual([])
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-platform-'))
    const [image, started] = await Promise.all([kafscaleImage(folder), startNode(parts)])
    node = started
    await node.importImage(image)
    await node.tagImage(KAFSCALE_IMAGE, NEXT_IMAGE)
    place = { kubectl: node.kubectl, helm: helmProgram, address: node.address }
    await prepareNamespace(place)
  })

  afterAll(async () => {
    await load?.stop()
    await node?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('helm install: two operators, of which one leads', async () => {
    expect(await helmRelease(place, 'install')).toContain('rollout status deployment/kafscale')
    await runHelm(helmProgram, node.kubeconfig, ['test', RELEASE, '-n', NAMESPACE])
  })

  test('kubectl apply of the samples: brokers, etcd and a topic are ready', async () => {
    await node.kubectl.apply([await sampleCluster(3), await sampleTopic()])
    await ready(CLUSTER)
    await brokersAre(3)
    await ready('kst/orders')
    expect(await kubectl('get', 'kst/orders')).toMatch(/orders +kafscale +shop\.Orders_V1 +12 +True/)
  })

  test('the Java client of E10 produces and consumes from outside, through the port of the node', async () => {
    const goals = ['-q', '-B', '-f', join(root, 'examples/E10_java-kafka-client-demo/pom.xml'), 'compile', 'exec:java']
    const args = [
      `-DbuildDirectory=${join(folder, 'e10')}`,
      `-Dexec.args=--bootstrap=${node.address}:${KAFKA_NODE_PORT}`,
    ]
    const { code, stdout, stderr } = await run(mvn, [...goals, ...args])
    expect([code, stripVTControlCharacters(stdout + stderr)]).toEqual([
      0,
      expect.stringMatching(/produced 25 messages[\s\S]*consumed 5 messages/),
    ])
  })

  test('a pod produces and consumes by the name of the Service', async () => {
    // Its program and library come from this machine, by a folder of the node.
    const client = join(node.folder, 'client')
    await mkdir(join(client, 'node_modules'), { recursive: true })
    await cp(join(root, 'node_modules/kafkajs'), join(client, 'node_modules/kafkajs'), { recursive: true })
    await writeFile(join(client, 'client.mjs'), CLIENT_PROGRAM)
    const bootstrap = await node.kubectl.field(['-n', NAMESPACE, CLUSTER], '.status.endpoint')
    await node.kubectl.apply([clientPod(client, bootstrap)])
    await node.kubectl.run(['wait', 'pod/client', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=90s'])
    expect(await node.kubectl.run(['logs', 'client'])).toContain('consumed 10')
    await node.kubectl.run(['delete', 'pod', 'client'])
  })

  describe('while clients are at work', () => {
    beforeAll(async () => {
      await node.kubectl.apply([
        {
          apiVersion: 'kafscale.io/v1alpha1',
          kind: 'KafScaleTopic',
          metadata: { name: LOAD_TOPIC, namespace: NAMESPACE },
          spec: { clusterRef: 'kafscale', partitions: PARTITIONS, deletionPolicy: 'Delete' },
        },
      ])
      await ready(`kst/${LOAD_TOPIC}`)
      load = await Load.start({ host: node.address, port: KAFKA_NODE_PORT }, LOAD_TOPIC, PARTITIONS)
    })

    test('all brokers get another image and other keys, though the operator is killed meanwhile', async () => {
      const versionOf = ({ metadata }: Pod): string | undefined => metadata.annotations['kafscale.io/secrets-version']
      const known = new Set((await brokers()).map(versionOf))
      const generation = () => node.kubectl.field(['-n', NAMESPACE, BROKERS], '.metadata.generation')
      const before = await generation()
      // Both at once, or the brokers would be replaced twice.
      await kubectl('annotate', CLUSTER, 'kafscale.io/pause=pods')
      const paused = '.status.conditions[?(@.type=="Paused")].status'
      await until('the pause', async () => (await node.kubectl.field(['-n', NAMESPACE, CLUSTER], paused)) === 'True')
      await rotateKeys(place, s3Server)
      const patch = { spec: { brokers: { image: { tag: 'next' } } } }
      await kubectl('patch', CLUSTER, '--type=merge', '-p', JSON.stringify(patch))
      expect(await generation()).toBe(before)
      await kubectl('annotate', CLUSTER, 'kafscale.io/pause-')
      await until('the first step', async () => (await generation()) !== before)
      const led = await leader()
      if (led !== undefined) await node.killContainer(containerOf(led))
      await brokersAre(3, NEXT_IMAGE)
      expect((await brokers()).filter(pod => known.has(versionOf(pod)))).toEqual([])
      await load?.getOn('after the new image')
    })

    test('one broker is killed and another one is told to go', async () => {
      const [first, second] = await brokers()
      if (first === undefined || second === undefined) throw new Error('there are no brokers')
      await Promise.all([
        node.killContainer(containerOf(first)),
        kubectl('delete', 'pod', second.metadata.name, '--wait=false'),
      ])
      await brokersAre(3)
      await load?.getOn('after the deaths')
    })

    test('kubectl scale makes them fewer', async () => {
      await kubectl('scale', CLUSTER, '--replicas=2')
      await brokersAre(2)
      await load?.getOn('after scaling')
    })

    test('helm upgrade replaces the operators and not the brokers', async () => {
      const before = (await brokers()).map(({ metadata }) => metadata.uid).sort()
      await helmRelease(place, 'upgrade', ['logLevel=debug', 'scalingIntervalSeconds=2'])
      await runHelm(helmProgram, node.kubeconfig, ['test', RELEASE, '-n', NAMESPACE])
      expect((await brokers()).map(({ metadata }) => metadata.uid).sort()).toEqual(before)
    })

    test('the lag of a real group makes a broker come, and go when it has caught up, with the reason in the status', async () => {
      const status = (path: string) => node.kubectl.field(['-n', NAMESPACE, CLUSTER], `.status.${path}`)
      const last = 'scaling.history.events[-1:]'
      const slow = new SlowGroup({ host: node.address, port: KAFKA_NODE_PORT }, LOAD_TOPIC)
      await slow.fallBehind(PARTITIONS)
      await kubectl('patch', CLUSTER, '--type=merge', '-p', JSON.stringify({ spec: { scaling: BY_LAG } }))
      await brokersAre(3)
      expect(await status(`${last}.reason`)).toMatch(/^lag \d+s$/)
      expect(await status('lag.groups[?(@.group=="slow")].topic')).toBe(LOAD_TOPIC)
      await slow.catchUpUntil(async () => (await status('brokers.desired')) === '2')
      await brokersAre(2)
      expect(await status(`${last}.from`)).toBe('3')
      await kubectl('patch', CLUSTER, '--type=merge', '-p', JSON.stringify({ spec: { scaling: { mode: 'Manual' } } }))
      await load?.getOn('after scaling by lag')
    })

    test('helm uninstall leaves clusters at work, and the next install takes them up as they are', async () => {
      const before = (await brokers()).map(({ metadata }) => metadata.uid).sort()
      await refusedNothing()
      await runHelm(helmProgram, node.kubeconfig, ['uninstall', RELEASE, '-n', NAMESPACE, '--wait'])
      const left = await kubectl(
        'get',
        'deploy,role,rolebinding,sa,pdb',
        '-l',
        `app.kubernetes.io/managed-by=Helm`,
        '-o',
        'name',
      )
      expect(left).toBe('')
      await load?.getOn('without an operator')
      await helmRelease(place, 'install')
      await kubectl('scale', CLUSTER, '--replicas=3')
      await brokersAre(3)
      expect((await brokers()).map(({ metadata }) => metadata.uid)).toEqual(expect.arrayContaining(before))
    })

    test('nothing that was acknowledged is lost, changed, doubled or out of order', async () => {
      await load?.getOn('at the end')
      expect(await load?.finish()).toEqual([])
      expect(load?.acknowledged).toBeGreaterThan(500)
    })
  })

  test('the metadata comes back from a snapshot that is named', async () => {
    await kubectl('create', 'job', 'snapshot-now', '--from=cronjob/kafscale-etcd-snapshot')
    await kubectl('wait', 'job/snapshot-now', '--for=condition=Complete', '--timeout=90s')
    const said = await kubectl('logs', 'job/snapshot-now')
    const key = /"key":"([^"]+)"/.exec(said)?.[1] ?? ''
    expect([said, key]).toEqual([said, expect.stringContaining('.kafscale/etcd/')])
    await kubectl('patch', CLUSTER, '--type=merge', '-p', restoreFrom(key))
    const life = '.status.etcd.life.number'
    await until(
      'another life',
      async () => (await node.kubectl.field(['-n', NAMESPACE, CLUSTER], life)) === '2',
      90_000,
    )
    await brokersAre(3)
    await ready('kst/orders')
  })

  test('the namespace can be deleted with everything in it', async () => {
    await node.kubectl.run(['delete', 'namespace', NAMESPACE, '--timeout=150s'])
    expect(
      await node.kubectl.run([
        'get',
        'clusterrole,clusterrolebinding',
        '-l',
        'app.kubernetes.io/name=kafscale-operator',
        '-o',
        'name',
      ]),
    ).toBe('')
    expect(await node.kubectl.run(['get', 'ksc,kst', '-A', '-o', 'name'])).toBe('')
  })

  test('and the node leaves nothing behind', async () => {
    await load?.stop()
    load = undefined
    expect(await traces(node.folder)).not.toEqual([])
    await node.stop()
    expect(await traces(node.folder)).toEqual([])
  })
})

const QUICK = { stabilizationWindowSeconds: 1, policies: [{ type: 'Pods', value: 2, periodSeconds: 1 }] }
/** All lag counts: on the machine of a test the brokers are not what holds a group up. */
const BY_LAG = {
  mode: 'Auto',
  min: 2,
  max: 3,
  signals: { lag: { targetSeconds: 10, attribution: 'Disabled' }, eventLoop: { targetPercent: 100 } },
  behavior: { scaleUp: QUICK, scaleDown: QUICK },
}

const restoreFrom = (key: string): string => JSON.stringify({ spec: { etcd: { managed: { restoreFrom: key } } } })

const CLIENT_PROGRAM = `
import kafkajs from 'kafkajs'
const kafka = new kafkajs.Kafka({ clientId: 'pod', brokers: [process.argv[2]], logLevel: kafkajs.logLevel.ERROR })
const producer = kafka.producer()
await producer.connect()
const messages = Array.from({ length: 10 }, (_, n) => ({ key: String(n), value: 'from a pod' }))
await producer.send({ topic: 'from-a-pod', messages })
await producer.disconnect()
const consumer = kafka.consumer({ groupId: 'pod' })
await consumer.connect()
await consumer.subscribe({ topic: 'from-a-pod', fromBeginning: true })
let seen = 0
await new Promise(resolve => consumer.run({ eachMessage: async () => { if (++seen === messages.length) resolve() } }))
console.log('consumed', seen)
await consumer.disconnect()
process.exit(0)
`

function clientPod(path: string, bootstrap: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'client', namespace: 'default' },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'client',
          image: KAFSCALE_IMAGE,
          imagePullPolicy: 'Never',
          args: ['/client/client.mjs', bootstrap],
          volumeMounts: [{ name: 'client', mountPath: '/client', readOnly: true }],
        },
      ],
      volumes: [{ name: 'client', hostPath: { path } }],
    },
  }
}
