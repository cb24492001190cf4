import { expect, test } from '@jest/globals'
import { consumer, startCluster, subscription, type TestBroker } from '../../testing/group-cluster.ts'
import { noFaults } from '../ledger/memory.ts'
import { errorCode } from '../wire/errors.ts'
import type { JoinRequest } from './requests.ts'

const { NONE, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID } = errorCode

/** A stable group of static member `one`, which leads, and static member `two`; `back` is `one` without its memory. */
async function stableGroup(change: Partial<JoinRequest> = {}, faults = noFaults) {
  const broker = await (await startCluster()).broker({ faults })
  const { clock, groups } = broker
  const is = (groupInstanceId: string) => consumer(groups, groupInstanceId, { groupInstanceId, ...change })
  const [one, two, back] = [is('one'), is('two'), is('one')]
  await clock.until(Promise.all([one.join(), two.join()]))
  const assignments = [one, two].map(({ memberId }) => ({ memberId, assignment: Buffer.from(`for ${memberId}`) }))
  await clock.until(Promise.all([one.sync(assignments), two.sync()]))
  return { broker, clock, groups, one, two, back }
}

const state = ({ groups }: TestBroker) => groups.list()[0]?.state

test('a static member that comes back without its id goes on without a rebalance, under a new one', async () => {
  const { broker, clock, one, two, back } = await stableGroup()
  expect(one.memberId).toMatch(/^one-/)
  const joined = await clock.until(back.join())
  expect(back.memberId).not.toBe(one.memberId)
  // It is told that its former self leads, so it does not assign.
  expect(joined).toMatchObject({ errorCode: NONE, generation: 1, leader: one.memberId, members: [], protocol: 'range' })
  expect(await clock.until(back.sync())).toMatchObject({
    errorCode: NONE,
    assignment: Buffer.from(`for ${one.memberId}`),
  })
  expect([two.heartbeat(), back.heartbeat()]).toEqual([NONE, NONE])
  expect(state(broker)).toBe('Stable')
  const durable = broker.replica.state.groups.byId.get('g')
  expect(durable).toMatchObject({ generation: 1, leader: back.memberId })
  expect([...(durable?.members.keys() ?? [])].sort()).toEqual([back.memberId, two.memberId].sort())
})

test('a leader that comes back and knows KIP-814 is told that it leads but shall not assign', async () => {
  const { clock, two, back } = await stableGroup({ canSkipAssignment: true })
  const joined = await clock.until(back.join())
  expect(joined).toMatchObject({ leader: back.memberId, skipAssignment: true, generation: 1 })
  expect(joined.members.map(({ groupInstanceId }) => groupInstanceId).sort()).toEqual(['one', 'two'])
  two.memberId = ''
  expect(await clock.until(two.join())).toMatchObject({ leader: back.memberId, skipAssignment: false, members: [] })
})

test('the former self of a static member is fenced everywhere', async () => {
  const { clock, groups, one, back } = await stableGroup()
  await clock.until(back.join())
  expect(one.heartbeat()).toBe(FENCED_INSTANCE_ID)
  expect(await clock.until(one.commit(5))).toBe(FENCED_INSTANCE_ID)
  expect(await clock.until(one.sync())).toMatchObject({ errorCode: FENCED_INSTANCE_ID })
  expect(await clock.until(one.leave())).toEqual([FENCED_INSTANCE_ID])
  expect(await clock.until(one.join())).toMatchObject({ errorCode: FENCED_INSTANCE_ID })
  const unnamed = { memberId: one.memberId, groupInstanceId: null, generation: 1 }
  expect(groups.heartbeat('g', unnamed)).toBe(UNKNOWN_MEMBER_ID)
  expect(await clock.until(back.commit(5))).toBe(NONE)
})

test('what the former self waits for is answered when it is replaced', async () => {
  const { clock, one, two, back } = await stableGroup()
  const joining = one.join()
  const replaced = back.join()
  expect(await clock.until(joining)).toMatchObject({ errorCode: FENCED_INSTANCE_ID })
  void two.join()
  expect(await clock.until(replaced)).toMatchObject({ errorCode: NONE, generation: 2, leader: back.memberId })
})

