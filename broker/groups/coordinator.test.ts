import { describe, expect, test } from '@jest/globals'
import {
  consumer,
  createTopic,
  startCluster,
  subscription,
  type TestBroker,
  type TestConsumer,
} from '../../testing/group-cluster.ts'
import { noFaults } from '../ledger/memory.ts'
import { errorCode } from '../wire/errors.ts'
import { EMPTY } from './requests.ts'

/** Enough for every broker to see what was appended. */
const LEDGER_MS = 10
const { NONE, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, NOT_COORDINATOR } = errorCode

/** Joins and syncs all of them at one broker; each is assigned its own member id. */
async function stabilize({ clock }: TestBroker, ...members: TestConsumer[]): Promise<void> {
  await clock.until(Promise.all(members.map(member => member.join())))
  const assignments = members.map(({ memberId }) => ({ memberId, assignment: Buffer.from(memberId) }))
  const synced = await clock.until(Promise.all(members.map(member => member.sync(assignments))))
  expect(synced.map(({ assignment }) => assignment.toString())).toEqual(members.map(({ memberId }) => memberId))
}

/** The same client, talking to another broker. */
function movedTo({ groups }: TestBroker, member: TestConsumer): TestConsumer {
  const { memberId, generation, joinAs } = member
  return Object.assign(consumer(groups, joinAs.clientId, joinAs), { memberId, generation })
}

const committed = ({ replica }: TestBroker, partition = 0) =>
  replica.state.groups.byId.get('g')?.offsets.get('t')?.get(partition)?.offset

describe('after a restart', () => {
  async function restarted() {
    const cluster = await startCluster()
    const before = await cluster.broker()
    const members = [consumer(before.groups, 'a'), consumer(before.groups, 'b')] as const
    await stabilize(before, ...members)
    await cluster.clock.until(members[1].commit(42))
    before.groups.stop()
    await cluster.clock.until(before.replica.stop())
    const broker = await cluster.broker()
    broker.groups.resume()
    return { broker, clock: cluster.clock, members: members.map(member => movedTo(broker, member)) }
  }

  test('members go on in their generation, with their assignments and offsets', async () => {
    const { broker, clock, members } = await restarted()
    expect(members.map(member => member.heartbeat())).toEqual([NONE, NONE])
    for (const member of members) {
      expect(await clock.until(member.sync())).toMatchObject({ assignment: Buffer.from(member.memberId) })
      expect(await clock.until(member.commit(43))).toBe(NONE)
    }
    expect(broker.groups.list()).toEqual([{ groupId: 'g', protocolType: 'consumer', state: 'Stable' }])
    const [leader, follower] = members
    expect(await clock.until(follower?.join() ?? Promise.reject())).toMatchObject({ generation: 1, members: [] })
    void leader?.join()
    expect(follower?.heartbeat()).toBe(REBALANCE_IN_PROGRESS)
  })

  test('sessions begin anew, and those who do not come back are missed', async () => {
    const { broker, clock, members } = await restarted()
    await clock.advance(9999)
    expect(members[0]?.heartbeat()).toBe(NONE)
    await clock.advance(1)
    expect(members.map(member => member.heartbeat())).toEqual([REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID])
    await clock.advance(80_000)
    expect(broker.groups.list()).toMatchObject([{ state: 'Empty' }])
    expect(committed(broker)).toBe(42)
  })

  test('the next generation counts on', async () => {
    const { broker, clock } = await restarted()
    await clock.advance(20_000)
    const again = consumer(broker.groups, 'c')
    expect(await clock.until(again.join())).toMatchObject({ errorCode: NONE, generation: 3 })
  })
})

test('stopping answers whoever waits, and everything after', async () => {
  const broker = await (await startCluster()).broker()
  const { groups, clock } = broker
  const [a, b] = [consumer(groups, 'a'), consumer(groups, 'b')]
  await clock.until(Promise.all([a.join(), b.join()]))
  const [syncing, joining] = [b.sync(), groups.join('other', a.joinAs)]
  groups.stop()
  expect(await clock.until(syncing)).toMatchObject({ errorCode: NOT_COORDINATOR })
  expect(await clock.until(joining)).toMatchObject({ errorCode: NOT_COORDINATOR })
  expect(a.heartbeat()).toBe(NOT_COORDINATOR)
  expect(await clock.until(a.commit(1))).toBe(NOT_COORDINATOR)
  expect(await clock.until(a.join())).toMatchObject({ errorCode: NOT_COORDINATOR })
  expect(await clock.until(a.sync())).toMatchObject({ errorCode: NOT_COORDINATOR })
  expect(await clock.until(a.leave())).toBe(NOT_COORDINATOR)
  expect(await clock.until(groups.delete('g'))).toBe(NOT_COORDINATOR)
  expect(groups.offsetDeletion('g').errorCode).toBe(NOT_COORDINATOR)
  expect(clock.pending).toBe(0)
})

