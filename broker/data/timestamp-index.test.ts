import { beforeAll, describe, expect, test } from '@jest/globals'
import { type DataPath, incoming, startDataPath } from '../../testing/data-path.ts'
import { SeededRandom } from '../../testing/simulation/random.ts'
import type { MemoryStore } from '../objects/memory.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { buildBatch } from '../wire/batch-builder.ts'
import { batchMaxTimestamp, setLogAppendTime } from '../wire/record-batch.ts'
import { TimestampIndex } from './timestamp-index.ts'

/** A batch whose records have these timestamps. */
const timed = (timestamps: readonly number[], codec: 'none' | 'gzip' = 'none') => {
  const bytes = buildBatch({ records: timestamps.map(timestamp => ({ timestamp, value: Buffer.from('v') })), codec })
  return { ...incoming(timestamps.map(() => 'v')), bytes, maxTimestamp: batchMaxTimestamp(bytes, 0) }
}

const indexOf = (path: DataPath) => ({
  first: (log: PartitionLog, timestamp: number) =>
    path.clock.until(new TimestampIndex(path.extents).firstAtOrAfter(log, timestamp)),
  largest: (log: PartitionLog) => path.clock.until(new TimestampIndex(path.extents).largest(log)),
})

describe.each([1, 2, 3])('records in any order of time (seed %i)', seed => {
  const random = new SeededRandom(seed)
  const all: { offset: number; timestamp: number }[] = []
  let path: DataPath<MemoryStore>
  let log: PartitionLog

  beforeAll(async () => {
    path = await startDataPath({ cacheBytes: 2000 })
    log = await path.createLog()
    for (let batch = 0; batch < 60; batch++) {
      const timestamps = Array.from({ length: random.int(1, 5) }, () => 1000 + batch * 10 + random.int(-80, 80))
      for (const timestamp of timestamps) all.push({ offset: all.length, timestamp })
      const sent = path.ingest.append(log, timed(timestamps, random.pick(['none', 'gzip'])))
      if (random.chance(0.6)) await path.clock.until(sent)
    }
    await path.clock.until(path.ingest.drain())
  })

  test('the first one at or after a time is found, by offset', async () => {
    const { first } = indexOf(path)
    for (let timestamp = 900; timestamp < 1700; timestamp += 7) {
      expect(await first(log, timestamp)).toEqual(all.find(record => record.timestamp >= timestamp))
    }
  })

  test('the largest timestamp is that of the first record that has it (KIP-734)', async () => {
    const most = Math.max(...all.map(({ timestamp }) => timestamp))
    expect(await indexOf(path).largest(log)).toEqual(all.find(({ timestamp }) => timestamp === most))
  })

  test('records before the log start are not there', async () => {
    const logStartOffset = 41
    const partitions = [{ topicId: log.topicId, partition: 0, logStartOffset }]
    await path.clock.until(path.replica.submit({ type: 'trim', body: { partitions } }))
    const { first, largest } = indexOf(path)
    const left = all.slice(logStartOffset)
    for (let timestamp = 900; timestamp < 1700; timestamp += 23) {
      expect(await first(log, timestamp)).toEqual(left.find(record => record.timestamp >= timestamp))
    }
    const most = Math.max(...left.map(({ timestamp }) => timestamp))
    expect((await largest(log))?.timestamp).toBe(most)
  })
})

test('an empty partition has no record of any time', async () => {
  const path = await startDataPath()
  const log = await path.createLog()
  const { first, largest } = indexOf(path)
  expect([await first(log, 0), await largest(log)]).toEqual([undefined, undefined])
})

test('records without a timestamp are never found by time', async () => {
  const path = await startDataPath()
  const log = await path.createLog()
  await path.clock.until(path.ingest.append(log, timed([-1, -1])))
  expect([await indexOf(path).first(log, 0), await indexOf(path).largest(log)]).toEqual([undefined, undefined])
})

test('all records of a LogAppendTime batch have the time of its header', async () => {
  const path = await startDataPath()
  const log = await path.createLog()
  const batch = timed([10, 20, 30])
  setLogAppendTime(batch.bytes, 0, 5000)
  await path.clock.until(path.ingest.append(log, { ...batch, maxTimestamp: 5000 }))
  expect(await indexOf(path).first(log, 25)).toEqual({ offset: 0, timestamp: 5000 })
  expect(await indexOf(path).largest(log)).toEqual({ offset: 0, timestamp: 5000 })
})
