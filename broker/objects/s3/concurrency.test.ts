import { describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../../testing/virtual-clock.ts'
import { Concurrency, NoPlace, type Place } from './concurrency.ts'

const take = async (places: Concurrency, count: number): Promise<Place[]> =>
  Promise.all(Array.from({ length: count }, () => places.take(1000)))

describe('concurrency', () => {
  test('gives places up to the limit, then in the order of waiting', async () => {
    const places = new Concurrency(new VirtualClock(), 2)
    const [first, second] = await take(places, 2)
    const order: number[] = []
    const waiting = [1, 2].map(async i => {
      const place = await places.take(1000)
      order.push(i)
      return place
    })
    expect(places.takeNow()).toBeUndefined()
    second?.done('success')
    const third = await waiting[0]
    expect(order).toEqual([1])
    expect(places.takeNow()).toBeUndefined()
    first?.done('success')
    third?.done('failure')
    ;(await waiting[1])?.done('success')
    expect(order).toEqual([1, 2])
    expect(places.takeNow()).toBeDefined()
  })

  test('rejects who waited too long, and gives the place to the next', async () => {
    const clock = new VirtualClock()
    const places = new Concurrency(clock, 2)
    const [one] = await take(places, 2)
    const late = places.take(100)
    const patient = places.take(1000)
    await expect(Promise.all([late, clock.advance(200)])).rejects.toThrow(NoPlace)
    one?.done('success')
    expect(await patient).toBeDefined()
    expect(clock.pending).toBe(0)
  })

  test('halves the limit once for all that were under way, and again for later ones', async () => {
    const places = new Concurrency(new VirtualClock(), 64)
    for (const place of await take(places, 64)) place.done('slow-down')
    expect(places.limit).toBe(32)
    for (const place of await take(places, 32)) place.done('slow-down')
    expect(places.limit).toBe(16)
  })

  test('never goes below two and grows back by one a round', async () => {
    const places = new Concurrency(new VirtualClock(), 8)
    for (let i = 0; i < 10; i++) for (const place of await take(places, 1)) place.done('slow-down')
    expect(places.limit).toBe(2)
    for (let i = 0; i < 3; i++) for (const place of await take(places, 1)) place.done('success')
    expect(places.limit).toBe(3)
    for (let i = 0; i < 100; i++) for (const place of await take(places, 1)) place.done('success')
    expect(places.limit).toBe(8)
  })
})
