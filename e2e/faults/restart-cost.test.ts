// Time and memory of a start follow neither the number of objects nor the number of ledger entries (fault 13).

import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { BrokerProcess } from './broker-process.ts'
import { FaultFolder } from './folder.ts'
import { createTopic, produceOnce, readAll } from './load.ts'
import { WireClient } from './wire-client.ts'

jest.setTimeout(180_000)

const OBJECTS = 2000
const VALUE = randomBytes(20_000).toString('base64')
const CHECKPOINTS = { KAFSCALE_CHECKPOINT_INTERVAL_MS: '300' }

let folder: FaultFolder

beforeAll(async () => {
  folder = await FaultFolder.create()
})

afterAll(async () => {
  await folder.remove()
})

/** The better of some starts after kill -9, so that a busy machine does not decide. */
async function startCost(broker: BrokerProcess): Promise<{ ms: number; bytes: number }> {
  const costs: { ms: number; bytes: number }[] = []
  for (let n = 0; n < 4; n++) {
    await broker.kill()
    costs.push({ ms: await broker.start(), bytes: await broker.residentBytes() })
  }
  return { ms: Math.min(...costs.map(({ ms }) => ms)), bytes: Math.min(...costs.map(({ bytes }) => bytes)) }
}

test('a start with thousands of objects costs about what an empty one does', async () => {
  const empty = await folder.broker(CHECKPOINTS, join(folder.path, 'empty'))
  await empty.start()
  const emptyCost = await startCost(empty)
  await empty.kill()

  const full = await folder.broker(CHECKPOINTS, join(folder.path, 'full'))
  await full.start()
  await createTopic(full.port, 't', 1)
  const client = await WireClient.open(full.port)
  for (let n = 0; n < OBJECTS; n++) {
    await produceOnce(client, { topic: 't', partition: 0, values: [`${n}/${VALUE}`] })
  }
  client.close()
  const files = await readdir(join(folder.path, 'full', 'objects'), { recursive: true })
  expect(files.length).toBeGreaterThan(OBJECTS / 2)
  const fullCost = await startCost(full)
  expect(fullCost.ms / emptyCost.ms).toBeLessThan(2.5)
  expect(fullCost.bytes / emptyCost.bytes).toBeLessThan(1.5)
  const values = await readAll(full.port, { topic: 't', partition: 0 })
  expect(values.map(value => Number.parseInt(value, 10))).toEqual(Array.from({ length: OBJECTS }, (_, n) => n))
  expect(await full.stop()).toBe(0)
})
