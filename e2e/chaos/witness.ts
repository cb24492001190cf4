// Somebody who only watches: follows the ledger in etcd without any fault in between, knows what the cluster's state must
// be, compares the hashes that the brokers publish with its own, and the bucket with what the state names.

import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { systemClock } from '../../broker/clock.ts'
import { objectKey, parseObjectKey } from '../../broker/data/object-key.ts'
import { EtcdLedger } from '../../broker/ledger/etcd/ledger.ts'
import type { LedgerEvent, Position } from '../../broker/ledger/ledger.ts'
import { Audits } from '../../broker/state/audits.ts'
import { ClusterState } from '../../broker/state/cluster-state.ts'
import { readProgress } from '../../broker/state/commands.gen.ts'
import { decodeSnapshot } from '../../broker/state/snapshot.ts'
import { Reader } from '../../broker/wire/reader.ts'

const OBJECT_PREFIX = 'default'

export interface WitnessOptions {
  readonly endpoints: readonly string[]
  /** Where the S3 server keeps the objects of the bucket, each as a file under its key. */
  readonly bucketFolder: string
}

export interface BucketReport {
  /** Keys that nothing names, of sessions that are over. */
  readonly orphans: readonly string[]
  /** Keys that the state names and that are not there. */
  readonly missing: readonly string[]
  readonly objects: number
}

export class Witness {
  /** Hashes of brokers that were compared with ours. */
  compared = 0
  readonly #options: WitnessOptions
  readonly #ledger: EtcdLedger
  #state = new ClusterState()
  #audits = new Audits()
  /** Position -> digest. */
  readonly #digests = new Map<Position, number>()
  readonly #seen = new Set<string>()
  readonly #differences: string[] = []
  #broken: Error | undefined

  static async start(options: WitnessOptions): Promise<Witness> {
    const ledger = await EtcdLedger.open({ endpoints: options.endpoints, prefix: '/kafscale', clock: systemClock })
    const witness = new Witness(options, ledger)
    await witness.#follow()
    return witness
  }

  private constructor(options: WitnessOptions, ledger: EtcdLedger) {
    this.#options = options
    this.#ledger = ledger
  }

  get position(): Position {
    return this.#state.position
  }

  /** What brokers said of their states that is not so here, as lines. */
  get differences(): readonly string[] {
    return this.#differences
  }

  /** Compares what the brokers have published with the same positions here. */
  async compareHashes(): Promise<void> {
    if (this.#broken !== undefined) await this.#followAnew()
    for (const [epoch, bytes] of await this.#ledger.progress()) {
      for (const { position, digest } of readProgress(new Reader(bytes), 0).audits) {
        const ours = this.#digests.get(position)
        const name = `${epoch}@${position}`
        if (ours === undefined || this.#seen.has(name)) continue
        this.#seen.add(name)
        this.compared++
        if (ours !== digest) this.#differences.push(`session ${epoch} has hash ${digest} at ${position}, not ${ours}`)
      }
    }
  }

  /** Lists the bucket and compares it with the state as of now. */
  async inspectBucket(): Promise<BucketReport> {
    if (this.#broken !== undefined) await this.#followAnew()
    const position = await this.#ledger.barrier()
    while (this.#state.position < position) await new Promise(resolve => setTimeout(resolve, 20))
    const { objects, sessions } = this.#state
    const named = new Set([...objects.live.values()].map(object => objectKey(OBJECT_PREFIX, object)))
    const dead = new Set([...objects.dead.values()].map(({ object }) => objectKey(OBJECT_PREFIX, object)))
    const present = await this.#keys()
    const orphans = present.filter(key => {
      const object = parseObjectKey(OBJECT_PREFIX, key)
      return object !== undefined && !named.has(key) && !dead.has(key) && !sessions.has(object.epoch)
    })
    const there = new Set(present)
    return { orphans, missing: [...named].filter(key => !there.has(key)), objects: present.length }
  }

  async stop(): Promise<void> {
    await this.#ledger.close()
  }

  async #keys(): Promise<string[]> {
    const { bucketFolder } = this.#options
    const entries = await readdir(bucketFolder, { recursive: true, withFileTypes: true })
    return entries
      .filter(entry => entry.isFile())
      .map(entry => relative(bucketFolder, join(entry.parentPath, entry.name)))
  }

  async #follow(): Promise<void> {
    await this.#ledger.follow(this.#state.position, {
      onEvent: event => this.#apply(event),
      onBroken: cause => {
        this.#broken = cause
      },
    })
  }

  /** A checkpoint has passed while this process was busy: goes on from that one. */
  async #followAnew(): Promise<void> {
    const checkpoint = await this.#ledger.checkpoint()
    if (checkpoint === null) throw new Error('the ledger cannot be followed', { cause: this.#broken })
    this.#state = decodeSnapshot(await readFile(join(this.#options.bucketFolder, checkpoint.snapshot)))
    this.#audits = new Audits()
    await this.#follow()
    this.#broken = undefined
  }

  #apply(event: LedgerEvent): void {
    this.#audits.beforeEvent(this.#state, event.position)
    const latest = this.#audits.recent.at(-1)
    if (latest !== undefined) this.#digests.set(latest.position, latest.digest)
    this.#state.apply(event)
  }
}
