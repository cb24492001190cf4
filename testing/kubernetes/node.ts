// A whole Kubernetes of one node in a box: control plane, containerd, kubelet, kube-proxy, DNS. Real pods, Services and node
// ports, a few volumes; no network policies, no load balancers. Images are what is imported; none is pulled.

import { chown, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EtcdPrograms } from '../../tools/parts/etcd.ts'
import type { ContainerRuntime, KubernetesPrograms } from '../../tools/parts/kubernetes.ts'
import { untilReady } from '../child.ts'
import { type Box, removeFolder, startBox } from './box.ts'
import { clusterDns, DNS_ADDRESS } from './cluster-dns.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { NODE_NAME } from './credentials.ts'
import type { Kubectl } from './kubectl.ts'
import { PAUSE_IMAGE } from './node-images.ts'

export interface NodeParts {
  readonly kubernetes: KubernetesPrograms
  readonly etcd: EtcdPrograms
  readonly runtime: ContainerRuntime
  readonly pause: string
  /** Archives of images that are there from the beginning. */
  readonly images: readonly string[]
}

export interface KubernetesNode {
  /** Of the node, and of what listens on its ports. */
  readonly address: string
  readonly kubeconfig: string
  readonly kubectl: Kubectl
  readonly auditFile: string
  readonly folder: string
  importImage(archive: string): Promise<void>
  /** Another name for an image that is there. */
  tagImage(tag: string, other: string): Promise<void>
  /** SIGKILL to everything in a container, by the id that its pod tells. */
  killContainer(id: string): Promise<void>
  /** Ends everything and removes it. */
  stop(): Promise<void>
}

const PORTS = { api: 6443, etcd: 2379, etcdPeers: 2380, controllers: 10_257, scheduler: 10_259 }
const POD_RANGE = '10.244.0.0/24'
const SOCKET = '/run/containerd.sock'
const PLUGINS_FOLDER = 'network'
const READY_MS = 120_000

/** Resolves when the node is ready and names of Services are answered. */
export async function startNode(parts: NodeParts): Promise<KubernetesNode> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-node-'))
  let box: Box | undefined
  try {
    box = await startBox(folder, parts.pause)
    const [plane] = await Promise.all([
      startControlPlane({ ...parts, folder, launch: box.launch, address: box.address, ports: PORTS, ...EVERYTHING }),
      startContainerd(box, parts),
    ])
    await startKubelet(box, parts, plane)
    await startProxy(box, parts, plane)
    await plane.kubectl.apply([...clusterDns(), ...(await volumes(folder))])
    await plane.kubectl.run(['-n', 'kube-system', 'rollout', 'status', 'deploy/coredns', '--timeout=120s'])
    return node(box, parts, plane)
  } catch (cause) {
    await box?.stop()
    await removeFolder(folder)
    throw cause
  }
}

const EVERYTHING = { controllers: true, scheduler: true } as const

function node(box: Box, { runtime }: NodeParts, plane: ControlPlane): KubernetesNode {
  return {
    address: box.address,
    kubeconfig: plane.kubeconfig,
    kubectl: plane.kubectl,
    auditFile: plane.auditFile,
    folder: box.folder,
    importImage: archive => importImage(box, runtime, archive),
    tagImage: async (tag, other) => {
      await box.run(runtime.ctr, [...CTR, 'images', 'tag', '--force', tag, other])
    },
    killContainer: async id => {
      const task = id.replace(/^containerd:\/\//, '')
      await box.run(runtime.ctr, [...CTR, 'tasks', 'kill', '--all', '--signal', 'SIGKILL', task])
    },
    stop: async () => {
      await box.stop()
      await removeFolder(box.folder)
    },
  }
}

const VOLUMES = 3
/** As who most programs run that claim one. */
const VOLUME_USER = 65_532

/** Folders of the node that claims without a storage class are bound to. */
async function volumes(folder: string): Promise<object[]> {
  const names = Array.from({ length: VOLUMES }, (_, index) => `volume-${index}`)
  for (const name of names) {
    await mkdir(join(folder, name))
    await chown(join(folder, name), VOLUME_USER, VOLUME_USER)
  }
  return names.map(name => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: join(folder, name) },
    },
  }))
}

const CTR = ['--address', SOCKET, '--namespace', 'k8s.io']

async function importImage(box: Box, { ctr }: ContainerRuntime, archive: string): Promise<void> {
  await box.run(ctr, [...CTR, 'images', 'import', archive])
}

