// Real etcd servers for tests: one or three members on loopback, with data in a temporary folder that goes with them.
// A member keeps its ports and its data over `kill` and `restart`. Only the pids started here are ever signalled.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../../tools/parts/command.ts'
import type { EtcdPrograms } from '../../tools/parts/etcd.ts'
import { type Child, startChild } from '../child.ts'
import { freePorts } from '../ports.ts'

export interface EtcdOptions {
  readonly members?: 1 | 3
  /** Size of the database at which etcd raises its NOSPACE alarm. */
  readonly quotaBytes?: number
  /** Files in PEM. With `clientCa` a client must show a certificate of that authority. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string; readonly clientCa?: string }
  /** Enables authentication with this password of root. */
  readonly rootPassword?: string
  /** Further arguments of every member. */
  readonly args?: readonly string[]
}

export interface EtcdMember {
  readonly index: number
  readonly endpoint: string
  /** `host:port` of the client listener, for a proxy to put before it. */
  readonly address: { readonly host: string; readonly port: number }
}

const READY_MS = 30_000

interface Member extends EtcdMember {
  readonly args: readonly string[]
  readonly logFile: string
  child: Child
}

export class Etcd {
  readonly #folder: string
  readonly #programs: EtcdPrograms
  readonly #options: EtcdOptions
  readonly #members: Member[] = []

  private constructor(folder: string, programs: EtcdPrograms, options: EtcdOptions) {
    this.#folder = folder
    this.#programs = programs
    this.#options = options
  }

  /** Resolves when every member answers. */
  static async start(programs: EtcdPrograms, options: EtcdOptions = {}): Promise<Etcd> {
    const etcd = new Etcd(await mkdtemp(join(tmpdir(), 'kafscale-etcd-')), programs, options)
    try {
      await etcd.#startMembers(options.members ?? 1)
      await etcd.ready()
      if (options.rootPassword !== undefined) await etcd.#enableAuth(options.rootPassword)
    } catch (cause) {
      await etcd.stop()
      throw cause
    }
    return etcd
  }

  get members(): readonly EtcdMember[] {
    return this.#members
  }

  get endpoints(): string[] {
    return this.#members.map(({ endpoint }) => endpoint)
  }

  /** SIGKILL. */
  async kill(index: number): Promise<void> {
    await this.#member(index).child.kill()
  }

