// The control plane of a real Kubernetes: etcd, API server, and where asked for controllers and scheduler. It runs where its
// launcher puts it: on loopback for tests of the API, in a box of its own for a whole node.
//
// Nothing is kept: etcd does not wait for the disk, and everything goes with the folder. For tests and demos only.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EtcdPrograms } from '../../tools/parts/etcd.ts'
import type { KubernetesPrograms } from '../../tools/parts/kubernetes.ts'
import { type Child, untilReady } from '../child.ts'
import { administrator, type Credentials, createCredentials, SERVICE_RANGE } from './credentials.ts'
import { Kubectl } from './kubectl.ts'

/** Starts a program; what it says goes to a file called like it. */
export type Launcher = (name: string, program: string, args: readonly string[]) => Promise<Child>

export interface ControlPlanePorts {
  readonly api: number
  readonly etcd: number
  readonly etcdPeers: number
  readonly controllers: number
  readonly scheduler: number
}

export interface ControlPlaneOptions {
  readonly kubernetes: KubernetesPrograms
  readonly etcd: EtcdPrograms
  readonly launch: Launcher
  /** Empty; the caller removes it. */
  readonly folder: string
  /** Where the API server listens, and where nodes and pods reach it. */
  readonly address: string
  readonly ports: ControlPlanePorts
  /** Default: the address. The API server does not advertise loopback. */
  readonly advertised?: string
  readonly controllers?: boolean
  /** Done before controllers start: they look for new kinds only every half minute. */
  readonly prepare?: (kubectl: Kubectl) => Promise<void>
  readonly scheduler?: boolean
}

const READY_MS = 90_000

export interface ControlPlane {
  readonly credentials: Credentials
  /** Of an administrator. */
  readonly kubeconfig: string
  readonly kubectl: Kubectl
  /** Where the API server writes, a line for each call that has ended. */
  readonly auditFile: string
  stop(): Promise<void>
}

/** Resolves when the API server is ready, and the controllers have made the default account. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { kubernetes, launch, folder, address, ports } = options
  const started: Child[] = []
  const stop = async (): Promise<void> => {
    for (const child of started.reverse()) await child.stop()
  }
  try {
    const etcdUrl = `http://127.0.0.1:${ports.etcd}`
    const etcd = await launch('etcd', options.etcd.etcd, etcdArguments(folder, ports))
    started.push(etcd)
    const credentials = await createCredentials(folder, address, ports.api)
    const kubeconfig = await administrator(credentials)
    const kubectl = new Kubectl(kubernetes.kubectl, kubeconfig)
    const auditFile = join(folder, 'audit.log')
    const auditing = ['--audit-policy-file', await auditPolicy(folder), '--audit-log-path', auditFile]
    const args = apiServerArguments(options, credentials, etcdUrl)
    const api = await launch('kube-apiserver', kubernetes.apiserver, [...args, ...auditing])
    started.push(api)
    await untilReady(api, READY_MS, () => kubectl.succeeds(['get', '--raw', '/readyz']))
    await options.prepare?.(kubectl)
    if (options.controllers === true) {
      const config = await credentials.kubeconfig('controllers', 'system:kube-controller-manager')
      const controllers = await launch(
        'kube-controller-manager',
        kubernetes.controllerManager,
        controllerArguments(config, credentials, ports),
      )
      started.push(controllers)
      await untilReady(controllers, READY_MS, () => kubectl.succeeds(['get', 'serviceaccount', 'default']))
    }
    if (options.scheduler === true) {
      const config = await credentials.kubeconfig('scheduler', 'system:kube-scheduler')
      started.push(await launch('kube-scheduler', kubernetes.scheduler, schedulerArguments(config, ports)))
    }
    return { credentials, kubeconfig, kubectl, auditFile, stop }
  } catch (cause) {
    await stop()
    throw cause
  }
}

function etcdArguments(folder: string, { etcd, etcdPeers }: ControlPlanePorts): string[] {
  const clients = `http://127.0.0.1:${etcd}`
  const peers = `http://127.0.0.1:${etcdPeers}`
  return [
    ...['--name', 'one', '--data-dir', join(folder, 'etcd'), '--log-level', 'warn', '--unsafe-no-fsync'],
    ...['--listen-client-urls', clients, '--advertise-client-urls', clients],
    ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers, '--initial-cluster', `one=${peers}`],
  ]
}

function apiServerArguments(options: ControlPlaneOptions, credentials: Credentials, etcdUrl: string): string[] {
  const { ca, apiServer, kubeletClient, accountKey, accountPublicKey } = credentials
  const { address, ports, advertised = address } = options
  return [
    ...['--etcd-servers', etcdUrl, '--bind-address', address, '--secure-port', String(ports.api)],
    ...['--advertise-address', advertised, '--service-cluster-ip-range', SERVICE_RANGE],
    ...['--authorization-mode', 'Node,RBAC', '--enable-admission-plugins', 'NodeRestriction'],
    ...['--client-ca-file', ca, '--tls-cert-file', apiServer.cert, '--tls-private-key-file', apiServer.key],
    ...['--kubelet-client-certificate', kubeletClient.cert, '--kubelet-client-key', kubeletClient.key],
    ...['--kubelet-certificate-authority', ca, '--kubelet-preferred-address-types', 'InternalIP'],
    ...['--service-account-key-file', accountPublicKey, '--service-account-signing-key-file', accountKey],
    ...['--service-account-issuer', 'https://kubernetes.default.svc.cluster.local'],
  ]
}

function controllerArguments(config: string, { ca, accountKey }: Credentials, ports: ControlPlanePorts): string[] {
  return [
    ...['--kubeconfig', config, '--authentication-kubeconfig', config, '--authorization-kubeconfig', config],
    ...['--bind-address', '127.0.0.1', '--secure-port', String(ports.controllers), '--leader-elect=false'],
    ...['--use-service-account-credentials=true', '--service-account-private-key-file', accountKey],
    ...['--root-ca-file', ca, '--service-cluster-ip-range', SERVICE_RANGE],
    // A test should see what an autoscaler does without waiting for its usual 15 s.
    ...['--horizontal-pod-autoscaler-sync-period', '1s'],
  ]
}

function schedulerArguments(config: string, { scheduler }: ControlPlanePorts): string[] {
  return [
    ...['--kubeconfig', config, '--authentication-kubeconfig', config, '--authorization-kubeconfig', config],
    ...['--bind-address', '127.0.0.1', '--secure-port', String(scheduler), '--leader-elect=false'],
  ]
}

/** Who asked for what, once it has ended; not what was said. */
async function auditPolicy(folder: string): Promise<string> {
  const file = join(folder, 'audit-policy.json')
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived', 'ResponseStarted'],
    rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts', 'system:masters'] }, { level: 'None' }],
  }
  await mkdir(folder, { recursive: true })
  await writeFile(file, JSON.stringify(policy))
  return file
}
