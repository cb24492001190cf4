import { describe, expect, test } from '@jest/globals'
import {
  consumer,
  startCluster,
  subscription,
  type TestBroker,
  type TestConsumer,
} from '../../testing/group-cluster.ts'
import { noFaults } from '../ledger/memory.ts'
import { errorCode } from '../wire/errors.ts'
import type { Joined, JoinRequest, Synced } from './requests.ts'

/** Enough for the ledger in memory to give back what was appended. */
const LEDGER_MS = 10
const { NONE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION } = errorCode

async function startBroker(...options: Parameters<Awaited<ReturnType<typeof startCluster>>['broker']>) {
  return (await startCluster()).broker(...options)
}

function state({ groups }: TestBroker): string | undefined {
  return groups.list().find(({ groupId }) => groupId === 'g')?.state
}

const assignmentOf = (memberId: string): Buffer => Buffer.from(`for ${memberId}`)

function assignments(...members: TestConsumer[]) {
  return members.map(({ memberId }) => ({ memberId, assignment: assignmentOf(memberId) }))
}

/** Joins and syncs all of them; the first leads when the group was empty. */
async function stabilize({ clock }: TestBroker, members: readonly TestConsumer[]): Promise<Synced[]> {
  await clock.until(Promise.all(members.map(member => member.join())))
  return clock.until(Promise.all(members.map(member => member.sync(assignments(...members)))))
}

async function stableGroup(names: readonly string[], change: Partial<JoinRequest> = {}) {
  const broker = await startBroker()
  const members = names.map(name => consumer(broker.groups, name, change))
  await stabilize(broker, members)
  expect(state(broker)).toBe('Stable')
  return { broker, members, clock: broker.clock }
}

/** Does a promise settle without any time passing? */
async function isSettled(broker: TestBroker, promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.then(() => {
    settled = true
  })
  await broker.clock.advance(0)
  return settled
}

describe('the first round', () => {
  test('waits the initial delay and then ends with one leader who knows everybody', async () => {
    const broker = await startBroker()
    const [a, b] = [consumer(broker.groups, 'a'), consumer(broker.groups, 'b')]
    expect(state(broker)).toBeUndefined()
    const joins = [a.join(), b.join()]
    expect(state(broker)).toBe('PreparingRebalance')
    await broker.clock.advance(2999)
    expect(state(broker)).toBe('PreparingRebalance')
    const [first, second] = await broker.clock.until(Promise.all(joins))
    expect(state(broker)).toBe('CompletingRebalance')
    const common = { errorCode: NONE, generation: 1, leader: a.memberId, protocol: 'range', protocolType: 'consumer' }
    const metadata = subscription('t')
    const members = [a, b].map(({ memberId }) => ({ memberId, groupInstanceId: null, metadata }))
    expect(first).toEqual({ ...common, memberId: a.memberId, skipAssignment: false, members })
    expect(second).toEqual({ ...common, memberId: b.memberId, skipAssignment: false, members: [] })
  })

  test('is prolonged as long as somebody comes, but not beyond the rebalance timeout', async () => {
    const broker = await startBroker()
    const joins: Promise<Joined>[] = []
    const join = (name: string) => joins.push(consumer(broker.groups, name, { rebalanceTimeoutMs: 10_000 }).join())
    join('a')
    for (const name of ['b', 'c', 'd']) {
      await broker.clock.advance(2500)
      join(name)
    }
    await broker.clock.advance(2000)
    join('e')
    await broker.clock.advance(499)
    expect(state(broker)).toBe('PreparingRebalance')
    await broker.clock.advance(1)
    expect(state(broker)).toBe('CompletingRebalance')
    const joined = await Promise.all(joins)
    expect(joined[0]?.members).toHaveLength(5)
  })

  test('ends at the first delay when nobody else comes', async () => {
    const broker = await startBroker()
    const joined = consumer(broker.groups, 'a').join()
    await broker.clock.advance(3000)
    expect(await isSettled(broker, joined)).toBe(true)
  })
})