describe('two coordinators', () => {
  async function replaced() {
    const cluster = await startCluster()
    const [old, current] = [await cluster.broker(), await cluster.broker()]
    const a = consumer(old.groups, 'a')
    await stabilize(old, a)
    await cluster.clock.advance(LEDGER_MS)
    const b = consumer(current.groups, 'b')
    const again = movedTo(current, a)
    await stabilize(current, b, again)
    expect(b.generation).toBe(2)
    return { cluster, old, current, a, b, again }
  }

  test('the one that was replaced takes the group up anew from the state', async () => {
    const { old, a, again, cluster } = await replaced()
    expect(a.heartbeat()).toBe(ILLEGAL_GENERATION)
    expect(await cluster.clock.until(a.commit(7))).toBe(ILLEGAL_GENERATION)
    expect(movedTo(old, again).heartbeat()).toBe(NONE)
  })

  test('the one that was replaced without noticing changes nothing', async () => {
    const cluster = await startCluster()
    const old = await cluster.broker({ faults: { ...noFaults, deliveryDelay: () => 200 } })
    const current = await cluster.broker()
    const a = consumer(old.groups, 'a')
    await stabilize(old, a)
    const c = consumer(old.groups, 'c')
    const joins = Promise.all([c.join(), a.join()])
    await cluster.clock.until(joins)
    expect(a.generation).toBe(2)
    await stabilize(current, movedTo(current, Object.assign(a, { generation: 1 })))
    a.generation = 2
    const syncs = Promise.all([c.sync(), a.sync([{ memberId: a.memberId, assignment: Buffer.from('stale') }])])
    const answers = await cluster.clock.until(syncs)
    expect(answers.map(answer => answer.errorCode)).toEqual([NOT_COORDINATOR, NOT_COORDINATOR])
    await cluster.clock.advance(1000)
    for (const { replica } of [old, current]) {
      const group = replica.state.groups.byId.get('g')
      expect(group?.generation).toBe(2)
      expect([...(group?.members.values() ?? [])]).toMatchObject([{ assignment: Buffer.from(a.memberId) }])
    }
  })

  test('a commit that passed the old one in memory is judged by the ledger', async () => {
    const cluster = await startCluster()
    const old = await cluster.broker({ faults: { ...noFaults, deliveryDelay: () => 500 } })
    const current = await cluster.broker()
    const a = consumer(old.groups, 'a')
    await stabilize(old, a)
    await cluster.clock.advance(1000)
    const b = consumer(current.groups, 'b')
    await stabilize(current, b, movedTo(current, a))
    expect(await cluster.clock.until(a.commit(7))).toBe(ILLEGAL_GENERATION)
    expect(committed(current)).toBeUndefined()
  })

  test('sessions that end at the old one do not empty the group', async () => {
    const cluster = await startCluster()
    const [old, current] = [await cluster.broker(), await cluster.broker()]
    const a = consumer(old.groups, 'a')
    await stabilize(old, a)
    await cluster.clock.advance(LEDGER_MS)
    const members = [consumer(current.groups, 'b'), movedTo(current, a)] as const
    await stabilize(current, ...members)
    for (let passed = 0; passed < 20_000; passed += 5000) {
      await cluster.clock.advance(5000)
      expect(members.map(member => member.heartbeat())).toEqual([NONE, NONE])
    }
    expect(old.replica.state.groups.byId.get('g')).toMatchObject({ generation: 2 })
    expect(old.replica.state.groups.byId.get('g')?.members.size).toBe(2)
    // It has given up, without anybody asking it.
    expect(old.groups.list()).toEqual([{ groupId: 'g', protocolType: 'consumer', state: 'Stable' }])
  })
})

