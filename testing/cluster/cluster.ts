// A cluster of real parts on loopback: etcd, an S3 server behind a proxy that can misbehave, and brokers as processes of
// their own, each with a TCP proxy of its own before etcd. Data lies in a temporary folder that goes with it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { etcd as etcdPrograms } from '../../tools/parts/parts.ts'
import { type Etcd, startEtcd } from '../etcd/etcd.ts'
import { S3FaultProxy } from '../s3/fault-proxy.ts'
import { type S3Server, startVersitygw } from '../s3/servers.ts'
import { ClusterBroker } from './broker.ts'
import { LoadBalancer } from './load-balancer.ts'

export interface ClusterOptions {
  readonly brokers: number
  readonly etcdMembers?: 1 | 3
  /** Of etcd's database, bytes. */
  readonly quotaBytes?: number
  /** Settings of every broker, by the names of their variables. */
  readonly settings?: Readonly<Record<string, string>>
  /** The program of the brokers; by default the source, run as it is. */
  readonly main?: string
  /** A load balancer before all brokers, which have a shared listener for it. */
  readonly balanced?: boolean
  /** 0 to below 1; decides the faults of the S3 proxy. */
  readonly random?: () => number
}

export class Cluster {
  readonly folder: string
  readonly etcd: Etcd
  readonly s3: S3Server
  /** Between brokers and the S3 server. */
  readonly s3Proxy: S3FaultProxy
  readonly balancer: LoadBalancer | undefined
  readonly brokers: ClusterBroker[] = []
  readonly #options: ClusterOptions
  #added = 0

  static async start(options: ClusterOptions): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'kafscale-cluster-'))
    const closers: (() => Promise<void>)[] = []
    try {
      const { etcdMembers = 1, quotaBytes } = options
      const etcd = await startEtcd(await etcdPrograms(), {
        members: etcdMembers,
        ...(quotaBytes === undefined ? {} : { quotaBytes }),
      })
      closers.push(() => etcd.stop())
      const s3 = await startVersitygw({ folder: join(folder, 's3') })
      closers.push(() => s3.stop())
      const s3Proxy = await S3FaultProxy.start(s3.endpoint, options.random ?? Math.random)
      closers.push(() => s3Proxy.stop())
      const balancer = options.balanced === true ? await LoadBalancer.start() : undefined
      closers.push(async () => balancer?.stop())
      const cluster = new Cluster(folder, { etcd, s3, s3Proxy, balancer }, options)
      closers.push(() => cluster.#stopBrokers())
      await Promise.all(Array.from({ length: options.brokers }, () => cluster.addBroker()))
      return cluster
    } catch (cause) {
      for (const close of closers.reverse()) await close()
      await rm(folder, { recursive: true, force: true })
      throw cause
    }
  }

  private constructor(
    folder: string,
    { etcd, s3, s3Proxy, balancer }: Pick<Cluster, 'etcd' | 's3' | 's3Proxy' | 'balancer'>,
    options: ClusterOptions,
  ) {
    this.folder = folder
    this.etcd = etcd
    this.s3 = s3
    this.s3Proxy = s3Proxy
    this.balancer = balancer
    this.#options = options
  }

  /** For a client's `bootstrap.servers`: the load balancer, or all brokers. */
  get bootstrap(): string {
    if (this.balancer !== undefined) return `127.0.0.1:${this.balancer.port}`
    return this.brokers.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  /** Resolves when the broker is ready. */
  async addBroker(settings: Readonly<Record<string, string>> = {}): Promise<ClusterBroker> {
    const broker = await this.newBroker(settings)
    this.brokers.push(broker)
    this.balancer?.add(broker.sharedPort)
    await broker.start()
    return broker
  }

  /** A broker that is not started and that whoever asked for it closes. */
  newBroker(settings: Readonly<Record<string, string>> = {}): Promise<ClusterBroker> {
    const { s3, s3Proxy, etcd, folder, balancer } = this
    const { main, settings: common } = this.#options
    return ClusterBroker.create({
      logFile: join(folder, `broker-${this.#added++}.log`),
      etcd: etcd.members,
      ...(main === undefined ? {} : { main }),
      sharedAddress: balancer === undefined ? undefined : `127.0.0.1:${balancer.port}`,
      settings: {
        KAFSCALE_S3_BUCKET: s3.bucket,
        KAFSCALE_S3_REGION: s3.region,
        KAFSCALE_S3_ENDPOINT: s3Proxy.endpoint,
        KAFSCALE_S3_ACCESS_KEY: s3.accessKey,
        KAFSCALE_S3_SECRET_KEY: s3.secretKey,
        ...common,
        ...settings,
      },
    })
  }

  async stop(): Promise<void> {
    await this.#stopBrokers()
    await this.balancer?.stop()
    await this.s3Proxy.stop()
    await this.s3.stop()
    await this.etcd.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #stopBrokers(): Promise<void> {
    await Promise.all(this.brokers.map(broker => broker.close()))
  }
}