describe('member ids', () => {
  test('are given first and needed to join, from the version that knows it', async () => {
    const broker = await startBroker()
    const a = consumer(broker.groups, 'client', { needsMemberId: true })
    const refused = await broker.clock.until(a.join())
    expect(refused).toMatchObject({ errorCode: errorCode.MEMBER_ID_REQUIRED, generation: -1 })
    expect(refused.memberId).toMatch(/^client-/)
    expect(await broker.clock.until(a.join())).toMatchObject({ errorCode: NONE, memberId: refused.memberId })
  })

  test('that are given and not used hold a round up until their session is over', async () => {
    const { broker, members, clock } = await stableGroup(['a'])
    const late = consumer(broker.groups, 'late', { needsMemberId: true })
    await clock.until(late.join())
    const again = members[0]?.join()
    await clock.advance(9999)
    expect(state(broker)).toBe('PreparingRebalance')
    await clock.advance(1)
    expect(await again).toMatchObject({ errorCode: NONE, generation: 2 })
    expect(await clock.until(late.join())).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID })
  })

  test('that nobody comes back with leave nothing behind', async () => {
    const broker = await startBroker()
    await broker.clock.until(consumer(broker.groups, 'a', { needsMemberId: true }).join())
    expect(state(broker)).toBe('Empty')
    await broker.clock.advance(10_000)
    expect(broker.groups.list()).toEqual([])
    expect(broker.clock.pending).toBe(0)
  })

  test('can be given back without disturbing the group', async () => {
    const { broker, clock } = await stableGroup(['a'])
    const late = consumer(broker.groups, 'late', { needsMemberId: true })
    await clock.until(late.join())
    expect(await clock.until(late.leave())).toEqual([NONE])
    expect(state(broker)).toBe('Stable')
  })

  test('of members that do not exist are refused', async () => {
    const broker = await startBroker()
    const a = consumer(broker.groups, 'a')
    a.memberId = 'invented'
    expect(await broker.clock.until(a.join())).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID, memberId: 'invented' })
    expect(broker.groups.list()).toEqual([])
  })
})

