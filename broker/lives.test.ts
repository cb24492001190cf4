// A broker that loses its place in the cluster, on a virtual clock and a ledger in memory.

import { beforeEach, expect, test } from '@jest/globals'
import { FaultyStore } from '../testing/faulty-store.ts'
import { coreOptions, type Shared, sharedParts, startCore } from '../testing/memory-cluster.ts'
import type { Dispatcher } from './api/dispatcher.ts'
import type { Ledger } from './ledger/ledger.ts'
import { noFaults } from './ledger/memory.ts'
import { Lives } from './lives.ts'
import type { ObjectStore } from './objects/object-store.ts'
import { BrokerService } from './service.ts'
import { FEATURE_LEVEL } from './state/commands.ts'

let shared: Shared
let over: Error[]
let opened: Dispatcher[]
let suspended: number

class WatchedService extends BrokerService {
  override open(dispatcher: Dispatcher): void {
    opened.push(dispatcher)
    super.open(dispatcher)
  }

  override suspend(): void {
    suspended++
    super.suspend()
  }
}

beforeEach(() => {
  shared = sharedParts()
  over = []
  opened = []
  suspended = 0
})

const begin = (
  options: { mayBeginAnew?: boolean; ledger?: Ledger; store?: ObjectStore; featureLevel?: number } = {},
) => {
  const { mayBeginAnew = true, ledger = shared.ledger.connect(shared.clock) } = options
  const { store = shared.store, featureLevel = FEATURE_LEVEL } = options
  return shared.clock.until(
    Lives.begin({
      core: { ...coreOptions(5, shared, { featureLevel }), ledger, store },
      service: new WatchedService(shared.clock),
      onRequest: () => {},
      mayBeginAnew,
      onOver: cause => over.push(cause),
    }),
  )
}

test('a broker whose session ran out begins a new life under a new session, with the same id', async () => {
  const lives = await begin()
  const first = lives.core?.replica.epoch ?? 0
  shared.ledger.expireSession(first)
  await shared.clock.advance(2000)
  expect(lives.core?.replica.epoch).toBeGreaterThan(first)
  expect(lives.core?.replica.brokerId).toBe(5)
  expect([opened.length, suspended, over.length]).toEqual([2, 1, 0])
})

test('a life that is given up while its session is open ends it, so that nobody takes it for a broker', async () => {
  const lives = await begin()
  const { replica } = lives.core ?? {}
  replica?.distrust(new Error('events are gone'))
  await shared.clock.advance(2000)
  const state = lives.core?.replica.state
  expect([...(state?.sessions.keys() ?? [])]).toEqual([lives.core?.replica.epoch])
  expect([lives.core?.replica.brokerId, opened.length, over]).toEqual([5, 2, []])
})

test('a life that is lost before it has quite begun is followed by another one', async () => {
  const sessions: number[] = []
  const expireSecond = (epoch: number): void => {
    if (sessions.push(epoch) === 2) shared.clock.setTimeout(() => shared.ledger.expireSession(epoch), 20)
  }
  // A life asks the store once more between its session and its beginning.
  const store = new FaultyStore(shared.store, shared.clock, () => 0, { delay: [50, 50] })
  const lives = await begin({ ledger: shared.ledger.connect(shared.clock, noFaults, expireSecond), store })
  lives.core?.replica.distrust(new Error('events are gone'))
  await shared.clock.advance(5000)
  expect([sessions.length, lives.core?.replica.epoch, over]).toEqual([3, sessions[2], []])
})

test('what was written before is there in the next life', async () => {
  const lives = await begin()
  const body = { topicId: Buffer.alloc(16, 9).toString('base64url'), name: 'kept', partitions: 1, replicationFactor: 1 }
  const { replica } = lives.core ?? {}
  if (replica === undefined) throw new Error('the broker does not live')
  await shared.clock.until(replica.submit({ type: 'createTopic', body: { ...body, configs: [] } }))
  shared.ledger.expireSession(replica.epoch)
  await shared.clock.advance(2000)
  expect(lives.core?.replica.state.catalog.byName.has('kept')).toBe(true)
})

test('a ledger that does not outlive its broker ends it', async () => {
  const lives = await begin({ mayBeginAnew: false })
  shared.ledger.expireSession(lives.core?.replica.epoch ?? 0)
  await shared.clock.advance(2000)
  expect([lives.core, over.length, opened.length]).toEqual([undefined, 1, 1])
})

test('a broker that has become too old for its cluster is over', async () => {
  const lives = await begin()
  const old = lives.core?.replica.epoch ?? 0
  // Between two lives of the old broker the others finish their upgrade.
  const upgraded = await startCore(1, shared, [], FEATURE_LEVEL + 1)
  shared.ledger.expireSession(old)
  await shared.clock.until(
    upgraded.core.replica.submit({ type: 'raiseFeatureLevel', body: { level: FEATURE_LEVEL + 1 } }),
  )
  await shared.clock.advance(5000)
  expect(over.map(({ name }) => name)).toEqual(['TooNew'])
})

test('after the end no life begins', async () => {
  const lives = await begin()
  const core = await lives.end()
  shared.ledger.expireSession(core?.replica.epoch ?? 0)
  await shared.clock.advance(10_000)
  expect(opened.length).toBe(1)
})
