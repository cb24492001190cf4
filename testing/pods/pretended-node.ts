// Plays the controllers of Kubernetes and a kubelet over a fake API server: pods of StatefulSets and Deployments become
// processes on this machine, started from exactly what the objects say, and the objects get the status that they would have.
//
// Promises: pods of a StatefulSet keep their names and their claims; a changed template replaces them one by one, each only
// when all others are ready, and at once those that are not. A pod that is deleted comes again.

import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Manifest } from '../../operator/runtime/object.ts'
import { RESOURCES, type Resource } from '../../operator/runtime/resource.ts'
import type { EtcdPrograms } from '../../tools/parts/etcd.ts'
import type { KubeApi } from '../kube-api/kube-api.ts'
import { type Container, cronJobSchema, type PodWorkload, workloadSchema } from './pod-spec.ts'
import { PortMap } from './pod-text.ts'
import { type ContainerWords, type PodPlace, PretendedPod } from './pretended-pod.ts'

export interface NodeOptions {
  readonly api: KubeApi
  readonly folder: string
  readonly etcd: EtcdPrograms
  /** Further variables of every process. */
  readonly env?: Readonly<Record<string, string>>
}

const ROOT = join(import.meta.dirname, '../..')
const ROUND_MS = 100
const KUBELET = { manager: 'kubelet', force: true }
const CONTROLLER = { manager: 'kube-controller-manager', force: true }

export class PretendedNode {
  readonly ports = new PortMap()
  readonly #options: NodeOptions
  readonly #pods = new Map<string, PretendedPod>()
  readonly #place: PodPlace
  #stopped = false
  #loop: Promise<void>

