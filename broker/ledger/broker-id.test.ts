import { beforeEach, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { BrokerIdTaken, claimBrokerId } from './broker-id.ts'
import { MemoryLedger } from './memory.ts'

let clock: VirtualClock
let shared: MemoryLedger

beforeEach(() => {
  clock = new VirtualClock()
  shared = new MemoryLedger()
})

const claim = (brokerId?: number) =>
  claimBrokerId({
    ledger: shared.connect(clock),
    clock,
    brokerId,
    describe: id => Buffer.from(`broker ${id}`),
    patienceMs: 30_000,
  })

test('without a given id brokers take the lowest that is free', async () => {
  const first = await claim()
  expect([first.brokerId, (await claim()).brokerId, (await claim()).brokerId]).toEqual([0, 1, 2])
  shared.expireSession(first.epoch)
  expect((await claim()).brokerId).toBe(0)
})

test('several brokers that start at once get different ids', async () => {
  const claimed = await Promise.all(Array.from({ length: 8 }, () => claim()))
  expect(claimed.map(({ brokerId }) => brokerId).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test('a given id is waited for while the session of an earlier life may still be open', async () => {
  const earlier = await claim(7)
  const later = claim(7)
  await clock.advance(6000)
  shared.expireSession(earlier.epoch)
  expect((await clock.until(later)).brokerId).toBe(7)
})

test('a given id that another broker lives under is refused', async () => {
  await claim(7)
  const refused = claim(7).catch((cause: unknown) => cause)
  const cause = await clock.until(refused)
  expect(cause).toBeInstanceOf(BrokerIdTaken)
  expect(String(cause)).toContain('another broker with id 7 is running')
})
