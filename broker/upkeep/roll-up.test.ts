import { beforeEach, describe, expect, test } from '@jest/globals'
import { type DataPath, incoming, PREFIX, startDataPath } from '../../testing/data-path.ts'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { objectKey } from '../data/object-key.ts'
import { parseSegmentFooter } from '../data/segment-object.ts'
import type { MemoryStore } from '../objects/memory.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { candidates, type RollUpLimits, rollUp } from './roll-up.ts'
import { sweepDead } from './sweep.ts'

const limits: RollUpLimits = { smallBytes: 10_000, minSmallObjects: 4, jobBytes: 1_000_000, extentBytes: 2000 }

let path: DataPath<MemoryStore>
let unreadable: Set<number>
let logs: PartitionLog[]

beforeEach(async () => {
  unreadable = new Set()
  path = await startDataPath({ limits: { uploadSlots: 1 } })
  logs = await path.createTopic(3)
})

const logOf = (partition: number): PartitionLog => {
  const log = logs[partition]
  if (log === undefined) throw new Error('there is no such partition')
  return log
}
const parts = (over: Partial<RollUpLimits> = {}) => ({
  replica: path.replica,
  store: path.store,
  prefix: PREFIX,
  limits: { ...limits, ...over },
  nextObjectNumber: path.nextObjectNumber,
  unreadable,
})
const roll = (over: Partial<RollUpLimits> = {}) => path.clock.until(rollUp(parts(over)))
const sweep = () => path.clock.until(sweepDead({ ...parts(), appliedByAll: path.replica.state.position }))
const trim = (partition: number, logStartOffset: number) => {
  const partitions = [{ topicId: logOf(partition).topicId, partition, logStartOffset }]
  return path.clock.until(path.replica.submit({ type: 'trim', body: { partitions } }))
}
/** Everything as it stands in the store, past every cache. */
const stored = async () => {
  const reader = path.uncached()
  const reads = logs.map(log => ({
    log,
    offset: log.logStartOffset,
    maxBytes: 1e9,
    endOffset: Number.POSITIVE_INFINITY,
  }))
  const results = await path.clock.until(reader.read(reads, 1e9))
  return results.map(result => {
    if ('error' in result) throw result.error
    return Buffer.concat(result.records)
  })
}
const kinds = (): string[] => [...path.replica.state.objects.live.values()].map(({ kind }) => kind)

/** Objects of a few partitions each. */
async function fill(objects: number, random = new SeededRandom(1)): Promise<void> {
  for (let n = 0; n < objects; n++) {
    const sent = Array.from({ length: random.int(1, 4) }, (_, index) =>
      path.ingest.append(random.pick(logs), incoming([`${n}/${index}`, 'x'.repeat(random.int(0, 900))])),
    )
    await path.clock.until(Promise.all(sent))
  }
}

