// The plug-in against the fake API server over HTTP, and against a real broker for what it asks of brokers itself.

import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { systemClock } from '../../broker/clock.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { SmallClient } from '../../testing/small-client.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { ConnectionError } from '../runtime/connection.ts'
import { KubeError } from '../runtime/errors.ts'
import { manifestSchema } from '../runtime/object.ts'
import { RESOURCES } from '../runtime/resource.ts'
import { planTopic } from '../topic/plan.ts'
import { CLUSTER, clusterSchema } from '../types/kaf-scale-cluster.ts'
import { TOPIC, topicSchema } from '../types/kaf-scale-topic.ts'
import { COMMANDS, runProgram } from './program.ts'

const user = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
/** 12:00 on the first of January 2026. */
const clock = new VirtualClock(Date.UTC(2026, 0, 1, 12))

let api: KubeApi
let files: Map<string, string>

beforeEach(async () => {
  api = await KubeApi.start()
  files = new Map()
})
afterEach(() => api.stop())

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function kafscale(...words: string[]): Promise<Result> {
  const out: string[] = []
  const err: string[] = []
  const print = (text: string): void => void out.push(text)
  const code = await runProgram(words, {
    print,
    complain: text => void err.push(text),
    connect: async ({ namespace, allNamespaces }) => ({
      session: {
        client: api.client('plugin'),
        // Calls to brokers need time that passes.
        clock: { ...systemClock, now: () => clock.now() },
        namespace: allNamespaces ? undefined : (namespace ?? 'shop'),
        print,
        writeFile: async (file, text) => void files.set(file, text),
        readFile,
        environment: {},
      },
      close: async () => {},
    }),
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const condition = (type: string, status: string, reason: string, message = 'words') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-01T11:00:00Z',
})

async function putCluster(spec: object = {}, status: object = {}, metadata: object = {}): Promise<void> {
  const manifest = {
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { ...at('orders'), ...metadata },
    spec: { s3: { bucket: 'records', region: 'r' }, ...spec },
  }
  await api.bystander().apply(CLUSTER, manifest, user)
  await api.bystander().applyStatus(CLUSTER, { ...manifest, status }, { manager: 'kafscale-operator', force: true })
}

async function putTopic(name: string, spec: object = {}, status: object = {}): Promise<void> {
  const manifest = {
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleTopic',
    metadata: at(name),
    spec: { clusterRef: 'orders', partitions: 3, ...spec },
  }
  await api.bystander().apply(TOPIC, manifest, user)
  await api.bystander().applyStatus(TOPIC, { ...manifest, status }, { manager: 'kafscale-operator', force: true })
}

const cluster = () => clusterSchema.parse(api.get(CLUSTER, at('orders')))

const SCALED = {
  observedGeneration: 1,
  version: '0.1.0',
  endpoint: 'orders-broker.shop.svc:9092',
  endpoints: [{ name: 'kafka', type: 'internal', bootstrapServers: 'orders-broker.shop.svc:9092' }],
  brokers: {
    replicas: 5,
    ready: 5,
    desired: 5,
    summary: '5/5',
    image: 'kafscale:1',
    rolloutReasons: ['another image'],
  },
  conditions: [
    condition('Ready', 'True', 'Ready', 'Every broker that is wanted is ready.'),
    condition('Stalled', 'False', 'NotStalled'),
    condition('ScalingActive', 'True', 'ValidMetricFound'),
    condition('ScalingLimited', 'True', 'TooManyReplicas', 'The signals ask for more.'),
  ],
  lag: {
    records: 1200,
    seconds: 12,
    brokerBoundRecords: 200,
    groups: [{ group: 'billing', topic: 'orders', records: 1000, cause: 'ConsumerBound' }],
  },
  scaling: {
    mode: 'Auto',
    desired: 5,
    summary: 'Auto: TooManyReplicas',
    explanation: '5 brokers stay: eventLoop asks for 7; scaling.max is reached.',
    signals: [
      { name: 'eventLoop', value: 0.83, target: 0.6, proposal: 7 },
      { name: 'lag', target: 30 },
    ],
    history: {
      events: [{ time: '2026-01-01T11:57:00Z', from: 3, to: 5, reason: 'eventLoop' }],
      frozenUntil: '2026-01-01T12:30:00Z',
    },
  },
}

describe('words', () => {
  test('without any, and with --help, the commands are listed', async () => {
    for (const words of [[], ['--help'], ['help']]) {
      const { code, out } = await kafscale(...words)
      expect(code).toBe(0)
      for (const command of COMMANDS) expect(out).toContain(command.words)
    }
  })

  test.each(COMMANDS.map(command => [command.words, command] as const))(
    '%s --help tells how it is used',
    async (words, command) => {
      const { code, out } = await kafscale(...words.split(' '), '--help')
      expect(code).toBe(0)
      expect(out).toContain(`usage: kubectl kafscale ${words} ${command.usage}`)
      for (const option of Object.keys(command.options ?? {})) expect(out).toContain(`--${option}`)
      expect(api.calls).toEqual([])
    },
  )

  test.each([
    [['stats'], 'there is no command "stats"'],
    [['topic'], 'there is no command "topic"'],
    [['explain', 'scaling'], 'a name is missing'],
    [['status', 'a', 'b'], '"b" is one name too many'],
    [['pause', 'orders', '--fro', '2h'], "Unknown option '--fro'"],
    [['pause', 'orders', '--for'], "Option '--for <value>' argument missing"],
  ])('%j is refused in a sentence', async (words, sentence) => {
    const { code, err, out } = await kafscale(...words)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(sentence)
  })
})

describe('what cannot be done is a sentence', () => {
  test('a name that is none, with those that are there', async () => {
    expect((await kafscale('status', 'orders')).err).toContain('there is none there: try -n NAMESPACE')
    await putCluster()
    const { code, err } = await kafscale('lag', 'order')
    expect(code).toBe(1)
    expect(err).toBe('kubectl kafscale lag: there is no KafScaleCluster order in namespace shop; there are orders')
  })

  test.each([
    [403, 'Forbidden', 'you may not do this'],
    [401, 'Unauthorized', 'the API server does not know you'],
    [500, 'InternalError', 'injected'],
  ])('an answer of %i', async (code, reason, words) => {
    api.faults.add({ when: () => true, fault: { kind: 'refuse', code, reason } })
    const result = await kafscale('status')
    expect(result.code).toBe(1)
    expect(result.err).toContain(words)
  })

  test('an API server that is not there, and no kubeconfig', async () => {
    for (const cause of [new KubeError('NoConnection', 'ECONNREFUSED'), new ConnectionError('there is no file x')]) {
      const err: string[] = []
      const code = await runProgram(['status'], {
        print: () => {},
        complain: text => void err.push(text),
        connect: () => Promise.reject(cause),
      })
      expect([code, err.join()]).toEqual([1, expect.stringContaining(cause.message)])
    }
  })
})

describe('status', () => {
  test('shows all clusters in lines, those of other namespaces with -A', async () => {
    await putCluster({}, SCALED)
    await putCluster(
      {},
      { conditions: [condition('Ready', 'False', 'Progressing')] },
      { namespace: 'other', name: 'b' },
    )
    const own = await kafscale('status')
    expect(own.out.split('\n').map(line => line.split(/ {2,}/))).toEqual([
      ['NAMESPACE', 'NAME', 'READY', 'BROKERS', 'VERSION', 'LAG', 'SCALING', 'REASON'],
      ['shop', 'orders', 'True', '5/5', '0.1.0', '1200', 'Auto: TooManyReplicas', 'Ready'],
    ])
    expect(own.code).toBe(0)
    const all = await kafscale('status', '-A')
    expect(all.out).toContain('Progressing')
    expect(all.code).toBe(1)
    expect((await kafscale('status', '-n', 'nowhere')).out).toBe('There are no KafScaleClusters here.')
  })

  test('shows one in detail, with what somebody should know of and nothing else', async () => {
    await putCluster({}, SCALED)
    await putTopic(
      'bad',
      {},
      { phase: 'InvalidSpec', conditions: [condition('Ready', 'False', 'InvalidSpec', 'no such key')] },
    )
    await putTopic('good', {}, { conditions: [condition('Ready', 'True', 'Ready')] })
    const { out } = await kafscale('status', 'orders')
    for (const part of [
      '5/5 ready',
      'another image',
      'orders-broker.shop.svc:9092',
      'TooManyReplicas',
      '60m',
      'no such key',
    ]) {
      expect(out).toContain(part)
    }
    for (const part of ['NotStalled', 'ValidMetricFound', 'good']) expect(out).not.toContain(part)
  })

  test('of a cluster that nobody has looked at yet says so', async () => {
    await putCluster()
    const { code, out } = await kafscale('status')
    expect([code, out]).toEqual([1, expect.stringContaining('not looked at yet')])
    expect((await kafscale('status', 'orders')).code).toBe(1)
    expect((await kafscale('explain', 'scaling', 'orders')).code).toBe(0)
  })
})

test('explain scaling tells why, by which signals, with what lag, and what happened', async () => {
  await putCluster({ scaling: { mode: 'Auto', min: 2, max: 5 } }, SCALED)
  const { code, out } = await kafscale('explain', 'scaling', 'orders')
  expect(code).toBe(0)
  for (const part of [
    '5 brokers stay: eventLoop asks for 7; scaling.max is reached.',
    '5/5 ready, 2 to 5 allowed',
    'for another 30m',
    'The signals ask for more.',
  ]) {
    expect(out).toContain(part)
  }
  const lines = out.split('\n').map(line => line.split(/ {2,}/))
  expect(lines).toContainEqual(['eventLoop', '0.83', '0.6', '7'])
  expect(lines).toContainEqual(['lag', 'not seen', '30', '-'])
  expect(lines).toContainEqual(['billing', 'orders', '1000', 'ConsumerBound'])
  expect(lines).toContainEqual(['3m ago', '3 -> 5', 'eventLoop'])
})

describe('pauses', () => {
  test.each([
    [['--for', '2h'], { 'kafscale.io/pause': 'all', 'kafscale.io/pause-until': '2026-01-01T14:00:00Z' }],
    [
      ['--only', 'pods', '--for', '90s'],
      { 'kafscale.io/pause': 'pods', 'kafscale.io/pause-until': '2026-01-01T12:01:30Z' },
    ],
    [
      ['--until', '2026-01-02T00:00:00+01:00'],
      { 'kafscale.io/pause': 'all', 'kafscale.io/pause-until': '2026-01-01T23:00:00Z' },
    ],
    [['--only', 'scaling'], { 'kafscale.io/pause': 'scaling' }],
  ])('pause %j', async (options, annotations) => {
    await putCluster({}, {}, { annotations: { mine: 'stays' } })
    expect((await kafscale('pause', 'orders', ...options)).code).toBe(0)
    expect(cluster().metadata.annotations).toEqual({ mine: 'stays', ...annotations })
    expect((await kafscale('resume', 'orders')).out).toBe('KafScaleCluster orders is not paused.')
    expect(cluster().metadata.annotations).toEqual({ mine: 'stays' })
  })

  test.each([
    [['--for', 'soon'], '--for soon is no time such as 30m, 2h or 1d'],
    [['--until', '2025-12-31T00:00:00Z'], 'is over already'],
    [['--until', 'x'], '--until x is no time'],
    [['--for', '1h', '--until', '2027-01-01T00:00:00Z'], 'give one'],
    [['--only', 'everything'], '--only everything: it must be pods or scaling'],
  ])('pause %j is refused', async (options, sentence) => {
    await putCluster()
    const { code, err } = await kafscale('pause', 'orders', ...options)
    expect([code, err]).toEqual([1, expect.stringContaining(sentence)])
    expect(cluster().metadata.annotations).toBeUndefined()
  })

  test('one that the spec asks for is not ended by the plug-in', async () => {
    await putCluster({ paused: true })
    const { code, out } = await kafscale('resume', 'orders')
    expect([code, out]).toEqual([1, expect.stringContaining('stays paused by spec.paused')])
  })

  test('an edit is repeated when somebody else was quicker', async () => {
    await putCluster()
    api.faults.add({
      when: ({ verb }) => verb === 'update',
      fault: { kind: 'refuse', code: 409, reason: 'Conflict' },
      times: 2,
    })
    expect((await kafscale('pause', 'orders')).code).toBe(0)
    expect(cluster().metadata.annotations).toEqual({ 'kafscale.io/pause': 'all' })
  })
})

test('hibernate and wake change that field and no other', async () => {
  await putCluster({ brokers: { replicas: 4 } })
  const before = cluster().spec
  expect((await kafscale('hibernate', 'orders')).code).toBe(0)
  expect(cluster().spec).toEqual({ ...before, hibernation: { enabled: true } })
  expect((await kafscale('hibernate', 'orders')).out).toContain('is hibernated already')
  expect((await kafscale('wake', 'orders')).code).toBe(0)
  expect(cluster().spec).toEqual(before)
})

test('orphans come from the status of clusters, and from events where the cluster is gone', async () => {
  expect((await kafscale('orphans')).out).toBe('No topic was left behind.')
  const told = {
    topic: 'Old_Orders',
    uid: 'u1',
    reason: 'the brokers could not be reached in time',
    time: '2026-01-01T10:00:00Z',
  }
  await putCluster({}, { orphans: [told] })
  const event = (name: string, uid: string) => ({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: at(`event-${uid}`),
    reason: 'TopicOrphaned',
    note: 'The topic stays, because its cluster is gone.',
    eventTime: '2026-01-01T11:00:00.000000Z',
    regarding: { name, uid },
  })
  for (const [name, uid] of [
    ['old', 'u1'],
    ['lost', 'u2'],
  ] as const) {
    await api.bystander().apply(RESOURCES.events, event(name, uid), user)
  }
  const lines = (await kafscale('orphans')).out.split('\n').map(line => line.split(/ {2,}/))
  expect(lines).toEqual([
    ['NAMESPACE', 'CLUSTER', 'TOPIC', 'SINCE', 'WHY'],
    ['shop', 'orders', 'Old_Orders', '2026-01-01T10:00:00Z', 'the brokers could not be reached in time'],
    ['shop', '(gone)', 'lost', '2026-01-01T11:00:00.000000Z', 'The topic stays, because its cluster is gone.'],
  ])
})

test('a report has the objects of the cluster, and nothing that is secret', async () => {
  const secrets = ['hunter2', 'AKIAABCDEFGHIJKLMNOP', 'p4ss', 'geheim', 'tokentoken', 'MIIBPEM']
  await putCluster(
    {
      brokers: {
        podTemplate: { spec: { initContainers: [{ name: 'i', env: [{ name: 'DB_PASSWORD', value: 'hunter2' }] }] } },
      },
    },
    SCALED,
    {
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"a":"hunter2"}' },
    },
  )
  await putTopic('t')
  const labels = { 'app.kubernetes.io/instance': 'orders' }
  const put = (kind: 'configMaps' | 'pods' | 'secrets', name: string, more: object) => {
    const { group, version, kind: type } = RESOURCES[kind]
    const apiVersion = group === '' ? version : `${group}/${version}`
    return api
      .bystander()
      .apply(RESOURCES[kind], { apiVersion, kind: type, metadata: { ...at(name), labels }, ...more }, user)
  }
  await put('configMaps', 'orders-broker-config', {
    data: {
      'broker.yaml': 'cacheBytes: 1\ns3SecretKey: geheim\nurl: http://me:p4ss@host/x\nkey: AKIAABCDEFGHIJKLMNOP\n',
    },
  })
  await put('pods', 'orders-broker-1', {
    spec: {
      containers: [
        {
          name: 'broker',
          args: ['--token=tokentoken'],
          env: [
            { name: 'KAFSCALE_S3_SECRET_KEY', valueFrom: { secretKeyRef: { name: 'the-secret', key: 'k' } } },
            { name: 'CERT', value: '-----BEGIN PRIVATE KEY-----\nMIIBPEM\n-----END PRIVATE KEY-----' },
          ],
        },
      ],
    },
  })
  const said = { namespace: 'shop', pod: 'orders-broker-1', container: 'broker' }
  api.logs.set(said, `{"msg":"started","sasl":{"password":"hunter2 hunter2"}}\nauthorization: Bearer p4ss.p4ss.p4ss\n`)
  await put('secrets', 'the-secret', { data: { k: 'Z2VoZWlt' } })
  api.faults.add({
    when: ({ resource }) => resource.plural === 'networkpolicies',
    fault: { kind: 'refuse', code: 403, reason: 'Forbidden' },
  })
  const { code, out } = await kafscale('report', 'orders', '--output', 'report.yaml')
  expect(code).toBe(0)
  expect(out).toMatch(/^report.yaml: \d+ objects, 1 logs, 1 kinds that could not be read.$/)
  const text = files.get('report.yaml') ?? ''
  for (const secret of [...secrets, 'Z2VoZWlt']) expect(text).not.toContain(secret)
  for (const part of [
    'orders-broker-config',
    'cacheBytes: 1',
    'KAFSCALE_S3_SECRET_KEY',
    'the-secret',
    'networkpolicies.networking.k8s.io: Forbidden',
    '{"msg":"started","sasl":{"password":(removed)}}',
  ]) {
    expect(text).toContain(part)
  }
  expect(api.calls.some(({ resource }) => resource.plural === 'secrets')).toBe(false)
  expect(Object.keys(Object(parse(text)))).toEqual(['report', 'scaling', 'objects', 'notRead', 'logs'])
})

