/**
 * One simulated history: a cluster of one to four brokers, producers, consumers and committers, a storm of faults, then
 * calm; at the end everything is checked (history.ts), every object in the store is accounted for, and all brokers that
 * applied the same position have the same digest. The seed decides all of it, so a failing seed can be run again.
 */
import { sleep } from '../../broker/clock.ts'
import { objectKey, sessionFolders } from '../../broker/data/object-key.ts'
import { decodeSnapshot, encodeSnapshot } from '../../broker/state/snapshot.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { commit, consume, ensureTopic, produce, readWhole, type World } from './clients.ts'
import { SimulatedCluster } from './cluster.ts'
import { History, Violation } from './history.ts'
import { SeededRandom } from './random.ts'

export interface Summary {
  readonly acknowledged: number
  readonly reads: number
  readonly entries: number
  readonly kills: number
}

const STORM_MS = 12_000
const CALM_MS = 25_000
/** Long after everything should have ended. */
const STUCK_MS = 300_000
const PARTITIONS = 3
const NEAR_THE_WRAP = 2147483640

/** Rejects with a Violation, or with whatever else went wrong. */
export async function simulate(seed: number): Promise<Summary> {
  const random = new SeededRandom(seed)
  const clock = new VirtualClock()
  const cluster = new SimulatedCluster(clock, random.fork())
  const world: World = { clock, random: random.fork(), cluster, history: new History(), healed: false }
  const stuck = sleep(clock, STUCK_MS).then(() => {
    throw new Violation('nobody comes to an end: a producer, a consumer or a broker is stuck')
  })
  return clock.until(Promise.race([story(world, random), stuck]))
}

async function story(world: World, random: SeededRandom): Promise<Summary> {
  const { cluster, clock, history } = world
  await cluster.start(random.int(1, 4), random.chance(0.5))
  const topicId = await ensureTopic(world, 'lasting', PARTITIONS)
  const volatileId = await ensureTopic(world, 'volatile', 1)
  cluster.setStorm(true)
  const faults = causeFaults(world, random.fork())
  const producers = Array.from({ length: random.int(1, 4) }, (_, index) =>
    produce(world, {
      name: `p${index}`,
      idempotent: index % 3 !== 2,
      producerId: 1000 + index,
      topicId: index === 3 ? volatileId : topicId,
      partition: index === 3 ? 0 : random.int(0, PARTITIONS - 1),
      batches: random.int(5, 25),
      firstSequence: random.chance(0.3) ? NEAR_THE_WRAP : 0,
    }),
  )
  const work = Promise.all([
    ...producers,
    consume(world, { topicId, partitions: PARTITIONS, polls: random.int(20, 60) }),
    consume(world, { topicId: volatileId, partitions: 1, polls: 10 }),
    commit(world, 'g', 'lasting', random.int(5, 30)),
    trimAndRecreate(world, topicId, random.fork()),
  ])
  const kills = await faults
  cluster.setStorm(false)
  world.healed = true
  await work
  await sleep(clock, CALM_MS)
  await checkEnd(world, topicId)
  const { acknowledged, reads } = history
  return { acknowledged, reads, entries: cluster.ledger.position, kills }
}

async function causeFaults({ clock, cluster }: World, random: SeededRandom): Promise<number> {
  let kills = 0
  const end = clock.monotonic() + STORM_MS
  while (clock.monotonic() < end) {
    await sleep(clock, random.int(100, 3000))
    const broker = random.pick(cluster.brokers)
    const dice = random.next()
    if (dice < 0.35) {
      cluster.kill(broker)
      kills++
    } else if (dice < 0.6) cluster.stop(broker, random.int(500, 12_000))
    else if (dice < 0.8) cluster.cutOff(broker, random.int(500, 12_000))
    else if (dice < 0.85) cluster.loseSession(broker)
    else broker.clock.jumpWallClock(random.pick([-3_600_000, 3_600_000, 50]))
  }
  return kills
}

