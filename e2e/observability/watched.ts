// A cluster of real parts that is watched: four brokers, to each of which one thing can happen while the others go on.
//
//   steady    has a listener with TLS and passwords besides; its bucket can be slow
//   refused   its bucket can refuse everything
//   severed   its way to etcd can be slow or cut
//   killed    its process can end

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issue, newAuthority } from '../../operator/certificates/certificate.ts'
import type { ClusterBroker } from '../../testing/cluster/broker.ts'
import { Cluster } from '../../testing/cluster/cluster.ts'
import { freePorts } from '../../testing/ports.ts'
import { S3FaultProxy } from '../../testing/s3/fault-proxy.ts'

const DAY_MS = 86_400_000
/** Of produce requests in progress: little, so that a slow store shows soon. */
const PRODUCE_BYTES = 1_048_576
/** Enough for the test, and soon filled. */
const ETCD_BYTES = 32 * 1_048_576

export type Role = 'steady' | 'refused' | 'severed' | 'killed'
export const ROLES: readonly Role[] = ['steady', 'refused', 'severed', 'killed']

export class Watched {
  readonly cluster: Cluster
  readonly slowStore: S3FaultProxy
  readonly refusingStore: S3FaultProxy
  /** Of the steady broker's listener with TLS, where alice has the password `right`. */
  readonly securePort: number
  readonly #folder: string
  readonly #plainPort: number
  readonly #brokers = new Map<Role, ClusterBroker>()

  static async start(): Promise<Watched> {
    const folder = await mkdtemp(join(tmpdir(), 'kafscale-watched-'))
    const [plainPort = 0, securePort = 0] = await freePorts(2)
    const cluster = await Cluster.start({
      brokers: 0,
      quotaBytes: ETCD_BYTES,
      settings: {
        KAFSCALE_PRODUCE_MEMORY_BYTES: `${PRODUCE_BYTES}`,
        // Upkeep is seen soon.
        KAFSCALE_CHECKPOINT_INTERVAL_MS: '3000',
        KAFSCALE_RETENTION_CHECK_INTERVAL_MS: '3000',
      },
    })
    const slowStore = await S3FaultProxy.start(cluster.s3.endpoint, Math.random)
    const refusingStore = await S3FaultProxy.start(cluster.s3.endpoint, Math.random)
    const watched = new Watched({ folder, cluster, slowStore, refusingStore, plainPort, securePort })
    try {
      await watched.#startBrokers()
    } catch (cause) {
      await watched.stop()
      throw cause
    }
    return watched
  }

  private constructor(
    parts: Pick<Watched, 'cluster' | 'slowStore' | 'refusingStore' | 'securePort'> & {
      readonly folder: string
      readonly plainPort: number
    },
  ) {
    this.cluster = parts.cluster
    this.slowStore = parts.slowStore
    this.refusingStore = parts.refusingStore
    this.securePort = parts.securePort
    this.#folder = parts.folder
    this.#plainPort = parts.plainPort
  }

  get brokers(): readonly ClusterBroker[] {
    return ROLES.map(role => this.broker(role))
  }

  broker(role: Role): ClusterBroker {
    const found = this.#brokers.get(role)
    if (found === undefined) throw new Error(`there is no broker ${role}`)
    return found
  }

  /** Of the listener in clear. */
  port(role: Role): number {
    return role === 'steady' ? this.#plainPort : this.broker(role).port
  }

  /** The listener with TLS shows another certificate, with so many days left of its ninety. */
  async showCertificate(daysLeft: number): Promise<void> {
    const until = Date.now() + daysLeft * DAY_MS
    const validity = { from: until - 90 * DAY_MS, until }
    const { cert, key } = issue(newAuthority('corp', validity), {
      commonName: 'broker',
      names: ['localhost'],
      ...validity,
    })
    const { certFile, keyFile } = this.#files
    for (const [path, text] of [
      [keyFile, key],
      [certFile, cert],
    ] as const) {
      await writeFile(`${path}.new`, text)
      await rename(`${path}.new`, path)
    }
  }

  async stop(): Promise<void> {
    await this.cluster.stop()
    await this.slowStore.stop()
    await this.refusingStore.stop()
    await rm(this.#folder, { recursive: true })
  }

  get #files() {
    const at = (name: string): string => join(this.#folder, name)
    return { certFile: at('tls.crt'), keyFile: at('tls.key'), usersFile: at('users.yaml') }
  }

  async #startBrokers(): Promise<void> {
    await this.showCertificate(60)
    await writeFile(this.#files.usersFile, 'alice: right\n')
    const security = { SECURE: { protocol: 'SASL_SSL', mechanisms: ['PLAIN'], ...this.#files } }
    const settings: Readonly<Record<Role, Readonly<Record<string, string>>>> = {
      steady: {
        KAFSCALE_S3_ENDPOINT: this.slowStore.endpoint,
        KAFSCALE_LISTENERS: `PLAINTEXT://127.0.0.1:${this.#plainPort},SECURE://127.0.0.1:${this.securePort}`,
        KAFSCALE_LISTENER_SECURITY: JSON.stringify(security),
      },
      refused: { KAFSCALE_S3_ENDPOINT: this.refusingStore.endpoint },
      severed: {},
      killed: {},
    }
    for (const role of ROLES) this.#brokers.set(role, await this.cluster.addBroker(settings[role]))
  }
}
