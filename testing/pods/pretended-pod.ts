// One pod as processes on this machine: its init containers one after the other until each has succeeded, then its container
// for as long as the pod is there. What it writes to mounted volumes lies in folders; claims outlive the pod.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../child.ts'
import type { Container, Template } from './pod-spec.ts'
import { expanded, type Mount, onLoopback, type PortMap } from './pod-text.ts'

export interface PodPlace {
  readonly folder: string
  readonly ports: PortMap
  /** Data of a Secret or ConfigMap, decoded. */
  readonly dataOf: (kind: 'Secret' | 'ConfigMap', name: string) => Readonly<Record<string, string>> | undefined
  /** Program and leading arguments for what a container runs. */
  readonly program: (container: Container) => { readonly program: string; readonly args: readonly string[] }
  readonly env: Readonly<Record<string, string>>
}

export interface ContainerWords {
  readonly name: string
  readonly message: string
  readonly exitCode: number
}

/** A kubelet waits for ten seconds and more; programs that begin again and again take the processors from those that they wait for. */
const BACKOFF_MS = 1000

export class PretendedPod {
  readonly name: string
  readonly template: Template
  readonly uid: string
  readonly words: ContainerWords[] = []
  readonly #place: PodPlace
  readonly folder: string
  #child: Child | undefined
  #over = false
  #running: Promise<void>
  #hasStarted = false
  #refreshing: Promise<void> = Promise.resolve()

  constructor(name: string, uid: string, template: Template, place: PodPlace) {
    this.name = name
    this.uid = uid
    this.template = template
    this.#place = place
    this.folder = join(place.folder, 'pods', `${name}.${uid}`)
    this.#running = this.#run()
  }

  /** Of its last container. */
  get exitCode(): Promise<number | null> | undefined {
    return this.#child?.ended
  }

  get hasStarted(): boolean {
    return this.#hasStarted && this.#child?.running() === true
  }

  get output(): string {
    return this.#child?.output() ?? ''
  }

  async isReady(): Promise<boolean> {
    const [container] = this.template.spec.containers
    const probe = container?.readinessProbe?.httpGet
    if (!this.hasStarted || container === undefined) return false
    if (probe === undefined) return true
    const port = container.ports.find(({ name }) => name === probe.port)?.containerPort ?? Number(probe.port)
    const url = `http://127.0.0.1:${this.#place.ports.of(this.name, port)}${probe.path}`
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
    await answer?.text().catch(() => {})
    return answer?.ok === true
  }

  /** SIGKILL of the container; it is started again, without the init containers, as kubelet does it. */
  async killContainer(): Promise<void> {
    await this.#child?.kill()
  }

  /** What kubelet does now and then. */
  refreshVolumes(): Promise<void> {
    this.#refreshing = this.#refreshing.then(() => this.#refresh())
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    for (const { name, secret, configMap } of this.template.spec.volumes) {
      const data =
        secret === undefined
          ? configMap && this.#place.dataOf('ConfigMap', configMap.name)
          : this.#place.dataOf('Secret', secret.secretName)
      if (data === undefined || this.#over) continue
      const folder = join(this.folder, name)
      await mkdir(folder, { recursive: true })
      for (const [file, text] of Object.entries(data)) {
        const path = join(folder, file)
        if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFile(path, text)
      }
    }
  }

  /** Ends its processes: SIGTERM and patience, or SIGKILL. Its volumes but claims go. */
  async end(gently: boolean): Promise<void> {
    this.#over = true
    if (gently) await this.#child?.stop()
    else await this.#child?.kill()
    await this.#running
    await this.#child?.kill()
    await this.#refreshing
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Where the claim of that name is kept. */
  static claim(place: Pick<PodPlace, 'folder'>, pod: string, name: string): string {
    return join(place.folder, 'claims', `${name}-${pod}`)
  }

  async #run(): Promise<void> {
    await mkdir(this.folder, { recursive: true })
    const { initContainers, containers } = this.template.spec
    for (const container of initContainers) {
      while (!this.#over && (await this.#attempt(container)) !== 0) await sleep(BACKOFF_MS)
    }
    const [main] = containers
    while (!this.#over && main !== undefined) {
      this.#hasStarted = true
      await this.#attempt(main)
      if (!this.#over) await sleep(BACKOFF_MS)
    }
  }

  /** What cannot be started is tried again, as kubelet does it. */
  async #attempt(container: Container): Promise<number> {
    try {
      return await this.#runOnce(container)
    } catch (error) {
      if (!this.#over) process.stderr.write(`pretended pod ${this.name}: ${String(error)}\n`)
      return 1
    }
  }

  async #runOnce(container: Container): Promise<number> {
    await this.refreshVolumes()
    const mounts = await this.#mounts()
    const words = join(this.folder, `${container.name}.words`)
    await rm(words, { force: true })
    const told = (text: string): string =>
      onLoopback(text, this.name, [...mounts, { path: '/dev/termination-log', folder: words }], this.#place.ports)
    const variables = this.#environment(container)
    const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, told(value)]))
    const { program, args } = this.#place.program(container)
    const own = container.args.slice(args.length === 0 ? 0 : 1).map(text => told(expanded(text, variables)))
    if (this.#over) return 0
    this.#child = await startChild(program, [...args, ...own], {
      env: { ...this.#place.env, ...env },
      logFile: join(this.#place.folder, `${this.name}.log`),
    })
    const exitCode = (await this.#child.ended) ?? 137
    const message = await readFile(words, 'utf8').catch(() => '')
    this.words.splice(0, this.words.length, ...this.words.filter(({ name }) => name !== container.name), {
      name: container.name,
      message,
      exitCode,
    })
    return exitCode
  }

  /** Of all containers: configuration that one writes names folders of another. */
  async #mounts(): Promise<Mount[]> {
    const { initContainers, containers, volumes } = this.template.spec
    const own = new Set(volumes.map(({ name }) => name))
    const mounts: Mount[] = []
    for (const { name, mountPath: path } of [...initContainers, ...containers].flatMap(one => one.volumeMounts)) {
      const folder = own.has(name) ? join(this.folder, name) : PretendedPod.claim(this.#place, this.name, name)
      await mkdir(folder, { recursive: true })
      mounts.push({ path, folder })
    }
    return mounts
  }

  #environment(container: Container): Record<string, string> {
    const found: Record<string, string> = {}
    for (const { configMapRef } of container.envFrom)
      Object.assign(found, this.#place.dataOf('ConfigMap', configMapRef.name))
    for (const { name, value, valueFrom } of container.env) {
      const secret = valueFrom?.secretKeyRef
      const given =
        value ??
        (secret === undefined
          ? FIELDS[valueFrom?.fieldRef?.fieldPath ?? '']?.(this.name)
          : this.#place.dataOf('Secret', secret.name)?.[secret.key])
      if (given !== undefined) found[name] = expanded(given, found)
    }
    return found
  }
}

const FIELDS: Readonly<Record<string, (pod: string) => string>> = {
  'metadata.name': pod => pod,
  'status.podIP': () => '127.0.0.1',
  'status.hostIP': () => '127.0.0.1',
}
