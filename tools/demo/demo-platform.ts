/**
 * `make demo-platform`: a real Kubernetes of one node on this machine, KafScale installed on it by Helm, a cluster and a topic
 * from config/samples, a producer and a consumer at work. Ctrl-C ends all of it and leaves nothing.
 *
 * `make demo-platform KUBECONFIG=FILE` uses a Kubernetes that is there; it has to have the images, and node ports that this
 * machine reaches. Then Ctrl-C takes away what was installed.
 *
 * `make demo-platform IMAGES=FILE,FILE` loads images of yours too, as archives, where the node is its own.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { Kubectl } from '../../testing/kubernetes/kubectl.ts'
import { startNode } from '../../testing/kubernetes/node.ts'
import { KAFSCALE_IMAGE, kafscaleImage, nodeParts } from '../../testing/kubernetes/node-parts.ts'
import {
  helmRelease,
  KAFKA_NODE_PORT,
  NAMESPACE,
  type Place,
  prepareNamespace,
  sampleCluster,
  sampleTopic,
} from '../../testing/kubernetes/platform.ts'
import { helm, kubernetes, PartUnavailable } from '../parts/parts.ts'
import { demoFolder } from './processes.ts'
import { BUSY_TOPIC, Traffic } from './traffic.ts'

const CRDS = ['kafscaleclusters.kafscale.io', 'kafscaletopics.kafscale.io', 'kafscaleusers.kafscale.io'] as const
const REPLICAS = 3
const PARTITIONS = 3
/** Where browsers outside of the Kubernetes cluster find the console, on the node; an Ingress would lead there elsewhere. */
const CONSOLE_NODE_PORT = 30_480
/** For the shell of whoever wants to look at the cluster. */
const ENVIRONMENT_FILE = demoFolder('platform.env')

interface Ground {
  readonly place: Place
  readonly values: readonly string[]
  readonly s3Image?: string
  /** Takes away what was made. */
  end(): Promise<void>
}

const began = performance.now()
const say = (text: string): void =>
  console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`)

const ownImages = (process.env.DEMO_IMAGES ?? '')
  .split(',')
  .filter(file => file !== '')
  .map(file => resolve(file))

async function ownNode(): Promise<Ground> {
  say('Fetching and building what a Kubernetes is made of, where it is not there yet (15 minutes the first time) ...')
  const parts = await nodeParts()
  const program = await helm()
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-demo-'))
  try {
    say('Building the image of KafScale ...')
    const image = await kafscaleImage(folder)
    say('Starting Kubernetes ...')
    const node = await startNode({ ...parts, images: [...parts.images, image, ...ownImages] })
    const place = { kubectl: node.kubectl, helm: program, address: node.address }
    return { place, values: [], end: () => node.stop() }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function existing(kubeconfig: string): Promise<Ground> {
  const kubectl = new Kubectl((await kubernetes()).kubectl, kubeconfig)
  if (await kubectl.succeeds(['get', 'namespace', NAMESPACE])) {
    throw new Error(`there is a namespace ${NAMESPACE} already, and this demo would delete it at its end`)
  }
  if (await kubectl.succeeds(['get', 'crd', CRDS[0]])) {
    throw new Error('KafScale is installed there already, and this demo would delete its clusters at its end')
  }
  const nodes = '.items[0].status.addresses[?(@.type=="InternalIP")].address'
  const address = process.env.NODE_ADDRESS || (await kubectl.field(['nodes'], nodes))
  const { repository, tag } = imageParts(process.env.IMAGE || KAFSCALE_IMAGE)
  const etcd = process.env.ETCD_IMAGE ? [`etcdImage=${process.env.ETCD_IMAGE}`] : []
  return {
    place: { kubectl, helm: await helm(), address },
    values: [`image.repository=${repository}`, `image.tag=${tag}`, ...etcd],
    ...(process.env.S3_IMAGE ? { s3Image: process.env.S3_IMAGE } : {}),
    end: async () => {
      await kubectl.run(['delete', 'namespace', NAMESPACE, '--timeout=150s'])
      await kubectl.run(['delete', 'crd', ...CRDS])
    },
  }
}

function imageParts(image: string): { repository: string; tag: string } {
  const colon = image.lastIndexOf(':')
  if (colon < image.lastIndexOf('/') + 1) return { repository: image, tag: 'latest' }
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) }
}

const CONSOLE_DOOR = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'console-outside', namespace: NAMESPACE },
  spec: {
    type: 'NodePort',
    selector: { 'app.kubernetes.io/instance': 'kafscale', 'app.kubernetes.io/component': 'console' },
    ports: [{ port: 48_080, targetPort: 'console', nodePort: CONSOLE_NODE_PORT }],
  },
}

async function install({ place, values, s3Image }: Ground): Promise<void> {
  const { kubectl } = place
  say('An S3 server with a bucket ...')
  await prepareNamespace(place, s3Image)
  say('helm install kafscale charts/kafscale ...')
  await helmRelease(place, 'install', values)
  say('kubectl apply -f config/samples/cluster.yaml -f config/samples/topic.yaml, with that bucket and a console ...')
  const cluster = await sampleCluster(REPLICAS)
  await kubectl.apply([
    { ...cluster, spec: { ...Object(cluster.spec), console: {} } },
    await sampleTopic(),
    CONSOLE_DOOR,
  ])
  for (const what of ['ksc/kafscale', 'kst/orders']) {
    await kubectl.run(['-n', NAMESPACE, 'wait', what, '--for=condition=Ready', '--timeout=180s'])
  }
  await kubectl.run(['-n', NAMESPACE, 'rollout', 'status', 'deployment/kafscale-console', '--timeout=180s'])
  say('The cluster is ready:')
  console.log(`\n${await kubectl.run(['-n', NAMESPACE, 'get', 'ksc,kst,pods'])}`)
}

async function sayWhatNext({ kubectl, helm: program, address }: Place): Promise<void> {
  const programs = [dirname((await kubernetes()).kubectl), dirname(program)].join(':')
  await mkdir(dirname(ENVIRONMENT_FILE), { recursive: true })
  await writeFile(
    ENVIRONMENT_FILE,
    `export KUBECONFIG=${kubectl.kubeconfig} PATH=${programs}:$PATH NODE_ADDRESS=${address}\n`,
  )
  console.log(`
