/**
 * Members that join, heartbeat, commit, leave, die and come back at random, against a coordinator whose broker restarts
 * and whose ledger is slow and sometimes refuses. Everything is decided by a seed; a failing seed fails again.
 */
import { expect, test } from '@jest/globals'
import { consumer, startCluster, type TestBroker, type TestConsumer } from '../../testing/group-cluster.ts'
import type { VirtualClock } from '../../testing/virtual-clock.ts'
import { errorCode } from '../wire/errors.ts'

const { NONE } = errorCode
const MEMBERS = 12
const SECONDS = 240

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Plan = ReadonlyMap<string, string>

/** What all members together saw; the invariants are about this. */
class Witness {
  /** By coordinator and generation: before its assignment is durable, a generation dies with its coordinator. */
  readonly leaders = new Map<string, string>()
  /** By generation: what its leaders wanted, one for each coordinator that began it. */
  readonly plans = new Map<number, Plan[]>()
  readonly received = new Map<number, { memberId: string; assignment: string }[]>()
  /** Highest generation that anybody was assigned to. */
  completed = 0
  commits = 0
  restarts = 0

  sawLeader(generation: number, leader: string): void {
    const key = `${this.restarts}/${generation}`
    const known = this.leaders.get(key)
    if (known !== undefined && known !== leader) throw new Error(`${known} and ${leader} lead generation ${key}`)
    this.leaders.set(key, leader)
  }

  plansOf(generation: number): Plan[] {
    const known = this.plans.get(generation) ?? []
    this.plans.set(generation, known)
    return known
  }

  assigned(generation: number, memberId: string, assignment: string): void {
    this.completed = Math.max(this.completed, generation)
    this.received.set(generation, [...(this.received.get(generation) ?? []), { memberId, assignment }])
  }

  committed(generation: number, completedBefore: number): void {
    this.commits++
    if (generation < completedBefore) throw new Error(`a commit of ${generation} was taken after ${completedBefore}`)
  }

  /** Everybody who was assigned to a generation got what one and the same plan has for it. */
  check(): void {
    for (const [generation, received] of this.received) this.checkPlan(generation, received)
  }

  checkPlan(generation: number, received: readonly { memberId: string; assignment: string }[]): void {
    const follows = (plan: Plan) =>
      received.every(({ memberId, assignment }) => (plan.get(memberId) ?? '') === assignment)
    const plans = this.plansOf(generation)
    if (!plans.some(follows))
      throw new Error(`generation ${generation}: ${JSON.stringify([received, plans.map(plan => [...plan])])}`)
  }
}

interface World {
  readonly random: () => number
  readonly clock: VirtualClock
  readonly witness: Witness
  broker: TestBroker
}

/** One client: joins and syncs until it is assigned to, then heartbeats and commits; leaves, dies and changes at random. */
async function live(world: World, name: string, isOver: () => boolean): Promise<void> {
  const { random, clock } = world
  while (!isOver()) {
    const client = consumer(world.broker.groups, name, {
      needsMemberId: random() < 0.5,
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 10_000,
    })
    while (!isOver() && (await participate(world, client))) await pause(clock, random() * 200)
    await pause(clock, random() * 8000)
  }
}

/** One try to get an assignment and to work with it; false when the client is gone. */
async function participate(world: World, client: TestConsumer): Promise<boolean> {
  const { random, witness, clock } = world
  const joined = await world.broker.groups.join(client.groupId, { ...client.joinAs, memberId: client.memberId })
  if (joined.errorCode === errorCode.MEMBER_ID_REQUIRED) client.memberId = joined.memberId
  if (joined.errorCode === errorCode.UNKNOWN_MEMBER_ID) client.memberId = ''
  if (joined.errorCode !== NONE) return random() > 0.05
  const { memberId, generation } = joined
  Object.assign(client, { memberId, generation })
  witness.sawLeader(generation, joined.leader)
  if (random() < 0.03) return false
  await pause(clock, random() * 300)
  const plan = new Map(joined.members.map(member => [member.memberId, `${generation}:${member.memberId}:${random()}`]))
  if (joined.leader === memberId) witness.plansOf(generation).push(plan)
  const assignments = [...plan].map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) }))
  const identity = { memberId, groupInstanceId: null, generation }
  const synced = await world.broker.groups.sync(client.groupId, {
    ...identity,
    protocolType: null,
    protocol: null,
    assignments,
  })
  if (synced.errorCode === errorCode.UNKNOWN_MEMBER_ID) client.memberId = ''
  if (synced.errorCode !== NONE) return true
  witness.assigned(generation, memberId, synced.assignment.toString())
  return work(world, client)
}

