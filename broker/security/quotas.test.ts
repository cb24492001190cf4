import { beforeEach, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { type QuotaEntity, Security } from '../state/security.ts'
import { Quotas } from './quotas.ts'

let clock: VirtualClock
let security: Security
let quotas: Quotas

beforeEach(() => {
  clock = new VirtualClock()
  security = new Security()
  quotas = new Quotas({ clock, quotas: () => ({ version: security.quotasVersion, all: security.quotas }) })
})

const user = (name: string | null): QuotaEntity => ({ type: 'user', name })
const client = (name: string | null): QuotaEntity => ({ type: 'client-id', name })
const set = (entity: QuotaEntity[], value: number, key = 'producer_byte_rate'): void => {
  security.alterQuotas({ entries: [{ entity, changes: [{ key, value, remove: false }] }] })
}
const produce = (bytes: number, name = 'a', clientId = 'c'): number =>
  quotas.record('produce', { principal: `User:${name}`, clientId }, bytes)

test('without a quota nobody is held back', () => {
  expect(produce(1e9)).toBe(0)
  set([user('b')], 1)
  expect(produce(1e9)).toBe(0)
})

test('who is above its rate is quiet until the rate is back', async () => {
  set([user('a')], 1000)
  expect(produce(10_000)).toBe(0)
  expect(produce(5000)).toBe(5000)
  await clock.advance(5000)
  expect(produce(0)).toBe(5000)
  await clock.advance(6001)
  expect(produce(0)).toBe(0)
})

test('the most special quota counts, in the order of Apache Kafka', () => {
  const weakest: [QuotaEntity[], number][] = [
    [[client(null)], 1],
    [[client('c')], 2],
    [[user(null)], 3],
    [[user(null), client(null)], 4],
    [[user(null), client('c')], 5],
    [[user('a')], 6],
    [[user('a'), client(null)], 7],
    [[client('c'), user('a')], 8],
  ]
  for (const [entity, rate] of weakest) {
    set(entity, rate)
    // Ten seconds' worth is let through; a second's worth more takes a second.
    quotas = new Quotas({ clock, quotas: () => ({ version: security.quotasVersion, all: security.quotas }) })
    expect([rate, produce(rate * 10), produce(rate)]).toEqual([rate, 0, 1000])
  }
})

test('the clients of a user share its quota; under a default each user has its own', () => {
  set([user('a')], 100)
  expect([produce(1000, 'a', 'x'), produce(100, 'a', 'y')]).toEqual([0, 1000])
  set([user(null)], 100)
  expect([produce(1000, 'b'), produce(1000, 'd'), produce(100, 'b')]).toEqual([0, 0, 1000])
})

test('changes count at once', () => {
  set([user('a')], 1)
  expect(produce(1000)).toBeGreaterThan(0)
  set([user('a')], 1e6)
  expect(produce(1)).toBe(0)
})

test('connections are counted by address', () => {
  set([{ type: 'ip', name: null }], 1, 'connection_creation_rate')
  for (let n = 0; n < 10; n++) expect(quotas.connected('1.2.3.4')).toBe(0)
  expect([quotas.connected('1.2.3.4'), quotas.connected('1.2.3.5')]).toEqual([1000, 0])
})
