// Plays the kubelet and the network of a node: what the Deployment of a cluster says of its pods is run here, each pod as a
// real broker process, with the files of the Secrets that it mounts. Secrets are read from the API server again and again and
// swapped whole, as a kubelet does. What a node gives, and nothing else, is put in its place: addresses (each port of a pod is
// one of loopback, each Service a load balancer there), and a bucket and an etcd that are there.

import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { secretData } from '../../operator/cluster/kept-secrets.ts'
import type { KubeClient } from '../../operator/runtime/kube-client.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { type Child, startChild, untilReady } from '../../testing/child.ts'
import { LoadBalancer } from '../../testing/cluster/load-balancer.ts'
import { freePorts } from '../../testing/ports.ts'

const main = join(import.meta.dirname, '../../broker/main.ts')
const LOOK_MS = 300
const READY_LIMIT_MS = 90_000

const templateSchema = z.object({
  containers: z.array(
    z.object({
      name: z.string(),
      env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
      ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
      volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
    }),
  ),
  volumes: z.array(
    z.object({
      name: z.string(),
      secret: z.object({ secretName: z.string(), items: z.array(z.object({ key: z.string() })).optional() }).optional(),
      configMap: z.object({ name: z.string() }).optional(),
    }),
  ),
})

type Template = z.output<typeof templateSchema>

export interface BrokerPodsOptions {
  readonly client: KubeClient
  readonly namespace: string
  /** Of the Deployment. */
  readonly name: string
  readonly folder: string
  /** Where bucket and ledger really are, by the names of settings. */
  readonly backing: Readonly<Record<string, string>>
}

interface Pod {
  readonly child: Child
  readonly metricsPort: number
  /** By name of the container's port. */
  readonly ports: ReadonlyMap<string, number>
}

export class BrokerPods {
  readonly #options: BrokerPodsOptions
  readonly #template: Template
  readonly #balancers: ReadonlyMap<string, LoadBalancer>
  readonly #pods: Pod[] = []
  readonly #versions = new Map<string, string>()
  #isStopped = false
  #swapping: Promise<void> = Promise.resolve()

  /** Resolves when `count` brokers are ready. The Deployment is there. */
  static async start(options: BrokerPodsOptions, count: number): Promise<BrokerPods> {
    const { client, namespace, name } = options
    const deployment = await client.get(RESOURCES.deployments, { namespace, name })
    const template = templateSchema.parse(Object(Object(deployment.spec).template).spec)
    const balancers = new Map<string, LoadBalancer>()
    for (const { name: port } of portsOf(template)) balancers.set(port, await LoadBalancer.start())
    const pods = new BrokerPods(options, template, balancers)
    try {
      await pods.#swap()
      for (let index = 0; index < count; index++) await pods.#add(index)
      pods.#swapping = pods.#run()
      return pods
    } catch (cause) {
      await pods.stop()
      throw cause
    }
  }

  private constructor(options: BrokerPodsOptions, template: Template, balancers: ReadonlyMap<string, LoadBalancer>) {
    this.#options = options
    this.#template = template
    this.#balancers = balancers
  }

  /** Port of loopback where the Service of this port of the pods is. */
  service(port: string): number {
    return this.#balancers.get(port)?.port ?? 0
  }

  /** Port of loopback where this port of one pod is. */
  pod(index: number, port: string): number {
    return this.#pods[index]?.ports.get(port) ?? 0
  }

  get metricsPorts(): readonly number[] {
    return this.#pods.map(({ metricsPort }) => metricsPort)
  }

  get pids(): readonly number[] {
    return this.#pods.map(({ child }) => child.pid)
  }