test('replaced before the assignment is there, it makes all join again: the leader knows its old id', async () => {
  const { broker, clock, one, two } = await stableGroup()
  await clock.until(Promise.all([one.join(), two.join()]))
  const syncing = two.sync()
  const oldTwo = two.memberId
  two.memberId = ''
  const replaced = two.join()
  expect(await clock.until(syncing)).toMatchObject({ errorCode: FENCED_INSTANCE_ID })
  expect(state(broker)).toBe('PreparingRebalance')
  void one.join()
  expect(await clock.until(replaced)).toMatchObject({ errorCode: NONE, generation: 3 })
  expect(two.memberId).not.toBe(oldTwo)
})

test('coming back with protocols that change the choice begins a round', async () => {
  const protocols = ['range', 'sticky'].map(name => ({ name, metadata: subscription('t') }))
  const { broker, clock, two, back } = await stableGroup({ protocols })
  const joining = back.join({ protocols: protocols.slice(1) })
  expect(state(broker)).toBe('PreparingRebalance')
  void two.join()
  expect(await clock.until(joining)).toMatchObject({ generation: 2, protocol: 'sticky' })
})

test('a round that begins while the new id is stored takes the member along', async () => {
  const { broker, clock, groups, one, two, back } = await stableGroup({}, { ...noFaults, appendDelay: () => 100 })
  const replaced = back.join()
  const other = consumer(groups, 'other').join()
  await clock.advance(1000)
  expect(state(broker)).toBe('PreparingRebalance')
  void two.join()
  expect(await clock.until(replaced)).toMatchObject({ errorCode: NONE, generation: 2, leader: back.memberId })
  expect(await clock.until(other)).toMatchObject({ errorCode: NONE, generation: 2 })
  expect(one.heartbeat()).toBe(FENCED_INSTANCE_ID)
})

test('when the new id cannot be stored the old one stays', async () => {
  let refuses = false
  const { clock, one, back } = await stableGroup({}, { ...noFaults, refusesAppend: () => refuses })
  refuses = true
  expect(await clock.until(back.join())).toMatchObject({ errorCode: errorCode.COORDINATOR_NOT_AVAILABLE, memberId: '' })
  refuses = false
  expect(one.heartbeat()).toBe(NONE)
  expect(await clock.until(one.sync())).toMatchObject({ assignment: Buffer.from(`for ${one.memberId}`) })
  expect(await clock.until(back.join())).toMatchObject({ errorCode: NONE, generation: 1 })
})

test('a static member outlives a round that it misses, but not its session', async () => {
  const { clock, one, two, groups } = await stableGroup({ rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 60_000 })
  const other = consumer(groups, 'other', { rebalanceTimeoutMs: 20_000 })
  const joins = Promise.all([other.join(), one.join()])
  await clock.advance(20_000)
  const [, joined] = await joins
  const named = joined.members.map(({ groupInstanceId }) => groupInstanceId)
  expect(named).toEqual(['one', 'two', null])
  const assignments = [one, two, other].map(({ memberId }) => ({ memberId, assignment: Buffer.from(memberId) }))
  await clock.until(Promise.all([one.sync(assignments), other.sync()]))
  // It does not sync either, and that counts.
  await clock.advance(5000)
  other.heartbeat()
  await clock.advance(5000)
  other.heartbeat()
  await clock.advance(5000)
  other.heartbeat()
  await clock.advance(5001)
  expect(other.heartbeat()).toBe(REBALANCE_IN_PROGRESS)
  two.generation = joined.generation
  expect(two.heartbeat()).toBe(UNKNOWN_MEMBER_ID)
})

test('nobody of a group of static members came back: the round waits for them until their sessions end', async () => {
  const { broker, clock, two, groups } = await stableGroup({ rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 50_000 })
  const pending = consumer(groups, 'other', { needsMemberId: true, sessionTimeoutMs: 6000 })
  await clock.until(pending.join())
  await clock.until(groups.leave('g', [{ memberId: '', groupInstanceId: 'one', reason: null }]))
  expect(state(broker)).toBe('PreparingRebalance')
  await clock.advance(40_000)
  expect(state(broker)).toBe('PreparingRebalance')
  expect(two.heartbeat()).toBe(REBALANCE_IN_PROGRESS)
  await clock.advance(50_001)
  expect(state(broker)).toBe('Empty')
})

