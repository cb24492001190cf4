/**
 * `make bench-operator`: what the operator costs, against the fake API server and a fake S3 service in this process and a real
 * broker.
 *
 *   BENCH_CLUSTERS=100 BENCH_TOPICS=20   clusters, and topics of each
 *   BENCH_IDLE_SECONDS=60                how long the settled ones are watched
 *
 * The operator is a process of its own, whose memory is told. The API server shares the machine with it.
 */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Manifest } from '../../operator/runtime/object.ts'
import { RESOURCES, type Resource } from '../../operator/runtime/resource.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { type Child, startChild, untilReady } from '../../testing/child.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { freePorts } from '../../testing/ports.ts'
import { FakeS3 } from '../../testing/s3/fake-s3.ts'
import { run } from '../../tools/parts/command.ts'
import { table } from '../table.ts'

const root = join(import.meta.dirname, '../..')
const user = { manager: 'user', force: true }
const CLUSTERS = Number(process.env.BENCH_CLUSTERS ?? 100)
const TOPICS = Number(process.env.BENCH_TOPICS ?? 20)
const IDLE_SECONDS = Number(process.env.BENCH_IDLE_SECONDS ?? 60)
const BATCH = 1000
const LIMIT_MS = 600_000

const folder = await mkdtemp(join(tmpdir(), 'kafscale-bench-operator-'))
const api = await KubeApi.start()
const store = await FakeS3.start()
store.answer = ({ method, key }) => (method === 'HEAD' && key === '' ? { status: 200 } : undefined)
const children: Child[] = []
const rows: [what: string, value: string, goal: string][] = []

function figure(what: string, value: string, goal = ''): void {
  rows.push([what, value, goal])
  console.error(`${what}: ${value}`)
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + LIMIT_MS; !holds(); await new Promise(resolve => setTimeout(resolve, 5))) {
    if (performance.now() > end) throw new Error(`${what} did not come true`)
  }
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(2)} s`
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`

async function memoryOf({ pid }: Child): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

async function child(name: string, args: readonly string[], env: Record<string, string>): Promise<Child> {
  const started = await startChild(process.execPath, [...args], {
    env: { ...process.env, ...env },
    logFile: join(folder, `${name}.log`),
  })
  children.push(started)
  return started
}

const [brokerPort = 0, metricsPort = 0] = await freePorts(2)

/** As in the chart. */
const HEAP = ['--max-semi-space-size=2', '--max-old-space-size=160']

/** As in the image: compiled, not stripped of types while it runs. Beside the packages, so that it finds them. */
const BUILT = 'node_modules/.cache/kafscale-bench-operator'

async function build(): Promise<void> {
  const file = join(folder, 'tsconfig.json')
  const include = ['broker', 'operator', 'bench/operator/process.ts'].map(part => join(root, part))
  const compilerOptions = {
    rootDir: root,
    outDir: join(root, BUILT),
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  await writeFile(file, JSON.stringify({ extends: join(root, 'tsconfig.build.json'), compilerOptions, include }))
  const { code, stdout, stderr } = await run(join(root, 'node_modules/.bin/tsc'), ['-p', file])
  if (code !== 0) throw new Error(`the operator could not be compiled:\n${stdout}${stderr}`)
}

async function startBroker(): Promise<void> {
  const broker = await child('broker', [join(root, 'broker/main.ts')], {
    KAFSCALE_DATA_DIR: join(folder, 'data'),
    KAFSCALE_BROKER_ADDR: `127.0.0.1:${brokerPort}`,
    KAFSCALE_METRICS_ADDR: `127.0.0.1:${metricsPort}`,
    KAFSCALE_LOG_LEVEL: 'error',
    KAFSCALE_MAX_PARTITIONS: '100000',
  })
  await untilReady(broker, 60_000, async () => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined)
    return answer?.ok === true
  })
}

const startOperator = (name: string): Promise<Child> =>
  child(name, [...HEAP, join(root, BUILT, 'bench/operator/process.js')], {
    API: api.connection.server,
    BROKER: String(brokerPort),
    IDENTITY: name,
  })