  /** What the brokers have written so far. */
  logs(): string {
    return this.#pods.map(({ child }) => child.output()).join('\n')
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#swapping
    await Promise.all(this.#pods.map(({ child }) => child.stop(30_000)))
    await Promise.all([...this.#balancers.values()].map(balancer => balancer.stop()))
  }

  async #add(index: number): Promise<void> {
    const ports = portsOf(this.#template)
    const [metricsPort = 0, ...free] = await freePorts(ports.length + 1)
    const own = new Map(ports.map(({ name }, at) => [name, free[at] ?? 0]))
    const { NODE_OPTIONS: _forJestOnly, ...inherited } = process.env
    const env = { ...inherited, ...this.#environment(own), KAFSCALE_METRICS_ADDR: `127.0.0.1:${metricsPort}` }
    const logFile = join(this.#options.folder, `broker-${index}.log`)
    const child = await startChild(process.execPath, [main], { env, logFile })
    this.#pods.push({ child, metricsPort, ports: own })
    const isReady = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${metricsPort}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    await untilReady(child, READY_LIMIT_MS, isReady)
    for (const [name, port] of own) if (name !== 'peers') this.#balancers.get(name)?.add(port)
  }

  /** As the kubelet and the network of Kubernetes would have it, on loopback. */
  #environment(own: ReadonlyMap<string, number>): Record<string, string> {
    const numbers = new Map(portsOf(this.#template).map(({ name, containerPort }) => [String(containerPort), name]))
    const local = (text: string): string =>
      this.#mounts().reduce((sum, { path }) => sum.replaceAll(`${path}/`, `${this.#folderOf(path)}/`), text)
    const address = (text: string): string => {
      const [, listener = '', host = '', port = ''] = /^(\w+):\/\/(.*):(\d+)$/.exec(text) ?? []
      const name = numbers.get(port) ?? ''
      const isPod = host === '' || host.includes('POD_IP')
      return `${listener}://127.0.0.1:${isPod ? own.get(name) : this.service(name)}`
    }
    const given = this.#container().env.flatMap(({ name, value }): [string, string][] => {
      if (value === undefined || /^KAFSCALE_(ETCD_.*_FILE|S3_ENDPOINT)$/.test(name)) return []
      if (/^KAFSCALE_(ADVERTISED_)?LISTENERS$/.test(name)) return [[name, value.split(',').map(address).join(',')]]
      return [[name, local(value.replaceAll('$$(', () => '$('))]]
    })
    return { ...Object.fromEntries(given), ...this.#options.backing, KAFSCALE_LOG_LEVEL: 'debug' }
  }

  #container(): Template['containers'][number] {
    const found = this.#template.containers.find(({ name }) => name === 'broker')
    if (found === undefined) throw new Error('the Deployment has no container of the broker')
    return found
  }

  #mounts() {
    return this.#container().volumeMounts.flatMap(({ name, mountPath }) => {
      const volume = this.#template.volumes.find(one => one.name === name)
      // The certificates of the managed etcd are for one that does not run here.
      return volume === undefined || name === 'etcd-tls' ? [] : [{ path: mountPath, volume }]
    })
  }

  #folderOf(path: string): string {
    return join(this.#options.folder, 'mounts', path.replaceAll('/', '_'))
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#swap()
      await sleep(LOOK_MS)
    }
  }

  async #swap(): Promise<void> {
    for (const { path, volume } of this.#mounts()) {
      const found = await this.#filesOf(volume)
      if (found === undefined || this.#versions.get(path) === found.version) continue
      const folder = this.#folderOf(path)
      const version = `${folder}.${found.version}`
      await mkdir(version, { recursive: true })
      for (const [name, text] of Object.entries(found.files)) await writeFile(join(version, name), text)
      await rm(`${folder}.link`, { force: true })
      await symlink(version, `${folder}.link`)
      await rename(`${folder}.link`, folder)
      this.#versions.set(path, found.version)
    }
  }

  async #filesOf({ secret, configMap }: Template['volumes'][number]) {
    const { client, namespace } = this.#options
    if (configMap !== undefined) {
      const { data, metadata } = await client.get(RESOURCES.configMaps, { namespace, name: configMap.name })
      const files = z.record(z.string(), z.string()).parse(data ?? {})
      return { version: metadata.resourceVersion ?? '', files }
    }
    if (secret === undefined) return undefined
    // A kubelet leaves files as they are while a Secret is gone.
    const found = await client.get(RESOURCES.secrets, { namespace, name: secret.secretName }).catch(() => undefined)
    if (found === undefined) return undefined
    const all = secretData(found)
    const keys = secret.items?.map(({ key }) => key) ?? Object.keys(all)
    const files = Object.fromEntries(keys.map(key => [key, all[key] ?? '']))
    return { version: found.metadata.resourceVersion ?? '', files }
  }
}

/** Those that are listeners. */
const portsOf = ({ containers }: Template) =>
  (containers.find(({ name }) => name === 'broker')?.ports ?? []).filter(({ name }) => name !== 'metrics')