describe('the assignment', () => {
  test('goes out as the leader gave it, and empty to those that it forgot', async () => {
    const broker = await startBroker()
    const [a, b] = [consumer(broker.groups, 'a'), consumer(broker.groups, 'b')]
    await broker.clock.until(Promise.all([a.join(), b.join()]))
    const follower = b.sync()
    expect(await isSettled(broker, follower)).toBe(false)
    const leader = a.sync([{ memberId: a.memberId, assignment: Buffer.from('everything') }])
    expect(await broker.clock.until(leader)).toEqual({
      errorCode: NONE,
      protocolType: 'consumer',
      protocol: 'range',
      assignment: Buffer.from('everything'),
    })
    expect(await broker.clock.until(follower)).toMatchObject({ errorCode: NONE, assignment: Buffer.alloc(0) })
    expect(state(broker)).toBe('Stable')
  })

  test('is answered only when it is durable', async () => {
    const broker = await startBroker({ faults: { ...noFaults, appendDelay: () => 500 } })
    const a = consumer(broker.groups, 'a')
    await broker.clock.until(a.join())
    const synced = a.sync(assignments(a))
    await broker.clock.advance(499)
    expect(await isSettled(broker, synced)).toBe(false)
    expect(broker.replica.state.groups.byId.get('g')).toBeUndefined()
    expect(await broker.clock.until(synced)).toMatchObject({ errorCode: NONE })
    const durable = broker.replica.state.groups.byId.get('g')
    expect(durable).toMatchObject({ generation: 1, leader: a.memberId, protocol: 'range', protocolType: 'consumer' })
    expect([...(durable?.members.values() ?? [])]).toMatchObject([
      { memberId: a.memberId, clientId: 'a', clientHost: '/127.0.0.1', assignment: assignmentOf(a.memberId) },
    ])
  })

  test('that the ledger refuses makes everybody join again', async () => {
    let refuses = false
    const broker = await startBroker({ faults: { ...noFaults, refusesAppend: () => refuses } })
    const [a, b] = [consumer(broker.groups, 'a'), consumer(broker.groups, 'b')]
    await broker.clock.until(Promise.all([a.join(), b.join()]))
    refuses = true
    const syncs = await broker.clock.until(Promise.all([b.sync(), a.sync(assignments(a, b))]))
    expect(syncs.map(synced => synced.errorCode)).toEqual(Array(2).fill(errorCode.COORDINATOR_NOT_AVAILABLE))
    expect(state(broker)).toBe('PreparingRebalance')
    refuses = false
    for (const synced of await stabilize(broker, [a, b])) expect(synced.errorCode).toBe(NONE)
    expect(a.generation).toBe(2)
  })

  test('is told again to a member that asks again', async () => {
    const { members, clock } = await stableGroup(['a', 'b'])
    for (const member of members) {
      expect(await clock.until(member.sync())).toMatchObject({ assignment: assignmentOf(member.memberId) })
    }
  })

  test('is the first that the leader gave in a generation', async () => {
    const broker = await startBroker({ faults: { ...noFaults, appendDelay: () => 100 } })
    const a = consumer(broker.groups, 'a')
    await broker.clock.until(a.join())
    const first = a.sync([{ memberId: a.memberId, assignment: Buffer.from('first') }])
    const second = a.sync([{ memberId: a.memberId, assignment: Buffer.from('second') }])
    expect(await broker.clock.until(first)).toMatchObject({ errorCode: REBALANCE_IN_PROGRESS })
    expect(await broker.clock.until(second)).toMatchObject({ errorCode: NONE, assignment: Buffer.from('first') })
    expect([...(broker.groups.live('g')?.members ?? [])][0]?.assignment).toEqual(Buffer.from('first'))
  })

  test('is refused to strangers, other generations and other protocols', async () => {
    const { members, clock } = await stableGroup(['a'])
    const [a] = members
    const code = async (change: object) => (await clock.until(a?.sync([], change) ?? Promise.reject())).errorCode
    expect(await code({ memberId: 'stranger' })).toBe(UNKNOWN_MEMBER_ID)
    expect(await code({ generation: 2 })).toBe(ILLEGAL_GENERATION)
    expect(await code({ protocolType: 'connect', protocol: 'range' })).toBe(errorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await code({ protocolType: 'consumer', protocol: 'sticky' })).toBe(errorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await code({ protocolType: 'consumer', protocol: 'range' })).toBe(NONE)
  })
})

