// A KafScaleCluster with everything that belongs to it as real processes: the operator in this process over a fake API server,
// etcd and brokers started by a pretended node from what the operator wrote, and a real S3 server.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { systemClock } from '../../broker/clock.ts'
import { Bucket } from '../../operator/bucket/s3.ts'
import { EtcdMember } from '../../operator/etcd/etcd-member.ts'
import type { OperatorOptions } from '../../operator/options.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { CLUSTER, type ClusterStatus, clusterSchema } from '../../operator/types/kaf-scale-cluster.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../../testing/operator.ts'
import { PretendedNode } from '../../testing/pods/pretended-node.ts'
import { type S3Server, startVersitygw } from '../../testing/s3/servers.ts'
import type { EtcdPrograms } from '../../tools/parts/etcd.ts'

const NAMESPACE = 'shop'
const NAME = 'orders'
const user = { manager: 'user', force: true }
/** Generous: etcd elects, certificates are made, a machine may be slow. */
const PATIENCE_MS = 90_000

export interface ManagedOptions {
  readonly etcd: EtcdPrograms
  readonly operator?: Partial<OperatorOptions>
  /** Further variables of every process. */
  readonly env?: Readonly<Record<string, string>>
}

const eventSchema = z.looseObject({ reason: z.string(), note: z.string() })

export class ManagedCluster {
  readonly api: KubeApi
  readonly node: PretendedNode
  readonly s3: S3Server
  readonly #folder: string
  readonly #options: ManagedOptions
  readonly #bucket: Bucket
  #operator: RunningOperator