test('the one that came back has to sync in time when its former self did not', async () => {
  const { broker, clock, one, two } = await stableGroup({ rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 60_000 })
  await clock.until(Promise.all([one.join(), two.join()]))
  await clock.until(one.sync([{ memberId: one.memberId, assignment: Buffer.from('all') }]))
  two.memberId = ''
  expect(await clock.until(two.join())).toMatchObject({ errorCode: NONE, generation: 2 })
  await clock.advance(19_000)
  expect(state(broker)).toBe('Stable')
  await clock.advance(1000)
  expect(state(broker)).toBe('PreparingRebalance')
  expect(two.heartbeat()).toBe(UNKNOWN_MEMBER_ID)
})

test('of two that come back at once the last one stays', async () => {
  const { broker, clock, groups, back, two } = await stableGroup({}, { ...noFaults, appendDelay: () => 100 })
  const last = consumer(groups, 'one', { groupInstanceId: 'one' })
  const [first, second] = await clock.until(Promise.all([back.join(), last.join()]))
  expect(first).toMatchObject({ errorCode: FENCED_INSTANCE_ID })
  expect(second).toMatchObject({ errorCode: NONE, generation: 1 })
  const durable = [...(broker.replica.state.groups.byId.get('g')?.members.keys() ?? [])]
  expect(durable.sort()).toEqual([last.memberId, two.memberId].sort())
  expect([last.heartbeat(), back.heartbeat()]).toEqual([NONE, FENCED_INSTANCE_ID])
})

test('of two that come back at once while the ledger refuses neither spoils the group', async () => {
  let refuses = false
  const faults = { ...noFaults, appendDelay: () => 100, refusesAppend: () => refuses }
  const { clock, groups, back, two } = await stableGroup({}, faults)
  refuses = true
  const last = consumer(groups, 'one', { groupInstanceId: 'one' })
  const [first, second] = await clock.until(Promise.all([back.join(), last.join()]))
  expect([first.errorCode, second.errorCode]).toEqual([FENCED_INSTANCE_ID, errorCode.COORDINATOR_NOT_AVAILABLE])
  refuses = false
  expect([...(groups.live('g')?.members ?? [])].map(({ groupInstanceId }) => groupInstanceId).sort()).toEqual([
    'one',
    'two',
  ])
  last.memberId = ''
  expect(await clock.until(last.join())).toMatchObject({ errorCode: NONE, generation: 1 })
  expect([last.heartbeat(), two.heartbeat()]).toEqual([NONE, NONE])
})

test('a coordinator that takes the group up knows who leads', async () => {
  const cluster = await startCluster()
  const [old, current] = [await cluster.broker(), await cluster.broker()]
  const { clock } = cluster
  const change = { rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 60_000 }
  const is = (name: string) => consumer(old.groups, name, { groupInstanceId: name, ...change })
  const [one, two] = [is('one'), is('two')]
  await clock.until(Promise.all([one.join(), two.join()]))
  await clock.until(Promise.all([one.sync([]), two.sync()]))
  // The first member misses a round, so the second leads.
  void consumer(old.groups, 'three', change).join()
  const joined = two.join()
  await clock.advance(20_000)
  expect(await joined).toMatchObject({ leader: two.memberId, generation: 2 })
  await clock.until(two.sync([]))
  await clock.advance(10)
  const [first] = current.replica.state.groups.byId.get('g')?.members.keys() ?? []
  expect(first).toBe(one.memberId)
  const asked = await clock.until(current.groups.join('g', { ...one.joinAs, memberId: one.memberId }))
  expect(asked).toMatchObject({ errorCode: NONE, generation: 2, leader: two.memberId, members: [] })
})

test('an administrator removes a static member by its instance id alone', async () => {
  const { broker, clock, groups, one } = await stableGroup()
  const remove = (groupInstanceId: string) =>
    clock.until(groups.leave('g', [{ memberId: '', groupInstanceId, reason: 'removed' }]))
  expect(await remove('three')).toEqual([UNKNOWN_MEMBER_ID])
  expect(state(broker)).toBe('Stable')
  expect(await remove('one')).toEqual([NONE])
  expect(state(broker)).toBe('PreparingRebalance')
  expect(one.heartbeat()).toBe(UNKNOWN_MEMBER_ID)
})
