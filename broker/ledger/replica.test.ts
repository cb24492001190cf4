import { beforeEach, describe, expect, test } from '@jest/globals'
import { topicIdOf } from '../../testing/state-story.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import type { Command } from '../state/commands.ts'
import { decodeSnapshot, encodeSnapshot } from '../state/snapshot.ts'
import { errorCode } from '../wire/errors.ts'
import type { Ledger } from './ledger.ts'
import { type LedgerFaults, MemoryLedger, noFaults } from './memory.ts'
import { Replica, type ReplicaOptions } from './replica.ts'

let clock: VirtualClock
let ledger: MemoryLedger
let lost: Error[]

beforeEach(() => {
  clock = new VirtualClock()
  ledger = new MemoryLedger()
  lost = []
})

async function start(faults: Partial<LedgerFaults> = {}, more: Partial<ReplicaOptions> = {}): Promise<Replica> {
  const options: ReplicaOptions = {
    ledger: ledger.connect(clock, { ...noFaults, ...faults }),
    clock,
    brokerId: undefined,
    describe: id => Buffer.from(`broker ${id}`),
    loadSnapshot: () => Promise.reject(new Error('there is no snapshot')),
    onLost: cause => lost.push(cause),
    ...more,
  }
  return clock.until(Replica.start(options))
}

const ids = (count: number): Command => ({ type: 'allocateProducerIds', body: { count } })
const topic = (number: number, pad = 0): Command => ({
  type: 'createTopic',
  body: {
    topicId: topicIdOf(number),
    name: `t${number}`,
    partitions: 1,
    replicationFactor: 1,
    configs: Array.from({ length: Math.ceil(pad / 30_000) }, (_, n) => ({ name: `${n}`, value: 'x'.repeat(30_000) })),
  },
})
const storageError = expect.objectContaining({ code: errorCode.KAFKA_STORAGE_ERROR })
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (cause: unknown) => cause,
  )

/** Counts the entries that come through it. */
function counting(inner: Ledger): { ledger: Ledger; sizes: number[] } {
  const sizes: number[] = []
  const append: Ledger['append'] = (epoch, number, payload) => {
    sizes.push(payload.length)
    return inner.append(epoch, number, payload)
  }
  const counted: Ledger = {
    checkpoint: () => inner.checkpoint(),
    follow: (from, follower) => inner.follow(from, follower),
    openSession: (name, info) => inner.openSession(name, info),
    closeSession: epoch => inner.closeSession(epoch),
    append,
    barrier: () => inner.barrier(),
    moveCheckpoint: (from, to) => inner.moveCheckpoint(from, to),
    publishProgress: (epoch, progress) => inner.publishProgress(epoch, progress),
    progress: () => inner.progress(),
    isCutOff: false,
    close: () => inner.close(),
  }
  return { ledger: counted, sizes }
}