  /** Starts a killed member on its old data and ports. */
  async restart(index: number): Promise<void> {
    const member = this.#member(index)
    await member.child.kill()
    member.child = await startChild(this.#programs.etcd, [...member.args], { logFile: member.logFile })
  }

  /** SIGSTOP: the member keeps its connections and answers nothing. */
  freeze(index: number): void {
    process.kill(this.#member(index).child.pid, 'SIGSTOP')
  }

  thaw(index: number): void {
    process.kill(this.#member(index).child.pid, 'SIGCONT')
  }

  /** Index of the member that leads; -1 while there is none. */
  async leader(): Promise<number> {
    for (const { endpoint, index, child } of this.#members) {
      if (!child.running()) continue
      const status = await this.#status(endpoint)
      if (status !== undefined && status.leader !== 0 && status.leader === status.member) return index
    }
    return -1
  }

  /** Bytes of the first member's database file, and of them those in use. */
  async size(): Promise<{ readonly file: number; readonly used: number }> {
    const status = await this.#status(this.endpoints[0] ?? '')
    return { file: status?.dbSize ?? 0, used: status?.dbSizeInUse ?? 0 }
  }

  /** Runs etcdctl against all members; answers what it printed. */
  async ctl(...args: string[]): Promise<string> {
    const outcome = await run(this.#programs.etcdctl, [...this.#ctlOptions(this.endpoints), ...args])
    if (outcome.code !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${outcome.stderr}`)
    return outcome.stdout
  }

  /** Resolves when every running member answers and there is a leader. */
  async ready(): Promise<void> {
    const end = performance.now() + READY_MS
    while (!(await this.#isReady())) {
      if (performance.now() > end) throw new Error(`etcd was not ready:\n${this.output().slice(-4000)}`)
      await sleep(50)
    }
  }

  output(): string {
    return this.#members.map(({ child }) => child.output()).join('\n')
  }

  async stop(): Promise<void> {
    // A frozen process takes SIGKILL all the same.
    await Promise.all(this.#members.map(({ child }) => child.kill()))
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #startMembers(count: number): Promise<void> {
    const ports = await freePorts(2 * count)
    const peers = Array.from({ length: count }, (_, index) => `m${index}=http://127.0.0.1:${ports[count + index]}`)
    for (let index = 0; index < count; index++) {
      const port = ports[index] ?? 0
      const endpoint = `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
      const args = this.#arguments(index, endpoint, peers)
      const logFile = join(this.#folder, `m${index}.log`)
      const child = await startChild(this.#programs.etcd, args, { logFile })
      this.#members.push({ index, endpoint, address: { host: '127.0.0.1', port }, args, logFile, child })
    }
  }

  #arguments(index: number, endpoint: string, peers: readonly string[]): string[] {
    const { tls, quotaBytes, args = [] } = this.#options
    const peer = peers[index]?.replace(/^m\d=/, '') ?? ''
    return [
      ...['--name', `m${index}`, '--data-dir', join(this.#folder, `m${index}`)],
      ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', peers.join(','), '--log-level', 'warn'],
      ...(quotaBytes === undefined ? [] : ['--quota-backend-bytes', String(quotaBytes)]),
      ...(tls === undefined ? [] : ['--cert-file', tls.cert, '--key-file', tls.key]),
      ...(tls?.clientCa === undefined ? [] : ['--client-cert-auth', '--trusted-ca-file', tls.clientCa]),
      ...args,
    ]
  }

  async #isReady(): Promise<boolean> {
    const running = this.#members.filter(({ child }) => child.running())
    if (running.length === 0) throw new Error(`no member of etcd is running:\n${this.output().slice(-4000)}`)
    const answers = await Promise.all(running.map(({ endpoint }) => this.#status(endpoint)))
    return answers.every(status => status !== undefined && status.leader !== 0)
  }

  async #status(endpoint: string): Promise<Status | undefined> {
    const args = [...this.#ctlOptions([endpoint]), '--command-timeout', '2s', 'endpoint', 'status', '-w', 'fields']
    const { code, stdout } = await run(this.#programs.etcdctl, args)
    if (code !== 0) return undefined
    const field = (name: string): number => Number(new RegExp(`"${name}" : "?(\\d+)`).exec(stdout)?.[1] ?? 0)
    return {
      member: field('MemberID'),
      leader: field('Leader'),
      dbSize: field('DBSize'),
      dbSizeInUse: field('DBSizeInUse'),
    }
  }

  #ctlOptions(endpoints: readonly string[]): string[] {
    const { tls, rootPassword } = this.#options
    return [
      ...['--endpoints', endpoints.join(',')],
      ...(tls === undefined ? [] : ['--cacert', tls.ca]),
      ...(tls?.clientCa === undefined ? [] : ['--cert', tls.cert, '--key', tls.key]),
      ...(rootPassword === undefined || !this.#authenticated ? [] : ['--user', `root:${rootPassword}`]),
    ]
  }

  #authenticated = false

  async #enableAuth(password: string): Promise<void> {
    await this.ctl('user', 'add', `root:${password}`)
    await this.ctl('user', 'grant-role', 'root', 'root')
    await this.ctl('auth', 'enable')
    this.#authenticated = true
  }

  #member(index: number): Member {
    const member = this.#members[index]
    if (member === undefined) throw new Error(`etcd has no member ${index}`)
    return member
  }
}

interface Status {
  /** Ids are compared only, so that it does no harm that they lose their last digits as numbers. */
  readonly member: number
  readonly leader: number
  readonly dbSize: number
  readonly dbSizeInUse: number
}

export const startEtcd = (programs: EtcdPrograms, options?: EtcdOptions): Promise<Etcd> => Etcd.start(programs, options)
