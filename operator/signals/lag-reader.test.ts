// Against a real broker in this process.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { BrokerUnreachable } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { SmallClient } from '../../testing/small-client.ts'
import { readLag } from './lag-reader.ts'

let broker: FolderBroker
let client: SmallClient

beforeAll(async () => {
  broker = await FolderBroker.start()
  client = await SmallClient.open(broker.port)
})

afterAll(async () => {
  client.close()
  await broker.stop()
})

const read = () => readLag({ host: '127.0.0.1', port: broker.port, clock: systemClock, timeoutMs: 10_000 })

test('groups, where they stand and where their partitions end', async () => {
  expect(await read()).toEqual({ positions: [], isWhole: true })
  await client.create('orders', 3)
  await client.create('gone', 1)
  await client.produce('orders', 0, 10)
  await client.produce('orders', 2, 7)
  await client.commit('billing', 'orders', 0, 4)
  await client.commit('billing', 'orders', 2, 7)
  await client.commit('audit', 'orders', 0, 0)
  await client.commit('audit', 'gone', 0, 0)
  await client.admin.execute([{ kind: 'delete', name: 'gone' }])
  const { positions, isWhole } = await read()
  const position = (group: string, partition: number, committed: number, end: number) => ({
    group,
    state: 'Empty',
    topic: 'orders',
    partition,
    committed,
    end,
  })
  expect(isWhole).toBe(true)
  expect(positions.toSorted((a, b) => a.group.localeCompare(b.group) || a.partition - b.partition)).toEqual([
    position('audit', 0, 0, 10),
    position('billing', 0, 4, 10),
    position('billing', 2, 7, 7),
  ])
})

test('a broker that is not there is unreachable', async () => {
  await expect(readLag({ host: '127.0.0.1', port: 1, clock: systemClock, timeoutMs: 2000 })).rejects.toBeInstanceOf(
    BrokerUnreachable,
  )
})