async function startContainerd(box: Box, { runtime, images }: NodeParts): Promise<void> {
  const config = join(box.folder, 'containerd.toml')
  const network = join(box.folder, PLUGINS_FOLDER)
  await box.run('mkdir', ['-p', network])
  await writeFile(config, containerdConfig(box.folder, network, runtime))
  await writeFile(join(network, '10-bridge.conflist'), JSON.stringify(networkConfig()))
  const containerd = await box.launch('containerd', runtime.containerd, ['--config', config])
  const answers = (): Promise<boolean> =>
    box.run(runtime.ctr, [...CTR, 'version']).then(
      () => true,
      () => false,
    )
  await untilReady(containerd, READY_MS, answers)
  for (const archive of images) await importImage(box, runtime, archive)
}

function containerdConfig(folder: string, network: string, { networkPlugins }: ContainerRuntime): string {
  const plugin = (name: string): string => `plugins."io.containerd.grpc.v1.cri"${name}`
  const runc = '.containerd.runtimes.runc'
  return `
version = 2
root = "${folder}/containerd"
state = "/run/containerd"
[grpc]
  address = "${SOCKET}"
[${plugin('')}]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
[${plugin('.containerd')}]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
[${plugin(runc)}]
  runtime_type = "io.containerd.runc.v2"
[${plugin(`${runc}.options`)}]
  SystemdCgroup = false
[${plugin('.cni')}]
  bin_dir = "${networkPlugins}"
  conf_dir = "${network}"
`
}

function networkConfig(): object {
  const ipam = {
    type: 'host-local',
    dataDir: '/run/network',
    ranges: [[{ subnet: POD_RANGE }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  return {
    cniVersion: '0.4.0',
    name: 'kafscale',
    plugins: [
      { type: 'bridge', bridge: 'pods', isGateway: true, ipMasq: false, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}

async function startKubelet(
  box: Box,
  { kubernetes }: NodeParts,
  { credentials, kubectl }: ControlPlane,
): Promise<void> {
  const { folder, address } = box
  const serving = await credentials.server('kubelet', address)
  const kubeconfig = await credentials.kubeconfig('kubelet', `system:node:${NODE_NAME}`, 'system:nodes')
  const resolvConf = join(folder, 'resolv.conf')
  // CoreDNS asks nobody else, so that names outside of the cluster are refused at once.
  await writeFile(resolvConf, 'nameserver 127.0.0.1\n')
  const config = join(folder, 'kubelet.json')
  await writeFile(config, JSON.stringify({ ...kubeletConfig(box), resolvConf, ...kubeletTls(credentials.ca, serving) }))
  const kubelet = await box.launch('kubelet', kubernetes.kubelet, [
    ...['--config', config, '--kubeconfig', kubeconfig, '--hostname-override', NODE_NAME, '--node-ip', address],
    ...['--root-dir', join(folder, 'kubelet'), '--cert-dir', join(folder, 'kubelet-certificates')],
  ])
  const ready = ['wait', `node/${NODE_NAME}`, '--for=condition=Ready', '--timeout=1s']
  await untilReady(kubelet, READY_MS, () => kubectl.succeeds(ready))
}

const kubeletTls = (clientCAFile: string, { cert, key }: { readonly cert: string; readonly key: string }) => ({
  tlsCertFile: cert,
  tlsPrivateKeyFile: key,
  authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile } },
  authorization: { mode: 'Webhook' },
})

function kubeletConfig({ address, cgroup }: Box): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address,
    healthzBindAddress: '127.0.0.1',
    containerRuntimeEndpoint: `unix://${SOCKET}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    clusterDNS: [DNS_ADDRESS],
    clusterDomain: 'cluster.local',
    // Of files that change: a test should not wait a minute for them.
    syncFrequency: '5s',
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      'memory.available': '50Mi',
      'nodefs.available': '100Mi',
      'imagefs.available': '100Mi',
      'nodefs.inodesFree': '1%',
    },
  }
}

async function startProxy(box: Box, { kubernetes }: NodeParts, { credentials }: ControlPlane): Promise<void> {
  const kubeconfig = await credentials.kubeconfig('proxy', 'system:kube-proxy')
  const config = join(box.folder, 'proxy.json')
  const unchanged = { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' }
  await writeFile(
    config,
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'iptables',
      clusterCIDR: POD_RANGE,
      hostnameOverride: NODE_NAME,
      bindAddress: box.address,
      healthzBindAddress: '127.0.0.1:10256',
      metricsBindAddress: '127.0.0.1:10249',
      clientConnection: { kubeconfig },
      // By the default of a second, connections of a rolling change still go to pods that have ended.
      iptables: { minSyncPeriod: '100ms' },
      conntrack: unchanged,
    }),
  )
  await box.launch('kube-proxy', kubernetes.proxy, ['--config', config])
}