describe('with brokers', () => {
  let broker: FolderBroker
  let client: SmallClient
  let bootstrap: string

  beforeAll(async () => {
    broker = await FolderBroker.start()
    client = await SmallClient.open(broker.port)
    bootstrap = `127.0.0.1:${broker.port}`
    const config = { 'retention.ms': '604800000', 'max.message.bytes': '500000' }
    await client.admin.execute([{ kind: 'create', name: 'Orders_V1', partitions: 4, config }])
    await client.produce('Orders_V1', 1, 9)
    await client.commit('billing', 'Orders_V1', 1, 2)
  })
  afterAll(async () => {
    client.close()
    await broker.stop()
  })

  test('lag shows every partition as it is now', async () => {
    await putCluster()
    const { code, out } = await kafscale('lag', 'orders', '--bootstrap', bootstrap)
    expect(code).toBe(0)
    expect(out.split('\n').map(line => line.split(/ {2,}/))).toEqual([
      ['GROUP', 'STATE', 'TOPIC', 'PARTITION', 'COMMITTED', 'END', 'BEHIND'],
      ['billing', 'Empty', 'Orders_V1', '1', '2', '9', '7'],
    ])
    const told = await kafscale('lag', 'orders')
    expect([told.code, told.out]).toEqual([1, expect.stringContaining('has not told of lag yet')])
  })

  test('lag as it was told last, without asking a broker', async () => {
    await putCluster({}, SCALED)
    const { out } = await kafscale('lag', 'orders')
    expect(out).toContain('1200 records behind, 12 s; brokers could cure 200 of them.')
    expect(out).toContain('ConsumerBound')
  })

  test('a topic that is adopted is as its object says, so that its first reconcile has nothing to do', async () => {
    await putCluster({}, { endpoint: bootstrap })
    const printed = await kafscale('topic', 'adopt', 'Orders_V1', '--cluster', 'orders')
    expect(printed.code).toBe(0)
    const made = await kafscale('topic', 'adopt', 'Orders_V1', '--cluster', 'orders', '--create')
    expect(made.out).toBe('kafscaletopic.kafscale.io/orders-v1 created')
    const topic = topicSchema.parse(api.get(TOPIC, at('orders-v1')))
    expect(topicSchema.parse(manifestSchema.parse(parse(printed.out))).spec).toEqual(topic.spec)
    const live = (await client.admin.describe(['Orders_V1'])).get('Orders_V1')
    expect(planTopic(topic, cluster().spec, live)).toEqual({ steps: [], foreign: [] })
    const diff = await kafscale('topic', 'diff', 'orders-v1', '--bootstrap', bootstrap)
    expect([diff.code, diff.out]).toEqual([0, 'Topic Orders_V1 is as KafScaleTopic orders-v1 says.'])
  })

  test.each([
    [['Missing', '--cluster', 'orders'], 'have no topic Missing'],
    [['Orders_V1'], '--cluster is missing'],
    [['Orders_V1', '--cluster', 'orders', '--bootstrap', 'nowhere'], 'must be HOST:PORT, and is nowhere'],
    [['Orders_V1', '--cluster', 'orders', '--bootstrap', '127.0.0.1:1'], 'the brokers cannot be reached'],
    [['Orders_V1', '--cluster', 'orders', '-A'], '--all-namespaces does not go with a name'],
  ])('topic adopt %j is refused', async (words, sentence) => {
    await putCluster({}, { endpoint: bootstrap })
    const { code, err } = await kafscale('topic', 'adopt', ...words)
    expect([code, err]).toEqual([1, expect.stringContaining(sentence)])
  })

  test('topic diff shows what is and what should be', async () => {
    await putCluster()
    const spec = { topicName: 'Orders_V1', partitions: 6, config: { 'retention.ms': '1000' } }
    const status = { topicName: 'Orders_V1', partitionCount: 8, config: {} }
    await putTopic('orders', spec, status)
    const live = await kafscale('topic', 'diff', 'orders', '--bootstrap', bootstrap)
    expect(live.code).toBe(1)
    expect(live.out.split('\n').map(line => line.split(/ {2,}/))).toEqual([
      ['WHAT', 'IS', 'SHOULD BE'],
      ['partitions', '4', '6'],
      ['retention.ms', '604800000', '1000'],
      ['max.message.bytes', '500000', 'not set'],
    ])
    const told = await kafscale('topic', 'diff', 'orders')
    expect(told.out).toContain('6, but partitions cannot become fewer')
  })
})
