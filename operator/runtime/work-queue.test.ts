import { beforeEach, describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { WorkQueue } from './work-queue.ts'

let clock: VirtualClock
let queue: WorkQueue

beforeEach(() => {
  clock = new VirtualClock()
  queue = new WorkQueue({ clock, random: () => 1, backoff: { baseMs: 100, capMs: 1000 } })
})

/** Keys in the order in which a worker gets them, without waiting for more. */
async function drain(): Promise<string[]> {
  const taken: string[] = []
  while (queue.depth > 0) {
    const key = await queue.take()
    if (key === undefined) break
    taken.push(key)
    queue.done(key)
  }
  return taken
}

describe('a key', () => {
  test('is in line once, however often it is added', async () => {
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
    expect(await drain()).toEqual(['a', 'b'])
  })

  test('that is added while it is worked on comes again, and never at the same time', async () => {
    queue.add('a')
    const first = await queue.take()
    queue.add('a')
    queue.add('a')
    expect(queue.depth).toBe(0)
    queue.done(first ?? '')
    expect(await drain()).toEqual(['a'])
  })

  test('that was edited goes before those that are only due', async () => {
    queue.add('old', 'resync')
    queue.add('older', 'resync')
    queue.add('new')
    queue.add('older')
    expect(await drain()).toEqual(['new', 'older', 'old'])
  })

  test('comes at the earliest of its times', async () => {
    queue.addAfter('a', 500)
    queue.addAfter('a', 200)
    queue.addAfter('a', 900)
    await clock.advance(199)
    expect(queue.depth).toBe(0)
    await clock.advance(1)
    expect(await drain()).toEqual(['a'])
    await clock.advance(1000)
    expect(queue.depth).toBe(0)
  })

  test('that is added comes at once, and not again at its time', async () => {
    queue.addAfter('a', 500)
    queue.add('a')
    expect(await drain()).toEqual(['a'])
    expect(queue.waiting).toBe(0)
  })

  test('that fails waits longer each time, up to a limit, until it is well again', () => {
    const waits = Array.from({ length: 6 }, () => queue.retry('a'))
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000])
    queue.forget('a')
    expect(queue.retry('a')).toBe(100)
    expect(queue.retry('b', 5000)).toBe(5000)
  })

  test('is waited for between half and all of its time, so that not all come together', () => {
    const spread = new WorkQueue({ clock, random: () => 0, backoff: { baseMs: 100, capMs: 1000 } })
    expect(spread.retry('a')).toBe(50)
  })
})

describe('workers', () => {
  test('that wait get keys in the order in which they asked', async () => {
    const both = [queue.take(), queue.take()]
    queue.add('a')
    queue.add('b')
    expect(await Promise.all(both)).toEqual(['a', 'b'])
  })

  test('end when the queue is shut down, and nothing is taken in any more', async () => {
    const waiting = queue.take()
    queue.addAfter('later', 100)
    queue.shutDown()
    queue.add('a')
    expect(await waiting).toBeUndefined()
    expect(await queue.take()).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  test('can be asked how long they have been at it', async () => {
    queue.add('a')
    await queue.take()
    await clock.advance(2500)
    expect(queue.busySeconds).toEqual([2.5])
  })
})