/** DeleteRecords on one partition, and a topic that is deleted and created again under the same name. */
async function trimAndRecreate(world: World, topicId: string, random: SeededRandom): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await sleep(world.clock, random.int(500, 4000))
    const { running } = world.cluster
    if (running.length === 0) continue
    const { core } = random.pick(running)
    const log = core.replica.state.catalog.partition(topicId, 0)
    if (log !== undefined && random.chance(0.5)) {
      const logStartOffset = random.int(0, log.nextOffset)
      const body = { partitions: [{ topicId, partition: 0, logStartOffset }] }
      void core.replica.submit({ type: 'trim', body }).catch(() => {})
    }
    const topic = core.replica.state.catalog.byName.get('volatile')
    if (topic !== undefined && random.chance(0.3)) {
      void core.replica.submit({ type: 'deleteTopic', body: { topicId: topic.id } }).catch(() => {})
    } else if (topic === undefined) await ensureTopic(world, 'volatile', 1)
  }
}

async function checkEnd(world: World, topicId: string): Promise<void> {
  const { cluster, history } = world
  if (cluster.running.length !== cluster.brokers.length) throw new Violation('a broker did not come back')
  await Promise.all(cluster.running.map(({ core }) => core.replica.barrier()))
  for (const { core } of cluster.running) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { start, values } = await readWhole(world, core, topicId, partition)
      history.checkPartition(topicId, partition, start, values)
    }
    const committed = core.replica.state.groups.byId.get('g')?.offsets.get('lasting')?.get(0)?.offset ?? -1
    history.fetchedCommit('g', committed)
  }
  checkMembers(world)
  checkDigests(world)
  await checkStore(world)
}

/** The members are the brokers, no more and no less, and none of them takes itself for cut off. */
function checkMembers({ cluster }: World): void {
  const epochs = cluster.running.map(({ core }) => core.replica.epoch).toSorted((a, b) => a - b)
  for (const { id, core } of cluster.running) {
    const known = [...core.replica.state.sessions.keys()].toSorted((a, b) => a - b)
    if (String(known) !== String(epochs))
      throw new Violation(`sessions ${known} are open, but ${epochs} are the brokers'`)
    if (core.replica.isCutOff) throw new Violation(`broker ${id} takes itself for cut off`)
  }
}

function checkDigests({ cluster }: World): void {
  const states = cluster.running.map(({ core }) => core.replica.state)
  const byPosition = new Map<number, number>()
  for (const { position, digest } of states) {
    if ((byPosition.get(position) ?? digest) !== digest)
      throw new Violation(`two states differ at position ${position}`)
    byPosition.set(position, digest)
  }
  const [state] = states
  if (state === undefined) return
  const encoded = encodeSnapshot(state)
  if (!encodeSnapshot(decodeSnapshot(encoded)).equals(encoded))
    throw new Violation('a snapshot does not survive a round')
}

/** What the state names is there, and what is there is named, or belongs to a session that still lives. */
async function checkStore({ cluster }: World): Promise<void> {
  const [first] = cluster.running
  if (first === undefined) return
  const { state } = first.core.replica
  const named = new Set([...state.objects.live.values()].map(object => objectKey('sim', object)))
  for (const { object } of state.objects.dead.values()) named.add(objectKey('sim', object))
  const living = [...state.sessions.keys()].flatMap(epoch => sessionFolders('sim', epoch))
  for await (const { key } of cluster.store.list('sim/')) {
    if (key === 'sim/cluster' || key.startsWith('sim/snapshot/') || named.delete(key)) continue
    if (!living.some(folder => key.startsWith(folder))) throw new Violation(`${key} is an orphan that nobody swept`)
  }
  const missing = [...named].filter(
    key => ![...state.objects.dead.values()].some(({ object }) => objectKey('sim', object) === key),
  )
  if (missing.length > 0) throw new Violation(`${missing[0]} is named by the state, but not in the store`)
}