describe('commits', () => {
  async function stableGroup() {
    const broker = await (await startCluster()).broker()
    const a = consumer(broker.groups, 'a')
    await stabilize(broker, a)
    return { broker, clock: broker.clock, a }
  }

  test('of members in their generation are stored, and keep the session', async () => {
    const { broker, clock, a } = await stableGroup()
    await clock.advance(6000)
    expect(await clock.until(a.commit(10))).toBe(NONE)
    await clock.advance(6000)
    expect(a.heartbeat()).toBe(NONE)
    expect(committed(broker)).toBe(10)
  })

  test('of strangers, other generations and from outside are refused', async () => {
    const { broker, clock, a } = await stableGroup()
    a.generation = 0
    expect(await clock.until(a.commit(1))).toBe(ILLEGAL_GENERATION)
    a.generation = -1
    expect(await clock.until(a.commit(1))).toBe(ILLEGAL_GENERATION)
    a.memberId = ''
    expect(await clock.until(a.commit(1))).toBe(UNKNOWN_MEMBER_ID)
    a.memberId = 'stranger'
    expect(await clock.until(a.commit(1))).toBe(UNKNOWN_MEMBER_ID)
    expect(committed(broker)).toBeUndefined()
  })

  test('are taken while members join again, and not before the new assignment is there', async () => {
    const { broker, clock, a } = await stableGroup()
    const b = consumer(broker.groups, 'b')
    const joining = b.join()
    expect(await clock.until(a.commit(11))).toBe(NONE)
    await clock.until(Promise.all([a.join(), joining]))
    expect(await clock.until(a.commit(12))).toBe(REBALANCE_IN_PROGRESS)
    expect(await clock.until(b.commit(12))).toBe(REBALANCE_IN_PROGRESS)
    // The round is over before it had an assignment, so nobody owns anything in its generation.
    void consumer(broker.groups, 'c').join()
    expect(await clock.until(a.commit(12))).toBe(REBALANCE_IN_PROGRESS)
    expect(committed(broker)).toBe(11)
  })

  test('from outside are good for a group without members', async () => {
    const { broker, clock, a } = await stableGroup()
    await clock.until(a.leave())
    const outside = consumer(broker.groups, 'tool')
    expect(await clock.until(outside.commit(77))).toBe(NONE)
    expect(await clock.until(a.commit(78))).toBe(UNKNOWN_MEMBER_ID)
    expect(committed(broker)).toBe(77)
  })

  test('from outside wait until the last member is durably gone', async () => {
    const cluster = await startCluster()
    const broker = await cluster.broker({ faults: { ...noFaults, appendDelay: () => 100 } })
    const a = consumer(broker.groups, 'a')
    await stabilize(broker, a)
    const leaving = a.leave()
    expect(await cluster.clock.until(consumer(broker.groups, 'tool').commit(5))).toBe(NONE)
    expect(await leaving).toEqual([NONE])
  })

  test('from outside wait as well while that has to wait for its turn at the ledger', async () => {
    const cluster = await startCluster()
    const broker = await cluster.broker({ faults: { ...noFaults, appendDelay: () => 500 } })
    const a = consumer(broker.groups, 'a')
    await cluster.clock.until(a.join())
    const syncing = a.sync([{ memberId: a.memberId, assignment: EMPTY }])
    const leaving = a.leave()
    expect(broker.groups.list()).toMatchObject([{ state: 'Empty' }])
    expect(await cluster.clock.until(consumer(broker.groups, 'tool').commit(5))).toBe(NONE)
    expect(await cluster.clock.until(syncing)).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID })
    expect(await cluster.clock.until(leaving)).toEqual([NONE])
  })

  test('of a group that never was: from outside they make one, from members they are refused', async () => {
    const broker = await (await startCluster()).broker()
    const a = consumer(broker.groups, 'a')
    a.generation = 3
    expect(await broker.clock.until(a.commit(1))).toBe(errorCode.GROUP_ID_NOT_FOUND)
    expect(broker.groups.list()).toEqual([])
    a.generation = -1
    expect(await broker.clock.until(a.commit(1))).toBe(NONE)
    expect(broker.groups.list()).toEqual([{ groupId: 'g', protocolType: '', state: 'Empty' }])
    a.generation = 3
    expect(await broker.clock.until(a.commit(2))).toBe(UNKNOWN_MEMBER_ID)
  })

  test('that the ledger does not take are to be tried again', async () => {
    let refuses = false
    const broker = await (await startCluster()).broker({ faults: { ...noFaults, refusesAppend: () => refuses } })
    const a = consumer(broker.groups, 'a')
    await stabilize(broker, a)
    refuses = true
    expect(await broker.clock.until(a.commit(1))).toBe(errorCode.COORDINATOR_NOT_AVAILABLE)
    refuses = false
    expect(await broker.clock.until(a.commit(1))).toBe(NONE)
  })
})