const leads = (operator: Child) => async (): Promise<boolean> => operator.output().includes('leads')

const at = (name: string) => ({ namespace: 'shop', name })
const cluster = (name: string): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleCluster',
  metadata: at(name),
  spec: {
    s3: { bucket: store.bucket, endpoint: store.endpoint, region: store.region, credentialsSecretRef: 'keys' },
    etcd: { endpoints: ['http://etcd:2379'] },
    brokers: { replicas: 3 },
    scaling: { mode: 'Auto', max: 9 },
  },
})
const topic = (clusterRef: string, name: string): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleTopic',
  metadata: at(name),
  spec: { clusterRef, partitions: 1, config: { 'retention.ms': 86_400_000 } },
})

const person = api.bystander()

/** For the bucket, with which all clusters are. */
async function putKeys(): Promise<void> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const data = { KAFSCALE_S3_ACCESS_KEY: base64(store.accessKey), KAFSCALE_S3_SECRET_KEY: base64(store.secretKey) }
  await person.apply(RESOURCES.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: at('keys'), data }, user)
}
const isReady = (object: Manifest | undefined): boolean => Object(object?.status).phase === 'Ready'
const size = (name: string): unknown => Object(api.get(RESOURCES.deployments, at(`${name}-broker`))?.spec).replicas

/** What the controllers of Kubernetes would do. */
async function makeReady(name: string): Promise<void> {
  const live = api.get(RESOURCES.deployments, at(`${name}-broker`))
  if (live === undefined) throw new Error(`cluster ${name} has no Deployment`)
  const status = {
    observedGeneration: live.metadata.generation,
    replicas: 3,
    readyReplicas: 3,
    updatedReplicas: 3,
  }
  const { apiVersion, kind } = live
  const manifest = { apiVersion, kind, metadata: at(`${name}-broker`), status }
  await person.applyStatus(RESOURCES.deployments, manifest, { manager: 'kube-controller-manager', force: true })
}

const callsOf = () => api.calls.filter(({ caller, resource }) => caller !== 'bystander' && resource.plural !== 'leases')
const writes = (): number => api.writes.filter(({ resource }) => resource.plural !== 'leases').length

async function oneCluster(): Promise<void> {
  api.forgetCalls()
  const began = performance.now()
  await person.apply(CLUSTER, cluster('first'), user)
  await until('its size', () => size('first') === 3 && api.get(CLUSTER, at('first'))?.status !== undefined)
  figure('one cluster: from apply to all objects written', seconds(began), 'below 1 s')
  figure('  requests', String(callsOf().length))
  await makeReady('first')
  await until('Ready', () => isReady(api.get(CLUSTER, at('first'))))
  const wrong = { spec: { ports: [] }, apiVersion: 'v1', kind: 'Service', metadata: at('first-broker') }
  const broken = performance.now()
  await person.apply(RESOURCES.services, wrong, { manager: 'somebody', force: true })
  const live = api.get(RESOURCES.services, at('first-broker'))
  await person.update(
    RESOURCES.services,
    {
      ...live,
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...live?.metadata, ...at('first-broker') },
      spec: { ports: [] },
    },
    { manager: 'somebody' },
  )
  const ports = (): unknown => Object(api.get(RESOURCES.services, at('first-broker'))?.spec).ports
  await until('the correction', () => Array.isArray(ports()) && JSON.stringify(ports()) !== '[]')
  figure('drift of a Service corrected', seconds(broken), 'below 1 s')
}

async function manyTopics(operator: Child): Promise<void> {
  for (let index = 0; index < BATCH; index++) await person.apply(TOPIC, topic('absent', `batch-${index}`), user)
  // Made before their cluster, so that one apply begins it for all of them.
  await until('all seen', () => api.list(TOPIC).every(({ status }) => status !== undefined))
  api.forgetCalls()
  const began = performance.now()
  await person.apply(CLUSTER, cluster('absent'), user)
  await until('all topics', () => api.list(TOPIC).every(isReady))
  figure(`${BATCH} topics by one apply: until all are Ready`, seconds(began), 'below 30 s')
  figure('  requests to the API server for each', (callsOf().length / BATCH).toFixed(2))
  figure('  memory of the operator', megabytes(await memoryOf(operator)), 'below 200 MB')
}

