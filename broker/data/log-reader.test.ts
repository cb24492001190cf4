import { beforeAll, describe, expect, test } from '@jest/globals'
import { DataPath, incoming, PREFIX, recordsIn, startDataPath } from '../../testing/data-path.ts'
import { GatedStore } from '../../testing/gated-store.ts'
import { SeededRandom } from '../../testing/simulation/random.ts'
import type { MemoryStore } from '../objects/memory.ts'
import { StoreError } from '../objects/object-store.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { batchBaseOffset, batchLastOffset, eachBatch } from '../wire/record-batch.ts'
import { BlockCache } from './block-cache.ts'
import { ExtentReader } from './extent-reader.ts'
import { LogReader, type PartitionRead, type PartitionReadResult } from './log-reader.ts'
import { objectKey } from './object-key.ts'

const END = Number.POSITIVE_INFINITY

interface Batch {
  readonly first: number
  readonly last: number
  readonly bytes: number
}

function batchesOf(result: PartitionReadResult | undefined): Batch[] {
  if (result === undefined || 'error' in result) throw result?.error ?? new Error('there was no result')
  const found: Batch[] = []
  for (const slice of result.records) {
    const end = eachBatch(slice, (at, bytes) => {
      found.push({ first: batchBaseOffset(slice, at), last: batchLastOffset(slice, at), bytes })
    })
    expect(end).toBe(slice.length)
  }
  expect(found.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(result.bytes)
  return found
}

const whole = (log: PartitionLog, offset = 0): PartitionRead => ({ log, offset, maxBytes: 1e9, endOffset: END })

/** What KIP-74 says, batch by batch, for one partition that is read from the start of an extent. */
function naive(all: readonly Batch[], offset: number, limit: number): Batch[] {
  const taken: Batch[] = []
  let bytes = 0
  for (const batch of all) {
    if (batch.last < offset) continue
    if (taken.length > 0 && bytes + batch.bytes > limit) break
    taken.push(batch)
    bytes += batch.bytes
  }
  return taken
}

/** Partitions with batches of one to five records, some windows with many batches, some batches large. */
async function fill(path: DataPath<MemoryStore>, random: SeededRandom): Promise<PartitionLog[]> {
  const logs = await path.createTopic(4)
  for (let window = 0; window < 40; window++) {
    const sent = Array.from({ length: random.int(1, 6) }, () => {
      const values = Array.from({ length: random.int(1, 5) }, () => 'v'.repeat(random.pick([1, 30, 2000])))
      return path.ingest.append(random.pick(logs), incoming(values))
    })
    await path.clock.until(Promise.all(sent))
  }
  return logs
}

describe.each([1, 2, 3])('reading partitions (seed %i)', seed => {
  const random = new SeededRandom(seed)
  let path: DataPath<MemoryStore>
  let logs: PartitionLog[]
  let all: Batch[][]
  let readers: LogReader[]

  const read = (reads: readonly PartitionRead[], maxBytes: number, reader = random.pick(readers)) =>
    path.clock.until(reader.read(reads, maxBytes))

  beforeAll(async () => {
    path = await startDataPath({ limits: { uploadSlots: 1 }, cacheBytes: 20_000 })
    logs = await fill(path, random)
    readers = [path.reader, path.uncached()]
    all = (
      await read(
        logs.map(log => whole(log)),
        1e9,
      )
    ).map(batchesOf)
  })

  test('everything is there, dense, from the cache as from the store', async () => {
    const [cached, stored] = await Promise.all(
      readers.map(reader =>
        read(
          logs.map(log => whole(log)),
          1e9,
          reader,
        ),
      ),
    )
    expect(stored?.map(batchesOf)).toEqual(cached?.map(batchesOf))
    for (const [index, log] of logs.entries()) {
      const own = all[index] ?? []
      expect(own.map(({ first }) => first)).toEqual([0, ...own.slice(0, -1).map(({ last }) => last + 1)])
      expect(own.at(-1)?.last).toBe(log.nextOffset - 1)
    }
  })

  test('from the start of an extent, one partition gets exactly what fits, and one batch at least', async () => {
    for (const [index, log] of logs.entries()) {
      for (const { baseOffset } of log.extents) {
        const limit = random.pick([0, 1, 100, 2500, 9000])
        const [own, shared] = random.chance(0.5) ? [limit, 1e9] : [1e9, limit]
        const [result] = await read([{ log, offset: baseOffset, maxBytes: own, endOffset: END }], shared)
        expect(batchesOf(result)).toEqual(naive(all[index] ?? [], baseOffset, limit))
      }
    }
  })

  test('whatever the offsets and limits: whole batches from the one that holds the offset, within the limits', async () => {
    for (let round = 0; round < 150; round++) {
      const maxBytes = random.pick([0, 1, 300, 3000, 20_000])
      const reads = logs.map(log => ({
        log,
        offset: random.int(0, log.nextOffset),
        maxBytes: random.pick([0, 1, 500, 5000]),
        endOffset: END,
      }))
      const results = (await read(reads, maxBytes)).map(batchesOf)
      let left = maxBytes
      let isFirst = true
      for (const [index, { log, offset, maxBytes: own }] of reads.entries()) {
        const batches = results[index] ?? []
        const expected = (all[index] ?? []).filter(({ last }) => last >= offset).slice(0, batches.length)
        expect(batches).toEqual(expected)
        const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0)
        if (isFirst && offset < log.nextOffset) {
          expect(batches.length).toBeGreaterThan(0)
          isFirst = false
          if (batches.length > 1) expect(bytes).toBeLessThanOrEqual(Math.min(own, left))
        } else expect(bytes).toBeLessThanOrEqual(Math.min(own, left))
        left = Math.max(0, left - bytes)
      }
    }
  })

  test('a consumer with limits of one byte reads everything once (fault 3: it was stuck behind a cut batch)', async () => {
    for (const [index, log] of logs.entries()) {
      const seen: Batch[] = []
      while ((seen.at(-1)?.last ?? -1) + 1 < log.nextOffset) {
        const offset = (seen.at(-1)?.last ?? -1) + 1
        const [result] = await read([{ log, offset, maxBytes: 1, endOffset: END }], 1)
        expect(batchesOf(result)).toHaveLength(1)
        seen.push(...batchesOf(result))
      }
      expect(seen).toEqual(all[index])
    }
  })

  test('nothing at or after the end offset is returned', async () => {
    const [log] = logs
    const [own = []] = all
    if (log === undefined) return
    for (const { first } of own) {
      const [result] = await read([{ log, offset: 0, maxBytes: 1e9, endOffset: first }], 1e9)
      expect(batchesOf(result)).toEqual(own.filter(({ last }) => last < first))
    }
  })
})

