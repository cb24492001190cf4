/** The write and the read path of one broker on a virtual clock, over a ledger and a store in memory: for tests. */
import { BlockCache } from '../broker/data/block-cache.ts'
import { ExtentReader } from '../broker/data/extent-reader.ts'
import type { FlushLimits } from '../broker/data/flush-policy.ts'
import { Gaps } from '../broker/data/gaps.ts'
import { Ingest } from '../broker/data/ingest.ts'
import { LogReader } from '../broker/data/log-reader.ts'
import type { IncomingBatch } from '../broker/data/window.ts'
import { type LedgerFaults, MemoryLedger } from '../broker/ledger/memory.ts'
import { Replica } from '../broker/ledger/replica.ts'
import { MemoryStore } from '../broker/objects/memory.ts'
import type { ObjectStore } from '../broker/objects/object-store.ts'
import type { PartitionLog } from '../broker/state/partition-log.ts'
import { decodeSnapshot } from '../broker/state/snapshot.ts'
import { buildBatch, type NewBatch, recordsOf } from '../broker/wire/batch-builder.ts'
import { batchMaxTimestamp, eachBatch } from '../broker/wire/record-batch.ts'
import { topicIdOf } from './state-story.ts'
import { VirtualClock } from './virtual-clock.ts'

export const PREFIX = 'test'

export const eager: FlushLimits = {
  windowBytes: 1024 * 1024,
  maxWaitMs: 250,
  uploadSlots: 4,
  putsPerSecond: Number.POSITIVE_INFINITY,
  memoryBytes: 64 * 1024 * 1024,
}

export interface DataPathOptions {
  readonly clock?: VirtualClock
  readonly ledger?: MemoryLedger
  readonly faults?: LedgerFaults
  readonly limits?: Partial<FlushLimits>
  readonly cacheBytes?: number
  readonly onLost?: (cause: Error) => void
}

/** A batch as Produce hands it on, with one record per value. */
export function incoming(values: readonly string[], more: Omit<Partial<NewBatch>, 'records'> = {}): IncomingBatch {
  const bytes = buildBatch({ records: values.map(value => ({ value: Buffer.from(value) })), timestamp: 1000, ...more })
  const { producerId = -1, producerEpoch = producerId < 0 ? -1 : 0, baseSequence = -1 } = more
  const maxTimestamp = batchMaxTimestamp(bytes, 0)
  return { bytes, records: values.length, maxTimestamp, producerId, producerEpoch, baseSequence }
}

/** Offset and value of every record in a fetch answer's slices. */
export function recordsIn(slices: readonly Buffer[]): [offset: number, value: string][] {
  const found: [number, string][] = []
  for (const slice of slices) {
    const end = eachBatch(slice, at => {
      for (const { offset, value } of recordsOf(slice, at, 10_000_000)) found.push([offset, String(value)])
    })
    if (end !== slice.length) throw new Error(`a batch is cut ${slice.length - end} bytes after its beginning`)
  }
  return found
}

export class DataPath<Store extends ObjectStore = ObjectStore> {
  readonly clock: VirtualClock
  readonly store: Store
  readonly replica: Replica
  readonly cache: BlockCache
  readonly extents: ExtentReader
  readonly reader: LogReader
  readonly gaps: Gaps
  readonly ingest: Ingest
  #objects = 0
  #topics = 0

  static async start<Store extends ObjectStore>(store: Store, options: DataPathOptions = {}): Promise<DataPath<Store>> {
    const { clock = new VirtualClock(), ledger = new MemoryLedger(), faults, onLost = () => {} } = options
    const replica = await clock.until(
      Replica.start({
        ledger: ledger.connect(clock, faults),
        clock,
        brokerId: undefined,
        describe: () => Buffer.alloc(0),
        loadSnapshot: async key => decodeSnapshot(await store.get(key)),
        onLost,
      }),
    )
    return new DataPath(store, clock, replica, options)
  }

  private constructor(store: Store, clock: VirtualClock, replica: Replica, options: DataPathOptions) {
    this.clock = clock
    this.store = store
    this.replica = replica
    this.cache = new BlockCache(options.cacheBytes ?? 1024 * 1024)
    this.extents = new ExtentReader({ state: () => replica.state, store, cache: this.cache, prefix: PREFIX })
    this.reader = new LogReader(this.extents)
    this.gaps = new Gaps(clock)
    this.ingest = new Ingest({
      clock,
      replica,
      store,
      cache: this.cache,
      prefix: PREFIX,
      limits: { ...eager, ...options.limits },
      gaps: this.gaps,
      nextObjectNumber: this.nextObjectNumber,
    })
  }

  readonly nextObjectNumber = (): number => ++this.#objects

  async createTopic(partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<PartitionLog[]> {
    const topicId = topicIdOf(++this.#topics + this.replica.epoch * 1000)
    const settings = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const body = { topicId, name: `t-${topicId}`, partitions, replicationFactor: 1, configs: settings }
    await this.clock.until(this.replica.submit({ type: 'createTopic', body }))
    return this.replica.state.catalog.byId.get(topicId)?.partitions ?? []
  }

  async createLog(configs: Readonly<Record<string, string>> = {}): Promise<PartitionLog> {
    const [log] = await this.createTopic(1, configs)
    if (log === undefined) throw new Error('the topic was not created')
    return log
  }

  /** Appends one batch by itself and lets time pass until it has its offset. */
  append(log: PartitionLog, ...values: string[]): Promise<number> {
    return this.clock.until(this.ingest.append(log, incoming(values)).then(({ baseOffset }) => baseOffset))
  }

  /** Everything from an offset on. */
  async read(log: PartitionLog, offset = log.logStartOffset): Promise<[offset: number, value: string][]> {
    const all = { log, offset, maxBytes: 1e9, endOffset: Number.POSITIVE_INFINITY }
    const [result] = await this.clock.until(this.reader.read([all], 1e9))
    if (result === undefined || 'error' in result) throw result?.error ?? new Error('there was no result')
    return recordsIn(result.records).filter(([at]) => at >= offset)
  }

  /** A second way to the same data: a reader with an empty cache. */
  uncached(): LogReader {
    const state = () => this.replica.state
    return new LogReader(new ExtentReader({ state, store: this.store, cache: new BlockCache(0), prefix: PREFIX }))
  }
}

export const startDataPath = (options: DataPathOptions = {}): Promise<DataPath<MemoryStore>> =>
  DataPath.start(new MemoryStore(), options)
