import { describe, expect, test } from '@jest/globals'
import { Latencies } from './latencies.ts'

describe('latencies', () => {
  test('say nothing before there are enough of them', () => {
    const latencies = new Latencies()
    for (let i = 0; i < 19; i++) latencies.record('get', 1000, 10)
    expect(latencies.p95('get', 1000)).toBeUndefined()
    latencies.record('get', 1000, 10)
    expect(latencies.p95('get', 1000)).toBe(10)
  })

  test('are kept apart by kind and size', () => {
    const latencies = new Latencies()
    for (let i = 0; i < 20; i++) {
      latencies.record('get', 1000, 10)
      latencies.record('get', 8_000_000, 100)
      latencies.record('put', 1000, 50)
    }
    const found = [latencies.p95('get', 60_000), latencies.p95('get', 9_000_000), latencies.p95('put', 0)]
    expect(found).toEqual([10, 100, 50])
    expect(latencies.p95('head', 0)).toBeUndefined()
  })

  test('follow the last ones', () => {
    const latencies = new Latencies()
    for (let i = 1; i <= 100; i++) latencies.record('get', 0, i)
    expect(latencies.p95('get', 0)).toBe(96)
    for (let i = 0; i < 200; i++) latencies.record('get', 0, 7)
    expect(latencies.p95('get', 0)).toBe(7)
  })
})