describe('several partitions', () => {
  test('the limit of the request is shared in their order, and only the first one may exceed it', async () => {
    const path = await startDataPath()
    const logs = await path.createTopic(3)
    for (const log of logs) await path.append(log, 'x'.repeat(1000))
    const counts = async (maxBytes: number, own = 1e9): Promise<number[]> => {
      const reads = logs.map(log => ({ log, offset: 0, maxBytes: own, endOffset: END }))
      return (await path.clock.until(path.reader.read(reads, maxBytes))).map(result => batchesOf(result).length)
    }
    expect(await counts(1)).toEqual([1, 0, 0])
    expect(await counts(2500)).toEqual([1, 1, 0])
    expect(await counts(1e6)).toEqual([1, 1, 1])
    expect(await counts(1e6, 10)).toEqual([1, 0, 0])
  })

  test('a partition without data leaves the right of the first batch to the next one', async () => {
    const path = await startDataPath()
    const [empty, full] = await path.createTopic(2)
    if (empty === undefined || full === undefined) throw new Error('the topic was not created')
    await path.append(full, 'x'.repeat(1000))
    const results = await path.clock.until(path.reader.read([whole(empty), whole(full)], 1))
    expect(results.map(result => batchesOf(result).length)).toEqual([0, 1])
  })
})

