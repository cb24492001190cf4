// kill -9 at random moments under load: what was acknowledged is there, once, in order, with its value.

import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { FaultFolder } from './folder.ts'
import { createTopic, missing, Producer } from './load.ts'

jest.setTimeout(120_000)

const PARTITIONS = 3
const ROUNDS = 6

let folder: FaultFolder

beforeEach(async () => {
  folder = await FaultFolder.create()
})

afterEach(async () => {
  await folder.remove()
})

test.each([
  ['that checkpoints all the time', { KAFSCALE_CHECKPOINT_INTERVAL_MS: '100' }],
  ['with a small cache and small objects', { KAFSCALE_CACHE_BYTES: '1048576', KAFSCALE_SEGMENT_BYTES: '65536' }],
])('a broker %s loses nothing that it acknowledged when it is killed', async (_, settings) => {
  const broker = await folder.broker(settings)
  await broker.start()
  await createTopic(broker.port, 'lasting', PARTITIONS)
  const producers = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) =>
      Producer.start(broker.port, { topic: 'lasting', partition }, partition * 3000),
    ),
  )
  for (let round = 0; round < ROUNDS; round++) {
    const before = producers.map(({ acknowledged }) => acknowledged.length)
    await sleep(randomInt(50, 700))
    await broker.kill()
    const acknowledged = producers.map(producer => [...producer.acknowledged])
    await broker.start()
    for (const [partition, producer] of producers.entries()) {
      expect(
        await missing({ place: producer.place, acknowledged: acknowledged[partition] ?? [] }, broker.port, true),
      ).toEqual([])
    }
    while (producers.some(({ acknowledged: all }, partition) => all.length <= (before[partition] ?? 0))) await sleep(10)
  }
  for (const producer of producers) await producer.stop()
  for (const producer of producers) expect(await missing(producer, broker.port)).toEqual([])
  // The load met the kills: batches were sent again.
  expect(producers.every(({ retries }) => retries > 0)).toBe(true)
  expect(await broker.stop()).toBe(0)
})