describe('another round begins', () => {
  test('when somebody joins; members learn it by their heartbeat', async () => {
    const { broker, members, clock } = await stableGroup(['a'])
    const [a] = members
    const b = consumer(broker.groups, 'b')
    const joins = [b.join()]
    expect(state(broker)).toBe('PreparingRebalance')
    expect(a?.heartbeat()).toBe(REBALANCE_IN_PROGRESS)
    joins.push(a?.join() ?? Promise.reject())
    expect(await clock.until(Promise.all(joins))).toMatchObject([{ generation: 2 }, { generation: 2 }])
    expect(a?.leader).toBe(a?.memberId)
  })

  test('when the leader joins again, whatever it says', async () => {
    const { broker, members, clock } = await stableGroup(['a', 'b'])
    const [a, b] = members
    const leader = a?.join()
    expect(state(broker)).toBe('PreparingRebalance')
    expect(await clock.until(Promise.all([leader, b?.join()]))).toMatchObject([{ generation: 2 }, { generation: 2 }])
  })

  test('when a follower says something new, but not when it says the same', async () => {
    const { broker, members, clock } = await stableGroup(['a', 'b'])
    const b = members[1]
    const same = await clock.until(b?.join() ?? Promise.reject())
    expect(same).toMatchObject({ errorCode: NONE, generation: 1, leader: members[0]?.memberId, members: [] })
    expect(state(broker)).toBe('Stable')
    void b?.join({ protocols: [{ name: 'range', metadata: subscription('t', 'u') }] })
    expect(state(broker)).toBe('PreparingRebalance')
  })

  test('when a member changes before the assignment is there; who waits for it is told', async () => {
    const broker = await startBroker()
    const [a, b] = [consumer(broker.groups, 'a'), consumer(broker.groups, 'b')]
    await broker.clock.until(Promise.all([a.join(), b.join()]))
    const again = await broker.clock.until(a.join())
    expect(again).toMatchObject({ errorCode: NONE, generation: 1, leader: a.memberId })
    expect(again.members).toHaveLength(2)
    const waiting = b.sync()
    void a.join({ protocols: [{ name: 'range', metadata: subscription('other') }] })
    expect(await broker.clock.until(waiting)).toMatchObject({ errorCode: REBALANCE_IN_PROGRESS })
    expect(state(broker)).toBe('PreparingRebalance')
  })

  test('when a member leaves', async () => {
    const { broker, members, clock } = await stableGroup(['a', 'b'])
    const [a, b] = members
    expect(await clock.until(a?.leave() ?? Promise.reject())).toEqual([NONE])
    expect(state(broker)).toBe('PreparingRebalance')
    const joined = await clock.until(b?.join() ?? Promise.reject())
    expect(joined).toMatchObject({ generation: 2, leader: b?.memberId })
    expect(joined.members).toHaveLength(1)
  })

  test('and an assignment that comes too late counts for nothing', async () => {
    const broker = await startBroker({ faults: { ...noFaults, appendDelay: () => 100 } })
    const [a, b] = [consumer(broker.groups, 'a'), consumer(broker.groups, 'b')]
    await broker.clock.until(a.join())
    const synced = a.sync(assignments(a))
    const joining = b.join()
    expect(await broker.clock.until(synced)).toMatchObject({ errorCode: REBALANCE_IN_PROGRESS })
    await broker.clock.advance(200)
    expect(state(broker)).toBe('PreparingRebalance')
    await broker.clock.until(Promise.all([a.join(), joining]))
    expect([a.generation, b.generation]).toEqual([2, 2])
    const [first] = await broker.clock.until(Promise.all([a.sync(assignments(a, b)), b.sync()]))
    expect(first).toMatchObject({ errorCode: NONE, assignment: assignmentOf(a.memberId) })
    expect(broker.replica.state.groups.byId.get('g')?.generation).toBe(2)
  })
})

test('an assignment that waits for its turn at the ledger is dropped when another round has begun', async () => {
  const faults = { ...noFaults, appendDelay: () => 500 }
  const broker = await startBroker({ faults, settings: { initialRebalanceDelayMs: 0 } })
  const { clock, groups } = broker
  const [a, b, c] = [consumer(groups, 'a'), consumer(groups, 'b'), consumer(groups, 'c')]
  await stabilize(broker, [a])
  const left = a.leave()
  const joined = b.join()
  await clock.advance(10)
  expect(await joined).toMatchObject({ generation: 3 })
  const synced = b.sync(assignments(b))
  const joining = c.join()
  expect(await clock.until(synced)).toMatchObject({ errorCode: REBALANCE_IN_PROGRESS })
  expect(await clock.until(left)).toEqual([NONE])
  await clock.advance(2000)
  const durable = broker.replica.state.groups.byId.get('g')
  expect([durable?.generation, durable?.members.size]).toEqual([2, 0])
  await clock.until(Promise.all([b.join(), joining]))
  expect(b.generation).toBe(4)
})

