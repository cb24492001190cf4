import { expect, test } from '@jest/globals'
import { rendezvous } from './members.ts'

const brokers = (...ids: number[]) => ids.map(brokerId => ({ brokerId }))
const keys = Array.from({ length: 3000 }, (_, index) => `group-${index}`)

test('keys spread evenly over the candidates', () => {
  const counts = new Map<number, number>()
  for (const key of keys) {
    const { brokerId } = rendezvous(key, brokers(0, 1, 2)) ?? { brokerId: -1 }
    counts.set(brokerId, (counts.get(brokerId) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual([0, 1, 2])
  for (const count of counts.values()) expect(count).toBeGreaterThan(850)
})

test('when a candidate goes only its own keys move, and they come back with it', () => {
  for (const key of keys) {
    const before = rendezvous(key, brokers(0, 1, 2))?.brokerId
    const after = rendezvous(key, brokers(0, 2))?.brokerId
    if (before !== 1) expect(after).toBe(before)
    else expect(after).not.toBe(1)
  }
})

test('the order of the candidates does not matter, and of none there is none', () => {
  for (const key of keys) expect(rendezvous(key, brokers(2, 0, 1))).toEqual(rendezvous(key, brokers(0, 1, 2)))
  expect(rendezvous('x', [])).toBeUndefined()
})