describe('commands', () => {
  test('are refused, and the replica is lost, when the ledger took an entry and never tells of it', async () => {
    const inner = ledger.connect(clock)
    const { ledger: silent } = counting(inner)
    let isSilent = false
    silent.follow = (from, follower) =>
      inner.follow(from, { ...follower, onEvent: event => (isSilent ? undefined : follower.onEvent(event)) })
    const replica = await start({}, { ledger: silent })
    isSilent = true
    const first = outcome(replica.submit(ids(1)))
    await clock.advance(61_000)
    expect(lost).toEqual([])
    const second = outcome(replica.submit(ids(1)))
    expect(await clock.until(Promise.all([first, second]))).toEqual([storageError, storageError])
    expect(lost).toHaveLength(1)
  })

  test('get their own outcome, in order of submission, sharing entries while one is on the way', async () => {
    const { ledger: counted, sizes } = counting(ledger.connect(clock, { ...noFaults, appendDelay: () => 20 }))
    const replica = await start({}, { ledger: counted })
    const outcomes = await clock.until(Promise.all([1, 2, 3, 4].map(count => replica.submit(ids(count)))))
    expect(outcomes.map(({ firstProducerId }) => firstProducerId)).toEqual([0, 1, 3, 6])
    expect(sizes).toHaveLength(2)
  })

  test('of several brokers get outcomes from one order', async () => {
    const replicas = [await start(), await start({ deliveryDelay: () => 70 }), await start({ appendDelay: () => 15 })]
    const all = await clock.until(Promise.all(replicas.flatMap(replica => [1, 2, 3].map(() => replica.submit(ids(1))))))
    expect(all.map(({ firstProducerId }) => firstProducerId).toSorted((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8,
    ])
    await clock.advance(200)
    expect(new Set(replicas.map(({ state }) => state.digest)).size).toBe(1)
  })

  test('resolve only when the entry came back, however early its append was acknowledged', async () => {
    const replica = await start({ deliveryDelay: () => 500 })
    let done = false
    void replica.submit(ids(1)).then(() => (done = true))
    await clock.advance(499)
    expect([done, replica.state.nextProducerId]).toEqual([false, 0])
    await clock.advance(2)
    expect([done, replica.state.nextProducerId]).toEqual([true, 1])
  })

  test('split into entries of bounded size; a larger one goes alone', async () => {
    const { ledger: counted, sizes } = counting(ledger.connect(clock))
    const replica = await start({}, { ledger: counted })
    const pads = [0, 300_000, 300_000, 300_000, 900_000, 0]
    await clock.until(Promise.all(pads.map((pad, index) => replica.submit(topic(index, pad)))))
    expect(sizes.map(size => Math.round(size / 100_000))).toEqual([0, 3, 3, 3, 9, 0])
    expect(replica.state.catalog.byId.size).toBe(6)
  })

  test('refused by the ledger are refused to the caller; later ones go through under the same number', async () => {
    let refuse = false
    const replica = await start({ refusesAppend: () => refuse })
    refuse = true
    expect(await clock.until(outcome(replica.submit(ids(1))))).toEqual(storageError)
    refuse = false
    expect(await clock.until(outcome(replica.submit(ids(1))))).toBe('done')
    expect([replica.state.nextProducerId, lost]).toEqual([1, []])
  })
})

describe('a replica is lost', () => {
  test('when its session ends: commands in progress and later ones are refused, and the owner is told once', async () => {
    const replica = await start({ appendDelay: () => 50 })
    const inFlight = outcome(replica.submit(ids(1)))
    const queued = outcome(replica.submit(ids(1)))
    ledger.expireSession(replica.epoch)
    expect(await clock.until(Promise.all([inFlight, queued]))).toEqual([storageError, storageError])
    expect(await outcome(replica.submit(ids(1)))).toEqual(storageError)
    await clock.advance(1000)
    expect([lost.length, replica.state.nextProducerId]).toEqual([1, 0])
    expect(await clock.until(outcome(replica.barrier()))).toEqual(storageError)
  })

  test('when an append fails in a way that leaves its fate open', async () => {
    const inner = ledger.connect(clock)
    const failing = { ...counting(inner).ledger, append: () => Promise.reject(new Error('the disk is gone')) }
    const replica = await start({}, { ledger: failing })
    expect(await clock.until(outcome(replica.submit(ids(1))))).toEqual(storageError)
    expect(lost.map(({ message }) => message)).toEqual(['the disk is gone'])
  })

  test('when entries are missing, so that it never acts on a state with a gap', async () => {
    const replica = await start()
    const other = ledger.openSession('a', Buffer.alloc(0))
    ledger.append(other, 2, Buffer.alloc(0))
    await clock.advance(10)
    expect(lost.map(({ name }) => name)).toEqual(['LedgerGap'])
    expect(await clock.until(outcome(replica.submit(ids(1))))).toEqual(storageError)
  })
})

describe('barrier', () => {
  test('waits until everything acknowledged before it is applied here', async () => {
    const [writer, reader] = [await start(), await start({ deliveryDelay: () => 300 })]
    await clock.until(writer.submit(ids(5)))
    expect(reader.state.nextProducerId).toBe(0)
    await clock.until(reader.barrier())
    expect(reader.state.nextProducerId).toBe(5)
  })

  test('is shared, but never with one that began before the call', async () => {
    let barriers = 0
    const inner = ledger.connect(clock, { ...noFaults, acknowledgeDelay: () => 20 })
    const barrier = (): Promise<number> => {
      barriers++
      return inner.barrier()
    }
    const replica = await start({}, { ledger: { ...counting(inner).ledger, barrier } })
    const first = replica.barrier()
    const later = [replica.barrier(), replica.barrier(), replica.barrier()]
    await clock.until(Promise.all([first, ...later]))
    expect(barriers).toBe(2)
  })
})

describe('start and stop', () => {
  test('begins with the snapshot and reads only the tail', async () => {
    const writer = await start()
    await clock.until(writer.submit(ids(5)))
    const bytes = encodeSnapshot(writer.state)
    ledger.moveCheckpoint(null, { position: writer.state.position, snapshot: 'key' })
    await clock.until(writer.submit(ids(2)))
    const asked: string[] = []
    const loadSnapshot = async (key: string) => {
      asked.push(key)
      return decodeSnapshot(bytes)
    }
    const replica = await start({}, { loadSnapshot })
    expect([asked, replica.state.nextProducerId]).toEqual([['key'], 7])
  })

  test('does not begin without the snapshot that it needs', async () => {
    ledger.openSession('a', Buffer.alloc(0))
    ledger.moveCheckpoint(null, { position: 1, snapshot: 'key' })
    await expect(start()).rejects.toThrow('there is no snapshot')
  })

  test('stopping closes the session, refuses what waits, and is no loss', async () => {
    const [replica, other] = [await start({ appendDelay: () => 50 }), await start()]
    const waiting = outcome(replica.submit(ids(1)))
    await clock.until(replica.stop())
    expect(await clock.until(waiting)).toEqual(storageError)
    await clock.advance(100)
    expect([...other.state.sessions.keys()]).toEqual([other.epoch])
    expect(lost).toEqual([])
  })

  test('writers hear of their own outcome before anybody is told of the change', async () => {
    const replica = await start()
    const seen: string[] = []
    replica.onApplied(() => seen.push('applied'))
    void replica.submit(ids(1)).then(() => seen.push('outcome'))
    await clock.advance(20)
    expect(seen).toEqual(['applied', 'outcome'])
  })
})