describe('time', () => {
  test('takes out whoever does not join again within the rebalance timeout, the leader as well', async () => {
    const { broker, members, clock } = await stableGroup(['a', 'b'], {
      rebalanceTimeoutMs: 20_000,
      sessionTimeoutMs: 60_000,
    })
    const [a, b] = members
    const c = consumer(broker.groups, 'c', { rebalanceTimeoutMs: 20_000 })
    const joins = Promise.all([c.join(), b?.join()])
    await clock.advance(19_999)
    expect(state(broker)).toBe('PreparingRebalance')
    await clock.advance(1)
    const [, joined] = await joins
    expect(joined).toMatchObject({ generation: 2, leader: b?.memberId })
    expect(joined?.members.map(({ memberId }) => memberId)).toEqual([b?.memberId, c.memberId])
    expect(a?.heartbeat()).toBe(UNKNOWN_MEMBER_ID)
  })

  test('ends the session of a member that is silent, and its heartbeats keep it', async () => {
    const { broker, members, clock } = await stableGroup(['a', 'b'])
    const [a, b] = members
    await clock.advance(6000)
    expect(b?.heartbeat()).toBe(NONE)
    await clock.advance(3999)
    expect(state(broker)).toBe('Stable')
    await clock.advance(1)
    expect(state(broker)).toBe('PreparingRebalance')
    expect([a?.heartbeat(), b?.heartbeat()]).toEqual([UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS])
  })

  test('makes a group empty whose last member is silent: next generation, nobody in it, nothing in memory', async () => {
    const { broker, clock } = await stableGroup(['a', 'b'])
    await clock.advance(10_000)
    expect(broker.groups.list()).toEqual([{ groupId: 'g', protocolType: 'consumer', state: 'Empty' }])
    await clock.advance(LEDGER_MS)
    const durable = broker.replica.state.groups.byId.get('g')
    expect(durable).toMatchObject({ generation: 2, leader: '', protocol: '', protocolType: 'consumer' })
    expect(durable?.members.size).toBe(0)
    expect(broker.groups.live('g')).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  test('does not run against members that wait', async () => {
    const { broker, members, clock } = await stableGroup(['a', 'b'], { rebalanceTimeoutMs: 60_000 })
    const [a, b] = members
    const c = consumer(broker.groups, 'c')
    const joins = Promise.all([c.join(), b?.join()])
    // The leader takes its time but heartbeats.
    for (let passed = 0; passed < 50_000; passed += 5000) {
      await clock.advance(5000)
      expect(a?.heartbeat()).toBe(REBALANCE_IN_PROGRESS)
    }
    const [, joined] = await clock.until(Promise.all([a?.join(), joins]))
    expect(joined).toMatchObject([{ generation: 2 }, { generation: 2 }])
    const waiting = b?.sync()
    for (let passed = 0; passed < 30_000; passed += 5000) {
      await clock.advance(5000)
      expect([a?.heartbeat(), c.heartbeat()]).toEqual([NONE, NONE])
    }
    await clock.until(a?.sync(assignments(...members)) ?? Promise.reject())
    expect(await waiting).toMatchObject({ errorCode: NONE })
    await clock.advance(9000)
    expect(b?.heartbeat()).toBe(NONE)
  })

  test('runs against new members whose first join waits longer than any client does', async () => {
    const { broker, members, clock } = await stableGroup(['a'], { rebalanceTimeoutMs: 400_000 })
    const joined = consumer(broker.groups, 'b').join()
    for (let passed = 0; passed < 300_000; passed += 5000) {
      await clock.advance(5000)
      members[0]?.heartbeat()
    }
    expect(await joined).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID })
  })

  test('takes out members that joined and never sync', async () => {
    const broker = await startBroker()
    const [a, b] = [consumer(broker.groups, 'a'), consumer(broker.groups, 'b')]
    await broker.clock.until(Promise.all([a.join(), b.join()]))
    await broker.clock.until(a.sync(assignments(a, b)))
    for (let passed = 0; passed < 55_000; passed += 5000) {
      await broker.clock.advance(5000)
      expect([a.heartbeat(), b.heartbeat()]).toEqual([NONE, NONE])
    }
    await broker.clock.advance(5000)
    expect([a.heartbeat(), b.heartbeat()]).toEqual([REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID])
  })

  test('takes out a leader that does not assign; the others are told to join again', async () => {
    const broker = await startBroker()
    const [a, b] = [consumer(broker.groups, 'a'), consumer(broker.groups, 'b')]
    await broker.clock.until(Promise.all([a.join(), b.join()]))
    const waiting = b.sync()
    await broker.clock.advance(10_000)
    expect(await waiting).toMatchObject({ errorCode: REBALANCE_IN_PROGRESS })
    expect(await broker.clock.until(b.join())).toMatchObject({ generation: 2, leader: b.memberId })
  })
})