describe('the store', () => {
  test('neighbours in one object are read with one GET, and a second reader waits for the first one', async () => {
    const path = await DataPath.start(new GatedStore(), { limits: { uploadSlots: 1 }, cacheBytes: 100_000 })
    path.store.gated = false
    const logs = await path.createTopic(3)
    await path.clock.until(Promise.all(logs.map(log => path.ingest.append(log, incoming(['x'])))))
    const reader = path.uncached()
    const reads = logs.map(log => whole(log))
    const before = path.store.reads
    const [first, second] = await path.clock.until(Promise.all([reader.read(reads, 1e9), reader.read(reads, 1e9)]))
    expect([first, second].flatMap(results => results.map(result => batchesOf(result).length))).toEqual([
      1, 1, 1, 1, 1, 1,
    ])
    expect(path.store.reads - before).toBe(new Set(logs.map(log => log.extents.at(0).object)).size)
  })

  test('blocks read together share a small buffer; of a large one each keeps only its own bytes', async () => {
    const path = await startDataPath({ limits: { uploadSlots: 1, windowBytes: 8 * 1024 * 1024 } })
    const logs = await path.createTopic(20)
    const bufferSizes = async (valueBytes: number): Promise<number[]> => {
      const froms = logs.map(log => log.nextOffset)
      const value = 'x'.repeat(valueBytes)
      await path.clock.until(Promise.all(logs.map(log => path.ingest.append(log, incoming([value])))))
      const reads = logs.map((log, index) => ({ ...whole(log), offset: froms[index] ?? 0 }))
      const results = await path.clock.until(path.uncached().read(reads, 1e9))
      return results.flatMap(result =>
        'records' in result ? result.records.map(slice => slice.buffer.byteLength) : [],
      )
    }
    expect(Math.max(...(await bufferSizes(20_000)))).toBeLessThan(1024 * 1024)
    expect(Math.max(...(await bufferSizes(200_000)))).toBeLessThan(300_000)
  })

  test('an object that cannot be read is an error of its partitions only, and is read again later', async () => {
    const path = await startDataPath()
    const [broken, fine] = await path.createTopic(2)
    if (broken === undefined || fine === undefined) throw new Error('the topic was not created')
    await path.append(broken, 'a')
    await path.append(fine, 'b')
    const reader = path.uncached()
    const key = objectKey('test', path.replica.state.objects.get(broken.extents.at(0).object))
    const bytes = await path.store.get(key)
    await path.store.delete([key])
    const reads = [whole(broken), whole(fine)]
    const [failed, read] = await path.clock.until(reader.read(reads, 1e9))
    expect(failed).toMatchObject({ error: expect.any(Error) })
    expect(batchesOf(read)).toHaveLength(1)
    await path.store.put(key, [bytes])
    const [again] = await path.clock.until(reader.read(reads, 1e9))
    expect(recordsIn(again !== undefined && 'records' in again ? again.records : [])).toEqual([[0, 'a']])
  })
})

describe('reading ahead', () => {
  /** Ten extents of the same size, in a store that counts, and a reader with nothing in its cache. */
  async function story(cacheBytes: number) {
    const store = new GatedStore()
    store.gated = false
    const path = await DataPath.start(store)
    const log = await path.createLog()
    for (let n = 0; n < 10; n++) await path.append(log, 'v'.repeat(1000))
    const cache = new BlockCache(cacheBytes)
    const reader = new LogReader(new ExtentReader({ state: () => path.replica.state, store, cache, prefix: PREFIX }))
    /** Reads one record and gives how many reads of the store had begun by its end. */
    const readAt = async (offset: number): Promise<number> => {
      await path.clock.until(reader.read([{ log, offset, maxBytes: 1, endOffset: END }], 1))
      return store.reads
    }
    return { readAt, store }
  }

  test('a reader that goes on finds the next extent on its way', async () => {
    const { readAt } = await story(1_000_000)
    expect(await readAt(0)).toBe(1)
    expect(await readAt(1)).toBe(3)
    for (let offset = 2; offset < 9; offset++) expect(await readAt(offset)).toBe(offset + 2)
    expect(await readAt(9)).toBe(10)
  })

  test('a reader that seeks causes no reads but its own', async () => {
    const { readAt } = await story(1_000_000)
    for (const [n, offset] of [8, 2, 5, 0].entries()) expect(await readAt(offset)).toBe(n + 1)
  })

  test('what is ahead takes no more than a quarter of the cache', async () => {
    const { readAt } = await story(3000)
    expect(await readAt(0)).toBe(1)
    expect(await readAt(1)).toBe(2)
  })

  test('an extent that could not be read ahead is read again by who wants it', async () => {
    const { readAt, store } = await story(1_000_000)
    await readAt(0)
    const get = store.get.bind(store)
    let calls = 0
    // The first is the one that is waited for.
    store.get = (key, range) => (++calls === 2 ? Promise.reject(new StoreError('lost on the way')) : get(key, range))
    expect(await readAt(1)).toBe(2)
    expect(await readAt(2)).toBe(4)
  })
})
