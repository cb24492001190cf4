import { describe, expect, test } from '@jest/globals'
import { Company, Pace, TokenBucket } from './flush-policy.ts'

describe('pace', () => {
  const large = 600 * 1024

  test('holds back only what follows a large window of several requests, and only for some milliseconds', () => {
    const pace = new Pace()
    expect(pace.wait(1, 1000)).toBe(0)
    pace.closed(large, false, 1000)
    expect(pace.wait(1, 1000)).toBe(0)
    pace.closed(1000, true, 1001)
    expect(pace.wait(1, 1001)).toBe(0)
    pace.closed(large, true, 1002)
    const wait = pace.wait(1, 1002)
    expect(wait).toBeGreaterThan(0)
    expect([pace.wait(1, 1002 + wait - 1), pace.wait(1, 1002 + wait), pace.wait(1, 5000)]).toEqual([1, 0, 0])
  })

  test('lets a window go that is large enough', () => {
    const pace = new Pace()
    pace.closed(large, true, 0)
    expect(pace.wait(1024 * 1024, 0)).toBe(0)
  })
})

describe('company', () => {
  const large = 800 * 1024
  const withBulkOnItsWay = (putsPerSecond = 20): Company => {
    const company = new Company(putsPerSecond)
    company.closed(large)
    company.started()
    return company
  }

  test('a bulk window waits for the one on its way, and then for what its senders send next', () => {
    const company = withBulkOnItsWay()
    company.came(1000)
    expect(company.wait(1000, 0)).toBe(Number.POSITIVE_INFINITY)
    company.answered(large, 50)
    expect(company.wait(1000, 50)).toBeGreaterThan(0)
    company.came(large / 2)
    expect(company.wait(1000 + large / 2, 51)).toBeGreaterThan(0)
    company.came(large / 2)
    expect(company.wait(1000 + large, 52)).toBe(0)
  })

  test('nobody waits long for a sender that has nothing more to send', () => {
    const company = withBulkOnItsWay()
    company.answered(large, 50)
    const wait = company.wait(1000, 50)
    expect(wait).toBeLessThan(100)
    expect(company.wait(1000, 50 + wait)).toBe(0)
  })

  test('who waits for each answer is not held back, nor is little traffic, nor a window that is worth its PUT', () => {
    const company = withBulkOnItsWay()
    expect(company.wait(5 * 1024 * 1024, 0)).toBe(0)
    company.answered(large, 50)
    company.came(large)
    expect(company.wait(large, 51)).toBe(0)
    company.closed(1000)
    company.started()
    expect(company.wait(1000, 52)).toBe(0)
  })

  test('where a PUT costs nothing there is no waiting', () => {
    expect(withBulkOnItsWay(Number.POSITIVE_INFINITY).wait(1000, 0)).toBe(0)
  })
})

describe('token bucket', () => {
  test('begins with a second of tokens and fills at its rate', () => {
    const bucket = new TokenBucket(4, 0)
    expect([1, 2, 3, 4, 5].map(() => bucket.take(0))).toEqual([true, true, true, true, false])
    expect(bucket.wait(0)).toBe(250)
    expect([bucket.take(249), bucket.take(250), bucket.take(251)]).toEqual([false, true, false])
  })

  test('saves up no more than a second of tokens', () => {
    const bucket = new TokenBucket(3, 0)
    let taken = 0
    while (bucket.take(3_600_000)) taken++
    expect(taken).toBe(3)
  })

  test('a rate below one a second still comes to a whole token', () => {
    const bucket = new TokenBucket(0.5, 0)
    expect([bucket.take(0), bucket.wait(0)]).toEqual([false, 1000])
    expect([bucket.take(1000), bucket.take(2999), bucket.take(3000)]).toEqual([true, false, true])
  })

  test('what was overdrawn is paid for by what comes later', () => {
    const bucket = new TokenBucket(1, 0)
    for (let n = 0; n < 3; n++) bucket.overdraw(0)
    expect(bucket.wait(0)).toBe(3000)
    expect([bucket.take(2999), bucket.take(3000)]).toEqual([false, true])
  })

  test('debts end: heavy traffic of an hour ago slows nobody down', () => {
    const bucket = new TokenBucket(2, 0)
    for (let n = 0; n < 10_000; n++) bucket.overdraw(0)
    expect(bucket.wait(0)).toBe(10_500)
  })

  test('without a limit there is always one', () => {
    const bucket = new TokenBucket(Number.POSITIVE_INFINITY, 0)
    for (let n = 0; n < 1000; n++) bucket.overdraw(0)
    expect([bucket.take(0), bucket.wait(0)]).toEqual([true, 0])
  })
})