/** Until a heartbeat says to join again (true), or the client leaves or dies (false). */
async function work(world: World, client: TestConsumer): Promise<boolean> {
  const { random, witness, clock } = world
  const { generation, memberId } = client
  const identity = { memberId, groupInstanceId: null, generation }
  for (;;) {
    await pause(clock, random() * 3000)
    const fate = random()
    if (fate < 0.03) return false
    if (fate < 0.06) {
      await world.broker.groups.leave(client.groupId, [{ ...identity, reason: null }])
      return false
    }
    const topics = [{ name: 't', partitions: [{ partition: 0, offset: generation, leaderEpoch: -1, metadata: '' }] }]
    const completedBefore = witness.completed
    const code = await world.broker.groups.commit({ groupId: client.groupId, ...identity, topics })
    if (code === NONE) witness.committed(generation, completedBefore)
    // Every now and then a client is so slow that it commits long after it lost its place.
    if (random() < 0.05) await pause(clock, 15_000)
    const beat = world.broker.groups.heartbeat(client.groupId, identity)
    if (beat === errorCode.UNKNOWN_MEMBER_ID) client.memberId = ''
    if (beat !== NONE && random() < 0.8) return true
  }
}

function pause(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise(resolve => {
    clock.setTimeout(resolve, ms)
  })
}

async function run(seed: number): Promise<Witness> {
  const random = randomOf(seed)
  const cluster = await startCluster()
  const { clock } = cluster
  let isOver = false
  let isFaulty = false
  const faults = {
    appendDelay: () => random() * 40,
    acknowledgeDelay: () => random() * 40,
    deliveryDelay: () => random() * 40,
    refusesAppend: () => isFaulty && random() < 0.05,
  }
  const start = () => cluster.broker({ faults, settings: { maxSize: MEMBERS } })
  const world: World = { random, clock, witness: new Witness(), broker: await start() }
  isFaulty = true
  const lives = Array.from({ length: MEMBERS }, (_, index) => live(world, `m${index}`, () => isOver))
  for (let second = 0; second < SECONDS; second++) {
    await clock.advance(1000)
    const group = world.broker.groups.live('g')
    if (group?.state === 'Stable') checkStable(world, group)
    if (random() < 0.01) await restart(world, start)
  }
  isOver = true
  isFaulty = false
  await clock.advance(60_000)
  world.broker.groups.stop()
  await clock.until(Promise.all(lives))
  world.witness.check()
  return world.witness
}

/** What is in memory of a stable group is what is durable, and what the leader gave. */
function checkStable({ broker, witness }: World, group: NonNullable<ReturnType<TestBroker['groups']['live']>>): void {
  const durable = broker.replica.state.groups.byId.get('g')
  const generation = durable?.generation ?? -1
  const textOf = ({ memberId, assignment }: { memberId: string; assignment: Buffer }) => ({
    memberId,
    assignment: assignment.toString(),
  })
  const inMemory = [...group.members].map(textOf)
  expect(inMemory).toEqual([...(durable?.members.values() ?? [])].map(textOf))
  witness.checkPlan(generation, inMemory)
}

/** A new broker takes over; the old one is gone in the middle of whatever it did. */
async function restart(world: World, start: () => Promise<TestBroker>): Promise<void> {
  world.witness.restarts++
  const { replica, groups } = world.broker
  world.broker = await start()
  world.broker.groups.resume()
  groups.stop()
  await world.clock.until(replica.stop())
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`one leader and one assignment per generation, and no commit from the past (seed ${seed})`, async () => {
    const { leaders, received, commits } = await run(seed)
    // Otherwise the run would prove nothing.
    expect(leaders.size).toBeGreaterThan(10)
    expect(received.size).toBeGreaterThan(10)
    expect(commits).toBeGreaterThan(50)
  })
}
