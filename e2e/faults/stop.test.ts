// SIGTERM under load: what is in progress is answered, the process ends with 0, nothing acknowledged is lost.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { errorCode } from '../../broker/wire/errors.ts'
import { newFetchRequest, newFetchRequestPartition, newFetchRequestTopic } from '../../broker/wire/messages.gen.ts'
import { FaultFolder } from './folder.ts'
import { createTopic, missing, Producer, produceOnce, readAll } from './load.ts'
import { WireClient } from './wire-client.ts'

jest.setTimeout(120_000)

let folder: FaultFolder

beforeEach(async () => {
  folder = await FaultFolder.create()
})

afterEach(async () => {
  await folder.remove()
})

test('under load: exit code 0, and everything acknowledged is there after the next start', async () => {
  const broker = await folder.broker()
  await broker.start()
  await createTopic(broker.port, 't', 3)
  const producers = await Promise.all(
    [0, 1, 2].map(partition => Producer.start(broker.port, { topic: 't', partition })),
  )
  for (let round = 0; round < 3; round++) {
    await sleep(300)
    expect(await broker.stop()).toBe(0)
    await broker.start()
  }
  for (const producer of producers) await producer.stop()
  for (const producer of producers) expect(await missing(producer, broker.port)).toEqual([])
  expect(await broker.stop()).toBe(0)
})

test('requests that the broker has taken are answered, a long poll included', async () => {
  const broker = await folder.broker({ KAFSCALE_PUTS_PER_SECOND: '0.001', KAFSCALE_FLUSH_INTERVAL_MS: '30000' })
  await broker.start()
  await createTopic(broker.port, 't', 1)
  const place = { topic: 't', partition: 0 }
  const clients = await Promise.all([0, 1, 2, 3].map(() => WireClient.open(broker.port)))
  const [poller, ...others] = clients
  if (poller === undefined) throw new Error('there is no client')
  // They wait for company that never comes; only the stop flushes them.
  const produced = others.map((client, index) => produceOnce(client, { ...place, values: [`v${index}`] }))
  const partitions = [newFetchRequestPartition({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 })]
  const topics = [newFetchRequestTopic({ topic: 't', partitions })]
  const polled = poller.call('Fetch', 12, newFetchRequest({ maxWaitMs: 3000, minBytes: 1_000_000, topics }))
  await sleep(500)
  const code = broker.stop()
  expect((await Promise.all(produced)).map(answer => answer.code)).toEqual([0, 0, 0].map(() => errorCode.NONE))
  expect((await polled).errorCode).toBe(errorCode.NONE)
  expect(await code).toBe(0)
  await broker.start()
  expect((await readAll(broker.port, place)).toSorted()).toEqual(['v0', 'v1', 'v2'])
  expect(await broker.stop()).toBe(0)
})

test('a second signal ends a broker that is still busy', async () => {
  const broker = await folder.broker()
  await broker.start()
  await createTopic(broker.port, 't', 1)
  const client = await WireClient.open(broker.port)
  const partitions = [newFetchRequestPartition({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 })]
  const topics = [newFetchRequestTopic({ topic: 't', partitions })]
  const polled = client.call('Fetch', 12, newFetchRequest({ maxWaitMs: 600_000, minBytes: 1, topics }))
  polled.catch(() => {})
  await sleep(300)
  process.kill(broker.child.pid, 'SIGTERM')
  await sleep(300)
  expect(broker.child.running()).toBe(true)
  expect(await broker.stop()).toBe(1)
})