describe('roll-up', () => {
  test.each([1, 2, 3])('leaves every byte readable and equal, in fewer objects and extents (seed %i)', async seed => {
    await fill(30, new SeededRandom(seed))
    const before = await stored()
    const extents = () => logs.reduce((sum, log) => sum + log.extents.size, 0)
    const [objectsBefore, extentsBefore] = [kinds().length, extents()]
    expect(await roll()).toBe(objectsBefore)
    expect(kinds()).toEqual(['segment'])
    expect(extents()).toBeLessThan(extentsBefore)
    expect(await stored()).toEqual(before)
    expect(await sweep()).toBe(objectsBefore)
    expect(await stored()).toEqual(before)
    // What is written afterwards goes on behind it.
    const { nextOffset } = logOf(0)
    expect(await path.append(logOf(0), 'later')).toBe(nextOffset)
    expect((await path.read(logOf(0))).at(-1)).toEqual([nextOffset, 'later'])
  })

  test('its segment describes itself as the state sees it', async () => {
    await fill(10)
    await roll()
    const [segment] = [...path.replica.state.objects.live.values()]
    if (segment === undefined) throw new Error('there is no segment')
    const footer = parseSegmentFooter(await path.store.get(objectKey(PREFIX, segment)))
    for (const run of footer.runs) {
      const extents = [...logOf(run.partition).extents]
      expect(run.extents.map(({ checksum: _, ...extent }) => ({ ...extent, object: segment.handle }))).toEqual(extents)
    }
  })

  test('rolls segments together again, and stops when there is nothing worth doing', async () => {
    for (let round = 0; round < 4; round++) {
      await fill(6)
      await roll()
    }
    const before = await stored()
    const segments = kinds().length
    expect([new Set(kinds()), segments > 1]).toEqual([new Set(['segment']), true])
    expect(await roll({ smallBytes: 100_000, minSmallObjects: 2 })).toBe(segments)
    expect(await roll({ smallBytes: 100_000, minSmallObjects: 2 })).toBe(0)
    expect(await stored()).toEqual(before)
  })

  test('leaves few small objects alone, takes mostly dead ones, and takes no more than its memory', async () => {
    for (let n = 0; n < 3; n++) await path.append(logOf(0), 'x'.repeat(1000))
    expect(await roll()).toBe(0)
    expect(candidates(path.replica.state, { ...limits, smallBytes: 10 })).toEqual([])
    await path.clock.until(
      Promise.all([0, 1, 1].map(partition => path.ingest.append(logOf(partition), incoming(['y'.repeat(3000)])))),
    )
    const size = logOf(1).nextOffset
    await trim(1, size - 1)
    expect(candidates(path.replica.state, { ...limits, minSmallObjects: 3, jobBytes: 2500 })).toHaveLength(2)
    expect(candidates(path.replica.state, { ...limits, minSmallObjects: 3, jobBytes: 1 })).toHaveLength(1)
  })

  test('takes WAL objects of any size where that is wanted, as soon as they fill a segment, and segments no more', async () => {
    for (let n = 0; n < 3; n++) await path.append(logOf(0), 'x'.repeat(1000))
    const all = { smallBytes: 10, smallWalBytes: Number.POSITIVE_INFINITY, minSmallObjects: 100 }
    expect(await roll({ ...all, jobBytes: 100_000 })).toBe(0)
    const before = await stored()
    expect(await roll({ ...all, jobBytes: 3000 })).toBe(2)
    expect(kinds()).toEqual(['wal', 'segment'])
    expect(await roll({ ...all, jobBytes: 3000 })).toBe(0)
    expect(await stored()).toEqual(before)
  })

  test('gives back the space of a partition that shares objects with another', async () => {
    for (let n = 0; n < 4; n++) {
      await path.append(logOf(0), 'first of its window')
      await path.clock.until(
        Promise.all([0, 1, 1, 1].map(partition => path.ingest.append(logOf(partition), incoming(['y'.repeat(9000)])))),
      )
    }
    await trim(1, logOf(1).nextOffset)
    const before = await stored()
    const bytes = path.store.bytes
    while ((await roll({ smallBytes: 1, minSmallObjects: 1 })) > 0) await sweep()
    expect(path.store.bytes).toBeLessThan(bytes / 2)
    expect(await stored()).toEqual(before)
  })

  test('leaves out what was trimmed while it ran, and keeps the rest', async () => {
    await fill(20)
    const middle = logOf(0).nextOffset >> 1
    const job = rollUp(parts())
    await trim(0, middle)
    await path.clock.until(job)
    const expected = await stored()
    expect(logOf(0).logStartOffset).toBe(middle)
    await sweep()
    expect(await stored()).toEqual(expected)
    expect((await path.read(logOf(0))).map(([offset]) => offset)).toEqual(
      Array.from({ length: logOf(0).nextOffset - middle }, (_, index) => middle + index),
    )
  })

  test('of two that run at once, one counts and the other leaves only a dead object', async () => {
    await fill(10)
    const before = await stored()
    await path.clock.until(Promise.all([rollUp(parts()), rollUp(parts())]))
    expect(kinds()).toEqual(['segment'])
    await sweep()
    expect(await stored()).toEqual(before)
    expect(await keysIn(path.store)).toHaveLength(1)
  })

  test('a topic that is deleted while it runs takes its part of the segment with it', async () => {
    const kept = await path.createLog()
    await fill(6)
    for (let n = 0; n < 6; n++) await path.append(kept, `kept ${n}`)
    const job = rollUp(parts())
    await path.clock.until(path.replica.submit({ type: 'deleteTopic', body: { topicId: logOf(0).topicId } }))
    await path.clock.until(job)
    await sweep()
    expect((await path.read(kept)).map(([, value]) => value)).toEqual([0, 1, 2, 3, 4, 5].map(n => `kept ${n}`))
    await path.clock.until(path.replica.submit({ type: 'deleteTopic', body: { topicId: kept.topicId } }))
    await sweep()
    expect([path.store.bytes, kinds()]).toEqual([0, []])
  })

  test('a job that fails changes nothing and can be done again', async () => {
    await fill(10)
    const before = await stored()
    const { store } = path
    const broken = { ...parts(), nextObjectNumber: () => 1 }
    await expect(
      path.clock.until(rollUp({ ...broken, store: await withTaken(store, path.replica.epoch) })),
    ).rejects.toThrow()
    expect(await stored()).toEqual(before)
    expect(await roll()).toBeGreaterThan(0)
    expect(await stored()).toEqual(before)
  })
})

/** The key of the segment that the job will want to write is taken. */
async function withTaken(store: MemoryStore, epoch: number): Promise<MemoryStore> {
  await store.put(objectKey(PREFIX, { kind: 'segment', epoch, number: 1 }), [])
  return store
}

async function keysIn(store: MemoryStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(`${PREFIX}/`)) keys.push(key)
  return keys
}

describe('what a job reads', () => {
  test('is what lives, however large the objects are', async () => {
    const lengths: number[] = []
    const get = path.store.get.bind(path.store)
    path.store.get = async (key, range) => {
      const bytes = await get(key, range)
      lengths.push(bytes.length)
      return bytes
    }
    for (let n = 0; n < 6; n++) {
      const large = path.ingest.append(logOf(0), incoming(['x'.repeat(50_000)]))
      const small = path.ingest.append(logOf(1), incoming([`small ${n}`]))
      await path.clock.until(Promise.all([large, small]))
    }
    await trim(0, logOf(0).nextOffset)
    expect(await roll({ smallBytes: 1_000_000 })).toBeGreaterThan(0)
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThan(2000)
    expect((await path.read(logOf(1))).map(([, value]) => value)).toEqual([0, 1, 2, 3, 4, 5].map(n => `small ${n}`))
  })

  test('is left alone by later jobs when it cannot be read', async () => {
    for (let n = 0; n < 6; n++) await path.append(logOf(n % 2), `v${n}`)
    const [first] = path.replica.state.objects.live.values()
    if (first === undefined) throw new Error('nothing was stored')
    await path.store.delete([objectKey(PREFIX, first)])
    await expect(roll()).rejects.toThrow()
    expect(await roll()).toBe(5)
  })
})
