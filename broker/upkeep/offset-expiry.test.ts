import { describe, expect, test } from '@jest/globals'
import { consumer, createTopic, startCluster, subscription, type TestBroker } from '../../testing/group-cluster.ts'
import { errorCode } from '../wire/errors.ts'
import { expireOffsets } from './offset-expiry.ts'

const DAY_MS = 86_400_000
const retentionMs = 7 * DAY_MS
const HOUR_MS = 3_600_000

async function startBroker() {
  const broker = await (await startCluster()).broker()
  await broker.clock.until(createTopic(broker.replica, 'u', 1))
  const { clock, replica, groups } = broker
  const expire = () => clock.until(expireOffsets({ replica, groups, now: clock.now(), retentionMs }))
  const commit = async (name: string, partition = 0) => {
    const topics = [{ name, partitions: [{ partition, offset: 5, leaderEpoch: -1, metadata: '' }] }]
    const outside = { generation: -1, memberId: '', groupInstanceId: null }
    expect(await clock.until(groups.commit({ groupId: 'g', ...outside, topics }))).toBe(errorCode.NONE)
  }
  return { ...broker, expire, commit }
}

function offsets({ replica }: TestBroker): string[] | undefined {
  const group = replica.state.groups.byId.get('g')
  if (group === undefined) return undefined
  return [...group.offsets].flatMap(([topic, partitions]) =>
    [...partitions.keys()].map(partition => `${topic}-${partition}`),
  )
}

async function join(broker: TestBroker, ...topics: string[]) {
  const protocols = [{ name: 'range', metadata: subscription(...topics) }]
  const member = consumer(broker.groups, 'a', { protocols, sessionTimeoutMs: 1_800_000 })
  await broker.clock.until(member.join())
  await broker.clock.until(member.sync([{ memberId: member.memberId, assignment: Buffer.alloc(0) }]))
  return member
}

/** Heartbeats meanwhile. */
async function stay(broker: TestBroker, member: Awaited<ReturnType<typeof join>>, ms: number) {
  for (let passed = 0; passed < ms; passed += HOUR_MS / 4) {
    await broker.clock.advance(HOUR_MS / 4)
    expect(member.heartbeat()).toBe(errorCode.NONE)
  }
}

describe('a group that never had members', () => {
  test('loses each offset by the time of its commit, and itself with the last', async () => {
    const broker = await startBroker()
    await broker.commit('t', 0)
    await broker.clock.advance(DAY_MS)
    await broker.commit('t', 1)
    await broker.clock.advance(retentionMs - DAY_MS - HOUR_MS)
    await broker.expire()
    expect(offsets(broker)).toEqual(['t-0', 't-1'])
    await broker.clock.advance(HOUR_MS)
    await broker.expire()
    expect(offsets(broker)).toEqual(['t-1'])
    await broker.clock.advance(DAY_MS)
    await broker.expire()
    expect(offsets(broker)).toBeUndefined()
  })
})

describe('a group whose members are gone', () => {
  test('keeps its offsets as long as it was empty for less than the retention, then loses all at once', async () => {
    const broker = await startBroker()
    await broker.commit('t', 0)
    const member = await join(broker, 't')
    await stay(broker, member, DAY_MS)
    await broker.clock.until(member.leave())
    await broker.clock.advance(retentionMs - HOUR_MS)
    await broker.commit('t', 1)
    await broker.expire()
    expect(offsets(broker)).toEqual(['t-0', 't-1'])
    await broker.clock.advance(HOUR_MS)
    await broker.expire()
    expect(offsets(broker)).toBeUndefined()
    expect(broker.groups.list()).toEqual([])
  })

  test('goes at once when it has no offsets', async () => {
    const broker = await startBroker()
    const member = await join(broker, 't')
    await broker.clock.until(member.leave())
    expect(offsets(broker)).toEqual([])
    await broker.expire()
    expect(offsets(broker)).toBeUndefined()
    expect((await join(broker, 't')).generation).toBe(1)
  })
})

describe('a stable group', () => {
  test('loses old offsets of topics that nobody is subscribed to any more', async () => {
    const broker = await startBroker()
    await broker.commit('t')
    await broker.commit('u')
    const member = await join(broker, 't')
    await stay(broker, member, retentionMs - HOUR_MS)
    await broker.expire()
    expect(offsets(broker)).toEqual(['t-0', 'u-0'])
    await stay(broker, member, HOUR_MS)
    await broker.expire()
    expect(offsets(broker)).toEqual(['t-0'])
    expect(member.heartbeat()).toBe(errorCode.NONE)
  })

  test('loses nothing while it rebalances', async () => {
    const broker = await startBroker()
    await broker.commit('u')
    const member = await join(broker, 't')
    await stay(broker, member, retentionMs)
    void consumer(broker.groups, 'b').join()
    await broker.expire()
    expect(offsets(broker)).toEqual(['u-0'])
  })
})

test('a commit on its way when the expiry decides is not lost', async () => {
  const broker = await startBroker()
  const member = await join(broker, 't')
  await broker.clock.until(member.leave())
  const outside = { generation: -1, memberId: '', groupInstanceId: null }
  const topics = [{ name: 't', partitions: [{ partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }] }]
  const committed = broker.groups.commit({ groupId: 'g', ...outside, topics })
  await broker.expire()
  expect(await committed).toBe(errorCode.NONE)
  expect(offsets(broker)).toEqual(['t-0'])
})

test('an id that was given to a joining client survives', async () => {
  const broker = await startBroker()
  const member = await join(broker, 't')
  await broker.clock.until(member.leave())
  const late = consumer(broker.groups, 'late', { needsMemberId: true })
  await broker.clock.until(late.join())
  await broker.expire()
  expect(await broker.clock.until(late.join())).toMatchObject({ errorCode: errorCode.NONE })
})