  static async start(options: ManagedOptions): Promise<ManagedCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'kafscale-managed-'))
    const s3 = await startVersitygw({ folder: join(folder, 's3') })
    const api = await KubeApi.start()
    return new ManagedCluster(options, folder, s3, api)
  }

  private constructor(options: ManagedOptions, folder: string, s3: S3Server, api: KubeApi) {
    this.#options = options
    this.#folder = folder
    this.s3 = s3
    const credentials = { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey }
    const place = { bucket: s3.bucket, region: s3.region, endpoint: s3.endpoint, pathStyle: true, credentials }
    this.#bucket = new Bucket(place, { clock: systemClock, random: Math.random })
    this.api = api
    const { etcd, env = {} } = options
    this.node = new PretendedNode({ api, folder, etcd, env })
    this.#operator = this.#runOperator()
  }

  get status(): ClusterStatus | undefined {
    const found = this.api.get(CLUSTER, { namespace: NAMESPACE, name: NAME })
    return found === undefined ? undefined : clusterSchema.parse(found).status
  }

  condition(type: string): { readonly status: string; readonly reason: string; readonly message: string } | undefined {
    return this.status?.conditions?.find(condition => condition.type === type)
  }

  /** Notes of the events of that reason. */
  events(reason: string): string[] {
    return this.api.list(RESOURCES.events).flatMap(event => {
      const { reason: of, note } = eventSchema.parse(event)
      return of === reason ? [note] : []
    })
  }

  /** Writes the spec; bucket and credentials are added. */
  async apply(spec: Readonly<Record<string, unknown>>): Promise<void> {
    const { s3 } = this
    const data = { KAFSCALE_S3_ACCESS_KEY: s3.accessKey, KAFSCALE_S3_SECRET_KEY: s3.secretKey }
    const encoded = Object.fromEntries(
      Object.entries(data).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
    )
    const metadata = { name: 'bucket', namespace: NAMESPACE }
    const person = this.api.bystander()
    await person.apply(RESOURCES.secrets, { apiVersion: 'v1', kind: 'Secret', metadata, data: encoded }, user)
    const place = { bucket: s3.bucket, endpoint: s3.endpoint, region: s3.region, credentialsSecretRef: 'bucket' }
    const object = {
      apiVersion: 'kafscale.io/v1alpha1',
      kind: 'KafScaleCluster',
      metadata: { name: NAME, namespace: NAMESPACE },
      spec: { ...spec, s3: { ...place, ...Object(spec.s3) } },
    }
    await person.apply(CLUSTER, object, user)
  }

  /** The object, as a person deletes it. */
  async delete(): Promise<void> {
    await this.api.bystander().delete(CLUSTER, { namespace: NAMESPACE, name: NAME })
  }

  get exists(): boolean {
    return this.api.get(CLUSTER, { namespace: NAMESPACE, name: NAME }) !== undefined
  }

  /** Resolves when so many members are ready. */
  async membersReady(count: number): Promise<void> {
    await this.until(`${count} members`, async () => {
      const names = Array.from({ length: count }, (_, index) => `${NAME}-etcd-${index}`)
      const ready = await Promise.all(names.map(name => this.node.pod(name)?.isReady() ?? false))
      return ready.every(Boolean)
    })
  }

  /** Polls with much patience; the end of everybody's output shows when it did not come true. */
  async until<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
    return until(what, look, PATIENCE_MS).catch((error: unknown) => {
      const pods = ['etcd-0', 'etcd-1', 'etcd-2', 'broker-0'].map(pod => {
        const found = this.node.pod(`${NAME}-${pod}`)
        return `${pod}: ${JSON.stringify(found?.words)}\n${found?.output.slice(-1500)}`
      })
      const { conditions, etcd } = this.status ?? {}
      throw new Error(`${String(error)}\n${JSON.stringify({ conditions, etcd })}\n${pods.join('\n')}`)
    })
  }

  /** As a client with the certificate that brokers get. */
  member(index: number): EtcdMember {
    const text = (name: string): string => {
      const data = Object(this.api.get(RESOURCES.secrets, { namespace: NAMESPACE, name: `${NAME}-etcd-client` })?.data)
      return Buffer.from(String(data[name] ?? ''), 'base64').toString('utf8')
    }
    const [ca, cert, key] = ['ca.crt', 'tls.crt', 'tls.key'].map(text)
    const tls = ca === undefined || cert === undefined || key === undefined || ca === '' ? undefined : { ca, cert, key }
    const port = this.node.ports.of(`${NAME}-etcd-${index}`, 2379)
    return new EtcdMember(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, tls)
  }

  /** Keys in the bucket. */
  async objects(prefix: string): Promise<string[]> {
    const keys: string[] = []
    for await (const { key } of this.#bucket.list(prefix)) keys.push(key)
    return keys
  }

  /** Objects of the list of what nothing names, as far as they are still there. */
  async lostKeys(): Promise<string[]> {
    const [report = ''] = await this.objects('shop.orders/lost/')
    const { objects } = JSON.parse(String(await this.#bucket.get(report)))
    const present = new Set(await this.objects('shop.orders/'))
    return objects.map(({ key }: { key: string }) => key).filter((key: string) => present.has(key))
  }

  async restartOperator(): Promise<void> {
    await this.#operator.stop()
    this.#operator = this.#runOperator()
  }

  async stop(): Promise<void> {
    await this.#operator.stop()
    await this.node.stop()
    await this.api.stop()
    await this.#bucket.close()
    await this.s3.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #runOperator(): RunningOperator {
    const broker = `${NAME}-broker-0`
    const address = () => ({
      host: '127.0.0.1',
      port: this.node.ports.has(broker, 9092) ? this.node.ports.of(broker, 9092) : 1,
    })
    const etcdEndpointOf = (endpoint: string): string => {
      const [, scheme, pod, port] = /^(https?):\/\/([^.]+)\..*:(\d+)$/.exec(endpoint) ?? []
      return `${scheme}://127.0.0.1:${this.node.ports.of(pod ?? '', port ?? '')}`
    }
    // Processes on a machine under load wait longer than the usual times of tests.
    const leaseTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 200 }
    const more = { etcdEndpointOf, etcdEveryMs: 1000, leaseTimes, usesBuckets: true, ...this.#options.operator }
    return runOperator(this.api.client('operator'), 'operator', address, more)
  }
}