describe('leaving', () => {
  test('empties the group durably before the last one is answered', async () => {
    const broker = await startBroker({ faults: { ...noFaults, appendDelay: () => 100 } })
    const a = consumer(broker.groups, 'a')
    await stabilize(broker, [a])
    expect(await broker.clock.until(a.leave())).toEqual([NONE])
    expect(broker.replica.state.groups.byId.get('g')).toMatchObject({ generation: 2, members: new Map() })
    await broker.clock.advance(0)
    expect(broker.groups.live('g')).toBeUndefined()
  })

  test('goes on trying to make the group empty while the ledger refuses', async () => {
    let refuses = false
    const broker = await startBroker({ faults: { ...noFaults, refusesAppend: () => refuses } })
    const a = consumer(broker.groups, 'a')
    await stabilize(broker, [a])
    refuses = true
    await broker.clock.until(a.leave())
    await broker.clock.advance(5000)
    expect(broker.replica.state.groups.byId.get('g')?.members.size).toBe(1)
    refuses = false
    await broker.clock.advance(1000 + LEDGER_MS)
    expect(broker.replica.state.groups.byId.get('g')?.members.size).toBe(0)
    expect(broker.groups.live('g')).toBeUndefined()
  })

  test('during a round lets it end without the one that left', async () => {
    const { broker, members, clock } = await stableGroup(['a', 'b'])
    const [a, b] = members
    const joined = a?.join()
    await clock.until(b?.leave() ?? Promise.reject())
    expect(await clock.until(joined ?? Promise.reject())).toMatchObject({ generation: 2 })
    expect(state(broker)).toBe('CompletingRebalance')
  })

  test('answers what the member still waits for', async () => {
    const broker = await startBroker()
    const [a, b] = [consumer(broker.groups, 'a'), consumer(broker.groups, 'b')]
    await broker.clock.until(Promise.all([a.join(), b.join()]))
    const syncing = b.sync()
    await broker.clock.until(b.leave())
    expect(await broker.clock.until(syncing)).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID })
    const joining = a.join()
    expect(await broker.clock.until(joining)).toMatchObject({ generation: 2 })
  })

  test('is refused to strangers one by one', async () => {
    const { broker, members, clock } = await stableGroup(['a', 'b'])
    const leaving = ['stranger', members[0]?.memberId ?? ''].map(memberId => ({
      memberId,
      groupInstanceId: null,
      reason: 'test',
    }))
    expect(await clock.until(broker.groups.leave('g', leaving))).toEqual([UNKNOWN_MEMBER_ID, NONE])
    expect(await clock.until(broker.groups.leave('nowhere', leaving))).toEqual([UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER_ID])
    expect(await clock.until(broker.groups.leave('', leaving))).toBe(errorCode.INVALID_GROUP_ID)
  })
})