  constructor(options: NodeOptions) {
    this.#options = options
    const { NODE_OPTIONS: _forJestOnly, ...inherited } = process.env
    const path = `${dirname(options.etcd.etcdutl)}:${inherited.PATH ?? ''}`
    this.#place = {
      folder: options.folder,
      ports: this.ports,
      dataOf: (kind, name) => this.#dataOf(kind, name),
      program: container => this.#program(container),
      env: { ...definedOf(inherited), ...options.env, PATH: path },
    }
    this.#loop = this.#run()
  }

  /** Undefined while there is none of that name. */
  pod(name: string): PretendedPod | undefined {
    return this.#pods.get(name)
  }

  /** etcd's configuration file in a pod. */
  configOf(pod: string): string {
    return join(this.#pods.get(pod)?.folder ?? '', 'config', 'etcd.yaml')
  }

  /** The machine of the pods dies, and their claims with it; the pods come again with empty ones. */
  async loseData(...names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async name => {
        const pod = this.#pods.get(name)
        await pod?.end(false)
        await rm(PretendedPod.claim(this.#place, name, 'data'), { recursive: true, force: true })
        // Only now, because a pod of that name makes its claim anew.
        if (this.#pods.get(name) === pod) this.#pods.delete(name)
      }),
    )
  }

  /** Runs a job of a CronJob now. Resolves with what it left behind. */
  async runJob(cronJob: string): Promise<ContainerWords> {
    const namespace = 'shop'
    const found = this.#options.api.get(RESOURCES.cronJobs, { namespace, name: cronJob })
    const { template } = cronJobSchema.parse(found).spec.jobTemplate.spec
    const name = `${cronJob}-${randomUUID().slice(0, 8)}`
    const pod = new PretendedPod(name, randomUUID(), template, this.#place)
    try {
      while (pod.words.length === 0) await sleep(50)
      const [words] = pod.words
      if (words === undefined) throw new Error('the job said nothing')
      await this.#writePod(pod, namespace, false, words.exitCode === 0 ? 'Succeeded' : 'Failed')
      return words
    } finally {
      await pod.end(false)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#loop
    await Promise.all([...this.#pods.values()].map(pod => pod.end(false)))
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#round().catch((error: unknown) => process.stderr.write(`pretended node: ${String(error)}\n`))
      await sleep(ROUND_MS)
    }
  }

  async #round(): Promise<void> {
    const { api } = this.#options
    for (const resource of [RESOURCES.statefulSets, RESOURCES.deployments]) {
      for (const object of api.list(resource)) await this.#carryOut(resource, workloadSchema.parse(object), object)
    }
    for (const pod of this.#pods.values()) await pod.refreshVolumes()
  }

  async #carryOut(resource: Resource, workload: PodWorkload, object: Manifest): Promise<void> {
    const { api } = this.#options
    const { name, namespace, generation } = workload.metadata
    const { replicas, template } = workload.spec
    const names = Array.from({ length: replicas }, (_, index) => `${name}-${index}`)
    for (const [existing, pod] of this.#pods) {
      const isOurs = existing.startsWith(`${name}-`) && /^\d+$/.test(existing.slice(name.length + 1))
      if (isOurs && !names.includes(existing)) await this.#remove(existing, namespace, pod)
    }
    // All ports first: members are told of each other.
    for (const pod of names) await this.ports.reserve(pod, portsOf(workload))
    const text = JSON.stringify(template)
    const isCurrent = (pod: PretendedPod | undefined): boolean => JSON.stringify(pod?.template) === text
    const ready = new Map<string, boolean>()
    for (const pod of names) ready.set(pod, (await this.#pods.get(pod)?.isReady()) === true)
    let replaced = false
    for (const pod of [...names].reverse()) {
      const running = this.#pods.get(pod)
      const isDeleted = running !== undefined && isGone(api.get(RESOURCES.pods, { namespace, name: pod }), running)
      const othersReady = names.every(other => other === pod || ready.get(other) === true)
      const isDue: boolean =
        running !== undefined && !isCurrent(running) && !replaced && (othersReady || ready.get(pod) !== true)
      if (isDeleted || isDue) {
        replaced ||= isDue
        this.#pods.delete(pod)
        await running?.end(true)
      }
      if (!this.#pods.has(pod)) {
        const fresh = new PretendedPod(pod, randomUUID(), template, this.#place)
        this.#pods.set(pod, fresh)
        ready.set(pod, false)
      }
      const now = this.#pods.get(pod)
      if (now !== undefined) await this.#writePod(now, namespace, ready.get(pod) === true)
    }
    const status = {
      observedGeneration: generation,
      replicas,
      readyReplicas: names.filter(pod => ready.get(pod) === true).length,
      updatedReplicas: names.filter(pod => isCurrent(this.#pods.get(pod))).length,
    }
    const { apiVersion, kind } = object
    await api.bystander().applyStatus(resource, { apiVersion, kind, metadata: { name, namespace }, status }, CONTROLLER)
  }

  async #remove(name: string, namespace: string, pod: PretendedPod): Promise<void> {
    this.#pods.delete(name)
    await pod.end(true)
    const { api } = this.#options
    if (api.get(RESOURCES.pods, { namespace, name }) !== undefined)
      await api.bystander().delete(RESOURCES.pods, { namespace, name })
  }

  async #writePod(pod: PretendedPod, namespace: string, isReady: boolean, end?: string): Promise<void> {
    const { api } = this.#options
    const metadata = { name: pod.name, namespace }
    const base = { apiVersion: 'v1', kind: 'Pod' }
    const live = api.get(RESOURCES.pods, metadata)
    const labels = { ...pod.template.metadata.labels, 'pretended/uid': pod.uid }
    if (live?.metadata.labels?.['pretended/uid'] !== pod.uid) {
      if (live !== undefined) await api.bystander().delete(RESOURCES.pods, metadata)
      await api.bystander().apply(RESOURCES.pods, { ...base, metadata: { ...metadata, labels } }, KUBELET)
    }
    const inits = new Set(pod.template.spec.initContainers.map(({ name }) => name))
    const said = pod.words.map(({ name, message, exitCode }) => ({
      name,
      state: { terminated: { message, exitCode } },
    }))
    const status = {
      phase: end ?? (pod.hasStarted ? 'Running' : 'Pending'),
      podIP: '127.0.0.1',
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
      initContainerStatuses: said.filter(({ name }) => inits.has(name)),
      containerStatuses: said.filter(({ name }) => !inits.has(name)),
    }
    await api.bystander().applyStatus(RESOURCES.pods, { ...base, metadata, status }, KUBELET)
  }

  #dataOf(kind: 'Secret' | 'ConfigMap', name: string): Readonly<Record<string, string>> | undefined {
    const resource = kind === 'Secret' ? RESOURCES.secrets : RESOURCES.configMaps
    const data = this.#options.api.get(resource, { namespace: 'shop', name })?.data
    if (typeof data !== 'object' || data === null) return undefined
    const decode = (text: unknown): string =>
      kind === 'Secret' ? Buffer.from(String(text), 'base64').toString('utf8') : String(text)
    return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, decode(text)]))
  }

  /** Images have etcd, or Node.js with the compiled project. */
  #program({ command, args }: Container): { program: string; args: string[] } {
    if (command[0] === 'etcd') return { program: this.#options.etcd.etcd, args: [] }
    const script = (args[0] ?? '').replace(/^\/app\/dist\//, '').replace(/\.js$/, '.ts')
    return { program: process.execPath, args: [join(ROOT, script)] }
  }
}

const portsOf = ({ spec }: PodWorkload): number[] =>
  spec.template.spec.containers.flatMap(({ ports }) => ports.map(({ containerPort }) => containerPort))

const isGone = (live: Manifest | undefined, pod: PretendedPod): boolean =>
  live === undefined ||
  live.metadata.deletionTimestamp !== undefined ||
  live.metadata.labels?.['pretended/uid'] !== pod.uid

const definedOf = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