Brokers   ${address}:${KAFKA_NODE_PORT}   (any Kafka client on this machine)
Console   http://${address}:${CONSOLE_NODE_PORT}
Inside    kafscale-broker.${NAMESPACE}.svc.cluster.local:9092   (any pod)

Try, in another terminal:
  . ${relative(process.cwd(), ENVIRONMENT_FILE)}   (kubectl and helm, for this cluster)
  kubectl -n ${NAMESPACE} get ksc,kst,pods
  kubectl -n ${NAMESPACE} scale ksc/kafscale --replicas=5
  kubectl -n ${NAMESPACE} delete $(kubectl -n ${NAMESPACE} get pods -l app.kubernetes.io/component=broker -o name | head -1)
  kubectl -n ${NAMESPACE} describe ksc kafscale
  kubectl explain ksc.spec
  helm test kafscale -n ${NAMESPACE}
  kcat -b ${address}:${KAFKA_NODE_PORT} -t ${BUSY_TOPIC} -C -o end

Ctrl-C ends everything and leaves nothing.
`)
}

async function main(): Promise<void> {
  const kubeconfig = process.env.DEMO_KUBECONFIG
  const ground = kubeconfig ? await existing(kubeconfig) : await ownNode()
  let stopping: Promise<void> | undefined
  let traffic: Traffic | undefined
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      await traffic?.stop()
      await rm(ENVIRONMENT_FILE, { force: true })
      await ground.end()
    })()
    return stopping
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      console.log('\nStopping ...')
      void stop().then(() => process.exit(0))
    })
  }
  try {
    await install(ground)
    traffic = new Traffic([`${ground.place.address}:${KAFKA_NODE_PORT}`])
    await traffic.createTopics(PARTITIONS)
    await sayWhatNext(ground.place)
    await traffic.run()
  } catch (cause) {
    // What is being taken away fails in its own ways; that is no news.
    if (stopping === undefined) {
      await stop()
      throw cause
    }
    await stopping
  }
}

main().catch((cause: unknown) => {
  const reason = cause instanceof PartUnavailable ? cause.message : cause
  console.error(`make demo-platform: ${reason instanceof Error ? reason.message : String(reason)}`)
  process.exit(1)
})