describe('deleting a group', () => {
  test('is refused while it has members, and takes its offsets along', async () => {
    const broker = await (await startCluster()).broker()
    const { groups, clock, replica } = broker
    const a = consumer(groups, 'a')
    expect(await clock.until(groups.delete('g'))).toBe(errorCode.GROUP_ID_NOT_FOUND)
    const joining = a.join()
    expect(await clock.until(groups.delete('g'))).toBe(errorCode.NON_EMPTY_GROUP)
    await clock.until(joining)
    await clock.until(a.sync([{ memberId: a.memberId, assignment: EMPTY }]))
    await clock.until(a.commit(3))
    expect(await clock.until(groups.delete('g'))).toBe(errorCode.NON_EMPTY_GROUP)
    await clock.until(a.leave())
    expect(await clock.until(groups.delete('g'))).toBe(NONE)
    expect(replica.state.groups.byId.has('g')).toBe(false)
    expect(groups.list()).toEqual([])
    expect(await clock.until(groups.delete('g'))).toBe(errorCode.GROUP_ID_NOT_FOUND)
    await stabilize(broker, consumer(groups, 'b'))
  })

  test('works on a group that only waits for a member to come back with its id', async () => {
    const { groups, clock } = await (await startCluster()).broker()
    const a = consumer(groups, 'a', { needsMemberId: true })
    await clock.until(a.join())
    expect(await clock.until(groups.delete('g'))).toBe(NONE)
    expect(await clock.until(a.join())).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID })
    expect(clock.pending).toBe(0)
  })

  test('does not disturb who joins at the same moment', async () => {
    const broker = await (await startCluster()).broker()
    const { groups, clock } = broker
    const a = consumer(groups, 'a', { needsMemberId: true })
    await clock.until(consumer(groups, 'tool').commit(3))
    await clock.until(a.join())
    const deleted = groups.delete('g')
    const joined = a.join()
    expect(await clock.until(deleted)).toBe(NONE)
    expect(await clock.until(joined)).toMatchObject({ errorCode: NONE })
    const synced = a.sync([{ memberId: a.memberId, assignment: Buffer.from('all') }])
    expect(await clock.until(synced)).toMatchObject({ errorCode: NONE, assignment: Buffer.from('all') })
    expect(committed(broker)).toBeUndefined()
  })
})

describe('deleting offsets', () => {
  test('asks whom: nobody, a group without members, subscribers', async () => {
    const broker = await (await startCluster()).broker()
    const { groups, clock, replica } = broker
    await clock.until(createTopic(replica, 'u', 1))
    expect(groups.offsetDeletion('g').errorCode).toBe(errorCode.GROUP_ID_NOT_FOUND)
    await clock.until(consumer(groups, 'tool').commit(3))
    expect(groups.offsetDeletion('g').errorCode).toBe(NONE)
    expect(groups.offsetDeletion('g').isSubscribed('t')).toBe(false)
    await stabilize(broker, consumer(groups, 'a'))
    expect(groups.offsetDeletion('g').isSubscribed('t')).toBe(true)
    expect(groups.offsetDeletion('g').isSubscribed('u')).toBe(false)
  })

  test('counts every topic as subscribed while that is not known, and other kinds of groups refuse', async () => {
    const { groups, clock } = await (await startCluster()).broker()
    const protocols = [{ name: 'own', metadata: Buffer.from([9]) }]
    const joined = consumer(groups, 'a', { protocols }).join()
    expect(groups.offsetDeletion('g').isSubscribed('u')).toBe(true)
    await clock.until(joined)
    expect(groups.offsetDeletion('g').isSubscribed('u')).toBe(true)
    void groups.join('connect', { ...consumer(groups, 'b').joinAs, protocolType: 'connect' })
    expect(groups.offsetDeletion('connect').errorCode).toBe(errorCode.NON_EMPTY_GROUP)
  })
})

test('subscriptions are known from all members, in whatever version they wrote them', async () => {
  const broker = await (await startCluster()).broker()
  const future = subscription('u')
  future.writeInt16BE(9)
  const members = [
    consumer(broker.groups, 'a'),
    consumer(broker.groups, 'b', { protocols: [{ name: 'range', metadata: future }] }),
  ]
  await stabilize(broker, ...members)
  expect([...(broker.groups.live('g')?.subscribedTopics ?? [])]).toEqual(['t', 'u'])
})