describe('joining is refused', () => {
  const join = async (change: Partial<JoinRequest>, groupId = 'g') => {
    const broker = await startBroker()
    const joined = broker.groups.join(groupId, { ...consumer(broker.groups, 'a').joinAs, ...change })
    const code = (await broker.clock.until(joined)).errorCode
    if (code !== NONE) expect(broker.groups.list()).toEqual([])
    return code
  }

  test('without a group id', async () => {
    expect(await join({}, '')).toBe(errorCode.INVALID_GROUP_ID)
  })

  test('with a session timeout outside what the broker allows', async () => {
    expect(await join({ sessionTimeoutMs: 5999 })).toBe(errorCode.INVALID_SESSION_TIMEOUT)
    expect(await join({ sessionTimeoutMs: 6000 })).toBe(NONE)
    expect(await join({ sessionTimeoutMs: 1_800_001 })).toBe(errorCode.INVALID_SESSION_TIMEOUT)
  })

  test('without a protocol or a protocol type', async () => {
    expect(await join({ protocols: [] })).toBe(errorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await join({ protocolType: '' })).toBe(errorCode.INCONSISTENT_GROUP_PROTOCOL)
  })

  test('with no protocol that all others support, or another type', async () => {
    const { broker, clock } = await stableGroup(['a', 'b'])
    const code = async (change: Partial<JoinRequest>) =>
      (await clock.until(consumer(broker.groups, 'c', change).join())).errorCode
    const inconsistent = errorCode.INCONSISTENT_GROUP_PROTOCOL
    expect(await code({ protocols: [{ name: 'sticky', metadata: subscription('t') }] })).toBe(inconsistent)
    expect(await code({ protocolType: 'connect' })).toBe(inconsistent)
    expect(state(broker)).toBe('Stable')
  })

  test('when the group is as large as it may be', async () => {
    const broker = await startBroker({ settings: { maxSize: 2 } })
    const members = ['a', 'b'].map(name => consumer(broker.groups, name))
    const late = consumer(broker.groups, 'c')
    const joins = members.map(member => member.join())
    const full = { errorCode: errorCode.GROUP_MAX_SIZE_REACHED }
    expect(await broker.clock.until(late.join())).toMatchObject(full)
    await broker.clock.until(Promise.all(joins))
    expect(await broker.clock.until(late.join())).toMatchObject(full)
    await stabilize(broker, members)
    expect(await broker.clock.until(late.join())).toMatchObject(full)
    expect(state(broker)).toBe('Stable')
  })
})

test('the protocol is the one that most members want among those that all support', async () => {
  const broker = await startBroker()
  const wants = (...names: string[]) => ({ protocols: names.map(name => ({ name, metadata: Buffer.from(name) })) })
  const members = [
    consumer(broker.groups, 'a', wants('only-a', 'range', 'sticky')),
    consumer(broker.groups, 'b', wants('sticky', 'range')),
    consumer(broker.groups, 'c', wants('sticky', 'range', 'only-c')),
  ]
  const joined = await broker.clock.until(Promise.all(members.map(member => member.join())))
  expect(joined.map(({ protocol }) => protocol)).toEqual(['sticky', 'sticky', 'sticky'])
  expect(joined[0]?.members.map(({ metadata }) => metadata.toString())).toEqual(['sticky', 'sticky', 'sticky'])
})

test('a client that joins twice is answered twice', async () => {
  const { broker, members, clock } = await stableGroup(['a', 'b'])
  const [a, b] = members
  const first = a?.join()
  const second = a?.join()
  expect(await clock.until(first ?? Promise.reject())).toMatchObject({ errorCode: REBALANCE_IN_PROGRESS })
  void b?.join()
  expect(await clock.until(second ?? Promise.reject())).toMatchObject({ errorCode: NONE, generation: 2 })
  expect(state(broker)).toBe('CompletingRebalance')
})

test('heartbeats are refused to strangers and old generations', async () => {
  const { broker, members } = await stableGroup(['a'])
  const { memberId = '' } = members[0] ?? {}
  const heartbeat = (change: object, groupId = 'g') =>
    broker.groups.heartbeat(groupId, { memberId, groupInstanceId: null, generation: 1, ...change })
  expect(heartbeat({})).toBe(NONE)
  expect(heartbeat({ generation: 0 })).toBe(ILLEGAL_GENERATION)
  expect(heartbeat({ memberId: 'stranger' })).toBe(UNKNOWN_MEMBER_ID)
  expect(heartbeat({}, 'nowhere')).toBe(UNKNOWN_MEMBER_ID)
  expect(heartbeat({}, '')).toBe(errorCode.INVALID_GROUP_ID)
})