async function manyClusters(operator: Child): Promise<void> {
  api.forgetCalls()
  const names = Array.from({ length: CLUSTERS }, (_, index) => `c${index}`)
  const began = performance.now()
  for (const name of names) await person.apply(CLUSTER, cluster(name), user)
  for (const name of names) {
    for (let index = 0; index < TOPICS; index++) await person.apply(TOPIC, topic(name, `${name}-t${index}`), user)
  }
  const applied = seconds(began)
  await until('all sizes', () => names.every(name => size(name) === 3))
  for (const name of names) await makeReady(name)
  await until('all clusters', () => names.every(name => isReady(api.get(CLUSTER, at(name)))))
  await until('all topics', () => api.list(TOPIC).every(isReady))
  const objects = CLUSTERS + CLUSTERS * TOPICS
  figure(
    `${CLUSTERS} clusters with ${TOPICS} topics each: until all are Ready`,
    `${seconds(began)} (applied in ${applied})`,
  )
  figure('  requests to the API server for each object', (callsOf().length / objects).toFixed(2))
  // Two rounds of the autoscaler, after which it has told of what it sees.
  await new Promise(resolve => setTimeout(resolve, 35_000))
  figure('  memory of the operator', megabytes(await memoryOf(operator)))
  api.forgetCalls()
  await new Promise(resolve => setTimeout(resolve, IDLE_SECONDS * 1000))
  figure(`  writes in ${IDLE_SECONDS} s when settled`, String(writes()), '0')
  for (const { verb, resource, name, subresource } of api.writes)
    if (resource.plural !== 'leases') console.error(`    ${verb} ${resource.plural} ${name} ${subresource}`)
  figure('  reads of it, without the leases', String(callsOf().length - writes()))
}

async function failOver(first: Child): Promise<void> {
  const measure = async (how: string, goal: string, leader: Child, next: Child, end: () => Promise<unknown>) => {
    const began = performance.now()
    const ended = end()
    await untilReady(next, 60_000, leads(next))
    await ended
    figure(`another operator leads after ${how}`, seconds(began), goal)
    return leader
  }
  const second = await startOperator('second')
  await new Promise(resolve => setTimeout(resolve, 5000))
  await measure('SIGTERM', 'below 3 s', first, second, () => first.stop())
  const third = await startOperator('third')
  await new Promise(resolve => setTimeout(resolve, 5000))
  await measure('kill -9', 'below 20 s', second, third, () => second.kill())
}

async function sizes(): Promise<void> {
  const bytes = async (path: string): Promise<number> => {
    const found = await stat(join(root, path))
    if (!found.isDirectory()) return found.size
    const inner = await readdir(join(root, path))
    return (await Promise.all(inner.map(name => bytes(join(path, name))))).reduce((sum, one) => sum + one, 0)
  }
  const kilobytes = async (path: string): Promise<string> => `${((await bytes(path)) / 1000).toFixed(1)} kB`
  figure(
    'CRD of KafScaleCluster, of KafScaleTopic',
    `${await kilobytes('crds/kafscaleclusters.yaml')}, ${await kilobytes('crds/kafscaletopics.yaml')}`,
  )
  figure('Role, chart', `${await kilobytes('config/rbac/role.yaml')}, ${await kilobytes('charts/kafscale')}`)
}

const kinds: readonly Resource[] = [CLUSTER, TOPIC]
try {
  await build()
  await startBroker()
  await putKeys()
  const operator = await startOperator('first')
  await untilReady(operator, 60_000, leads(operator))
  figure('memory of the operator with nothing to do', megabytes(await memoryOf(operator)))
  await oneCluster()
  await manyTopics(operator)
  await manyClusters(operator)
  await failOver(operator)
  await sizes()
  console.log(table(['what', 'value', 'goal'], rows))
  console.error(`${kinds.map(kind => `${api.list(kind).length} ${kind.plural}`).join(', ')} at the end`)
} finally {
  for (const started of children) await started.kill()
  await api.stop()
  await store.stop()
  await rm(folder, { recursive: true, force: true })
}
