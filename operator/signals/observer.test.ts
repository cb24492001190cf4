// On a virtual clock, with brokers and groups that are only words.

import { beforeEach, describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import type { LagPage } from './lag-reader.ts'
import { type BrokerPod, type Observed, Observer } from './observer.ts'
import type { ScrapeAddress } from './scrape.ts'

interface FakeBroker {
  active: number
  idle: number
  refused: number
  /** It does not answer. */
  silent: boolean
}

let clock: VirtualClock
let brokers: FakeBroker[]
let page: LagPage | undefined
let observer: Observer

const text = ({ active, idle, refused }: FakeBroker): string => `kafscale_build_info{version="0.1.0"} 1
process_start_time_seconds 1
kafscale_event_loop_active_seconds_total ${active}
kafscale_event_loop_idle_seconds_total ${idle}
kafscale_s3_requests_total{status="200"} ${active}
kafscale_s3_requests_total{status="503"} ${refused}
`

async function scrape({ port }: ScrapeAddress, signal: AbortSignal): Promise<string> {
  const broker = brokers[port]
  if (broker !== undefined && !broker.silent) return text(broker)
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('too late')), { once: true })
  })
}

beforeEach(() => {
  clock = new VirtualClock()
  brokers = Array.from({ length: 3 }, () => ({ active: 0, idle: 0, refused: 0, silent: false }))
  page = { positions: [], isWhole: true }
  const readLag = async (): Promise<LagPage> => {
    if (page === undefined) throw new Error('no broker')
    return page
  }
  observer = new Observer({ clock, scrape, readLag })
})

const pods = (more: Partial<BrokerPod> = {}): BrokerPod[] =>
  brokers.map((_, port) => ({ name: `b${port}`, uid: `u${port}`, ready: true, address: { host: 'h', port }, ...more }))

const look = (more: Partial<Observed> = {}) =>
  clock.until(
    observer.observe(
      {
        key: 'shop/orders',
        current: 3,
        pods: pods(),
        cores: 1,
        bootstrap: { host: 'h', port: 0 },
        rollingOut: false,
        unschedulable: 0,
        ...more,
      },
      new AbortController().signal,
    ),
  )

async function work(share: number): Promise<void> {
  await clock.advance(15_000)
  for (const broker of brokers) {
    broker.active += 15 * share
    broker.idle += 15 * (1 - share)
  }
}

test('the first look knows no load, the second one does, and later ones are smoothed', async () => {
  expect((await look()).observation.brokers[0]).toEqual({ name: 'b0', ready: true })
  await work(0.8)
  const second = await look()
  expect(second.observation.brokers.map(({ eventLoop }) => eventLoop?.toFixed(2))).toEqual(['0.80', '0.80', '0.80'])
  expect(second.version).toBe('0.1.0')
  await work(0)
  await work(0)
  expect((await look()).observation.brokers[0]?.eventLoop).toBeCloseTo(0.4)
})

test('a broker that does not answer is missing, the others are not', async () => {
  await look()
  await work(0.5)
  const silent = brokers[1]
  if (silent !== undefined) silent.silent = true
  const { observation } = await look()
  expect(observation.brokers.map(({ eventLoop }) => eventLoop)).toEqual([0.5, undefined, 0.5])
})

test('pods that are not ready, or have no address yet, are not asked', async () => {
  const unready = { b1: { ready: false }, b2: { address: undefined } }
  const some = pods().map(pod => ({
    ...pod,
    ...new Map<string, Partial<BrokerPod>>(Object.entries(unready)).get(pod.name),
  }))
  await look({ pods: some })
  await work(0.5)
  const { observation } = await look({ pods: some })
  expect(observation.brokers.map(({ name, ready, eventLoop }) => [name, ready, eventLoop])).toEqual([
    ['b0', true, 0.5],
    ['b1', false, undefined],
    ['b2', true, undefined],
  ])
})

describe('lag', () => {
  test('that cannot be read is not known; without any ready broker it is not even asked for', async () => {
    page = undefined
    expect((await look()).observation.lag).toBeUndefined()
    page = { positions: [], isWhole: true }
    expect((await look({ pods: pods({ ready: false }) })).observation.lag).toBeUndefined()
    expect((await look()).observation.lag).toEqual([])
  })

  test('of which a part could not be read is marked', async () => {
    page = { positions: [], isWhole: false }
    expect((await look()).observation).toMatchObject({ lag: [], lagIsPartial: true })
  })
})

test('an S3 service that asks to slow down is seen', async () => {
  await look()
  await work(0.5)
  expect((await look()).observation.storageThrottled).toBe(false)
  await work(0.5)
  for (const broker of brokers) broker.refused += 5
  expect((await look()).observation.storageThrottled).toBe(true)
})

test('what went is forgotten', async () => {
  await look()
  await work(0.5)
  observer.keep(new Set())
  expect((await look()).observation.brokers[0]?.eventLoop).toBeUndefined()
})
