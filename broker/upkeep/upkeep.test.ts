import { beforeEach, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { sleep } from '../clock.ts'
import { createLogger } from '../observe/logger.ts'
import { MORE_TO_DO, Upkeep } from './upkeep.ts'

let clock: VirtualClock
let upkeep: Upkeep

beforeEach(() => {
  clock = new VirtualClock(0)
  upkeep = new Upkeep(clock, createLogger('silent'))
})

test('each job runs every so often, counted from its end, and one at a time', async () => {
  const seen: string[] = []
  const job = (name: string, everyMs: number, takesMs: number) => ({
    name,
    everyMs,
    run: async () => {
      seen.push(`${clock.now()} ${name} begins`)
      await sleep(clock, takesMs)
      seen.push(`${clock.now()} ${name} ends`)
    },
  })
  upkeep.start([job('a', 100, 60), job('b', 120, 10)])
  await clock.advance(300)
  expect(seen).toEqual(['100 a begins', '160 a ends', '160 b begins', '170 b ends', '260 a begins'])
})

test('a job with more to do goes on at once, but lets others take their turns', async () => {
  const seen: string[] = []
  let left = 4
  const parts = async () => {
    await sleep(clock, 30)
    seen.push(`${clock.now()} part`)
    return --left > 0 ? MORE_TO_DO : undefined
  }
  const other = async () => seen.push(`${clock.now()} other`)
  upkeep.start([
    { name: 'parts', everyMs: 100, run: parts },
    { name: 'other', everyMs: 140, run: other },
  ])
  await clock.advance(250)
  expect(seen.map(line => line.split(' ')[1])).toEqual(['part', 'part', 'other', 'part', 'part'])
})

test('a job that fails is tried again at its next turn', async () => {
  let runs = 0
  const run = async (): Promise<void> => {
    if (++runs < 3) throw new Error('not yet')
  }
  upkeep.start([{ name: 'a', everyMs: 10, run }])
  await clock.advance(35)
  expect(runs).toBe(3)
})

test('stopping waits for the job in progress and lets no other begin', async () => {
  const seen: string[] = []
  const slow = async (): Promise<void> => {
    await sleep(clock, 50)
    seen.push('slow')
  }
  upkeep.start([
    { name: 'slow', everyMs: 10, run: slow },
    { name: 'next', everyMs: 20, run: async () => seen.push('next') },
  ])
  await clock.advance(30)
  await clock.until(upkeep.stop())
  await clock.advance(1000)
  expect([seen, clock.pending]).toEqual([['slow'], 0])
})
