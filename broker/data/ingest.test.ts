import { beforeEach, describe, expect, test } from '@jest/globals'
import { DataPath, type DataPathOptions, incoming, recordsIn, startDataPath } from '../../testing/data-path.ts'
import { FaultyStore } from '../../testing/faulty-store.ts'
import { GatedStore } from '../../testing/gated-store.ts'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { noFaults } from '../ledger/memory.ts'
import { MemoryStore } from '../objects/memory.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'
import { objectKey, parseObjectKey } from './object-key.ts'
import { parseWalFooter } from './wal-object.ts'

/** What became of a promise so far. */
interface Watched {
  state: 'pending' | number | Error
}

let path: DataPath<GatedStore>
let log: PartitionLog

async function start(options: DataPathOptions = {}): Promise<void> {
  path = await DataPath.start(new GatedStore(), options)
  log = await path.createLog()
}

/** Appends a batch and watches what the producer is told: a base offset or an error. */
const send = (batch = incoming(['x']), to = log): Watched => {
  const watched: Watched = { state: 'pending' }
  path.ingest.append(to, batch).then(
    ({ errorCode: code, baseOffset }) => {
      watched.state = code === errorCode.NONE ? baseOffset : new KafkaError(code)
    },
    (cause: Error) => {
      watched.state = cause
    },
  )
  return watched
}
const settle = (): Promise<void> => path.clock.advance(20)
/** What was sent until now has come in. */
const turn = (): Promise<void> => path.clock.advance(0)
const states = (...all: Watched[]) => all.map(({ state }) => state)
const storageError = expect.objectContaining({ code: errorCode.KAFKA_STORAGE_ERROR })

beforeEach(() => start())

describe('acknowledgement', () => {
  test('comes after the object is stored, however long that takes', async () => {
    const sent = send()
    await path.clock.advance(600_000)
    expect([sent.state, log.nextOffset, path.store.puts.length]).toEqual(['pending', 0, 1])
    path.store.puts[0]?.finish()
    await settle()
    expect([sent.state, log.nextOffset]).toEqual([0, 1])
  })

  test('comes after the entry is in the ledger and has come back', async () => {
    await start({ faults: { ...noFaults, appendDelay: () => 5000, deliveryDelay: () => 3000 } })
    path.store.gated = false
    const sent = send()
    await path.clock.advance(7900)
    expect([path.store.bytes > 0, sent.state]).toEqual([true, 'pending'])
    await path.clock.advance(200)
    expect(sent.state).toBe(0)
  })

  test('is refused, retriable, when the ledger refuses the entry; the next one goes through', async () => {
    let refuse = false
    await start({ faults: { ...noFaults, refusesAppend: () => refuse } })
    path.store.gated = false
    refuse = true
    const lost = send()
    await settle()
    refuse = false
    const kept = send()
    await settle()
    expect(states(lost, kept)).toEqual([storageError, 0])
  })
})

describe('batches of an idempotent producer that is new', () => {
  const batch = (sequence: number): ReturnType<typeof incoming> =>
    incoming([`v${sequence}`], { producerId: 7, baseSequence: sequence })
  /** Each in a window of its own. */
  const sendEach = async (...sequences: number[]): Promise<Watched[]> => {
    const sent: Watched[] = []
    for (const sequence of sequences) {
      sent.push(send(batch(sequence)))
      await turn()
    }
    return sent
  }
  const values = async (): Promise<string[]> => (await path.read(log)).map(([, value]) => value)
  const inOrder = ['v0', 'v1', 'v2', 'v3']

  test('are refused with the first one that could not be stored, and keep their order when they come again', async () => {
    const [first, second, third] = await sendEach(0, 1, 2)
    path.store.puts[1]?.finish()
    path.store.puts[0]?.fail()
    await settle()
    path.store.puts[2]?.finish()
    await settle()
    const [tooEarly] = await sendEach(3)
    expect([first, second, third, tooEarly].map(watched => watched?.state)).toEqual(inOrder.map(() => storageError))
    path.store.gated = false
    const again = await sendEach(0, 1, 2, 3)
    await settle()
    expect([states(...again), await values()]).toEqual([[0, 1, 2, 3], inOrder])
  })

  test('are refused while their window waits for its turn', async () => {
    await start({ limits: { uploadSlots: 1 } })
    const [first] = await sendEach(0)
    const waiting = [...(await sendEach(1)), send(incoming(['w']))]
    path.store.puts[0]?.fail()
    path.store.gated = false
    await settle()
    const again = await sendEach(0, 1)
    await settle()
    expect(first?.state).toEqual(storageError)
    expect(states(...waiting)).toEqual([storageError, storageError])
    expect(states(...again)).toEqual([0, 1])
  })

  test('are refused after one for which there was no room', async () => {
    await start({ limits: { memoryBytes: 200 } })
    const big = send(incoming(['x'.repeat(120)]))
    await turn()
    const [first] = await sendEach(0)
    path.store.gated = false
    path.store.puts[0]?.finish()
    await settle()
    const [second] = await sendEach(1)
    await settle()
    expect([big.state, first?.state, second?.state]).toEqual([0, storageError, storageError])
    const again = [...(await sendEach(0)), ...(await sendEach(1))]
    await settle()
    expect(states(...again)).toEqual([1, 2])
  })

  test('are refused when the ledger refuses an entry and they wait for the next', async () => {
    let refusals = 0
    await start({ faults: { ...noFaults, appendDelay: () => 10, refusesAppend: () => refusals-- > 0 } })
    path.store.gated = false
    refusals = 1
    const sent = await sendEach(0, 1, 2)
    await settle()
    await settle()
    sent.push(...(await sendEach(0, 1, 2)))
    await path.clock.advance(100)
    const refused = sent.slice(0, 3).map(({ state }) => state)
    expect([refused, states(...sent.slice(3))]).toEqual([
      [storageError, storageError, storageError],
      [0, 1, 2],
    ])
  })
})

test('a window of very many small batches is sealed before its entry is too large for the ledger', async () => {
  const many = 20_000
  const batches = Array.from({ length: many }, (_, n) => send(incoming(['x'], { producerId: n, baseSequence: 0 })))
  path.store.gated = false
  await settle()
  for (const put of path.store.puts) put.finish()
  await path.clock.advance(1000)
  expect(batches.filter(({ state }) => typeof state === 'number')).toHaveLength(many)
  expect(path.store.puts.length).toBeGreaterThan(2)
})

describe('memory', () => {
  test('batches beyond the limit are refused, retriable, until earlier ones have left', async () => {
    await start({ limits: { memoryBytes: 300, uploadSlots: 1, windowBytes: 200 } })
    const sent = Array.from({ length: 10 }, () => send())
    await settle()
    const taken = sent.filter(({ state }) => state === 'pending').length
    expect(taken).toBeGreaterThan(1)
    expect(states(...sent.slice(taken))).toEqual(Array.from({ length: 10 - taken }, () => storageError))
    path.store.gated = false
    for (const put of path.store.puts) put.finish()
    await settle()
    expect(states(...sent.slice(0, taken))).toEqual(Array.from({ length: taken }, (_, n) => n))
    const later = send()
    await settle()
    expect(later.state).toBe(taken)
  })
})

describe('group commit', () => {
  test('the first batch goes at once, all that come meanwhile share the next object', async () => {
    await start({ limits: { uploadSlots: 1 } })
    const [other] = await path.createTopic(1)
    const first = send()
    await turn()
    const later = Array.from({ length: 10 }, (_, n) => send(incoming([`v${n}`]), n % 2 === 0 ? log : other))
    await settle()
    expect(path.store.puts).toHaveLength(1)
    path.store.puts[0]?.finish()
    await settle()
    expect([path.store.puts.length, first.state]).toEqual([2, 0])
    path.store.puts[1]?.finish()
    await settle()
    expect(states(...later)).toEqual([1, 0, 2, 1, 3, 2, 4, 3, 5, 4])
    expect(await path.read(log, 1)).toEqual([0, 2, 4, 6, 8].map((n, index) => [index + 1, `v${n}`]))
  })

  test('batches that come together go together, however many upload slots are free', async () => {
    await start({ limits: { uploadSlots: 4 } })
    const logs = await path.createTopic(12)
    path.store.gated = false
    const sent = logs.map(to => send(incoming(['v']), to))
    await settle()
    expect([path.store.puts.length, ...states(...sent)]).toEqual([1, ...logs.map(() => 0)])
  })

  test('bulk requests in quick succession share objects; who waits for each answer never waits for company', async () => {
    const megabyte = 1024 * 1024
    await start({ limits: { uploadSlots: 1, windowBytes: 8 * megabyte, memoryBytes: 128 * megabyte } })
    const bulk: Watched[] = []
    for (let n = 0; n < 100; n++) {
      bulk.push(send(incoming(['y'.repeat(180_000)])))
      await path.clock.advance(1)
      if (n < 5) continue
      // From now on an object takes no time.
      path.store.gated = false
      path.store.puts[0]?.finish()
    }
    await settle()
    expect(states(...bulk)).toEqual(bulk.map((_, n) => n))
    expect(path.store.puts.length).toBeLessThan(40)

    const puts = path.store.puts.length
    for (let n = 0; n < 10; n++) {
      send(incoming(['y'.repeat(400_000)]))
      await turn()
      // The first one still follows bulk traffic.
      if (n > 0) expect(path.store.puts.length).toBe(puts + n + 1)
      await settle()
    }
  })

  test('a window that is full goes although the budget is spent, and the budget pays for it later', async () => {
    await start({ limits: { putsPerSecond: 1, maxWaitMs: 60_000, windowBytes: 1000 } })
    path.store.gated = false
    for (let n = 0; n < 4; n++) send(incoming(['y'.repeat(2000)]))
    await settle()
    expect(path.store.puts).toHaveLength(4)
    send()
    await path.clock.advance(3500)
    expect(path.store.puts).toHaveLength(4)
    await path.clock.advance(1000)
    expect(path.store.puts).toHaveLength(5)
  })

  test.each([
    [2, 60_000, 10 * 2 + 2],
    [1, 250, 10 * 4 + 1],
    [0.5, 60_000, 5 + 1],
  ])('%d puts a second, or one each %d ms, are not exceeded', async (putsPerSecond, maxWaitMs, most) => {
    await start({ limits: { putsPerSecond, maxWaitMs, uploadSlots: 8 } })
    path.store.gated = false
    const sent: Watched[] = []
    for (let n = 0; n < 1000; n++) {
      sent.push(send())
      await path.clock.advance(10)
    }
    expect(path.store.puts.length).toBeLessThanOrEqual(most)
    expect(path.store.puts.length).toBeGreaterThanOrEqual(most - 4)
    await path.clock.until(path.ingest.drain())
    await settle()
    expect(states(...sent)).toEqual(sent.map((_, n) => n))
  })

  test('a batch that nobody follows does not wait longer than it may', async () => {
    await start({ limits: { putsPerSecond: 0.001, maxWaitMs: 250 } })
    path.store.gated = false
    const sent = send()
    await path.clock.advance(249)
    expect(path.store.puts).toHaveLength(0)
    await path.clock.advance(10)
    expect(sent.state).toBe(0)
  })
})

describe('order', () => {
  test('a window whose upload was faster waits for the one before it', async () => {
    const first = send(incoming(['a', 'b']))
    const second = send(incoming(['c']))
    await settle()
    path.store.puts[1]?.finish()
    await path.clock.advance(10_000)
    expect([states(first, second), log.nextOffset]).toEqual([['pending', 'pending'], 0])
    path.store.puts[0]?.finish()
    await settle()
    expect(states(first, second)).toEqual([0, 2])
    expect(await path.read(log)).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ])
  })

  test('batches of one partition in one window keep theirs', async () => {
    await start({ limits: { uploadSlots: 1 } })
    send()
    const sequences = [0, 1, 2, 3]
    const sent = sequences.map(n => send(incoming([`v${n}`], { producerId: 5, producerEpoch: 0, baseSequence: n })))
    await settle()
    for (const n of [0, 1]) {
      path.store.puts[n]?.finish()
      await settle()
    }
    expect(states(...sent)).toEqual([1, 2, 3, 4])
  })
})

describe('a failed put (fault 2: it was shared by three producers, who were told of success)', () => {
  test('rejects everybody in its window with a retriable error, and nobody else', async () => {
    await start({ limits: { uploadSlots: 2, putsPerSecond: 1, maxWaitMs: 10 } })
    send()
    await turn()
    const three = [send(incoming(['1'])), send(incoming(['2'])), send(incoming(['3']))]
    await path.clock.advance(15)
    const other = send(incoming(['4']))
    await turn()
    expect(path.store.puts).toHaveLength(2)
    path.store.puts[1]?.fail()
    await path.clock.advance(15)
    expect(states(...three)).toEqual([storageError, storageError, storageError])
    path.store.puts[2]?.finish()
    path.store.puts[0]?.finish()
    await settle()
    expect([other.state, log.nextOffset]).toEqual([1, 2])
    expect((await path.read(log)).map(([, value]) => value)).toEqual(['x', '4'])
  })

  test('does not hold up the windows behind it, nor let them pass those before it', async () => {
    const sent: Watched[] = []
    for (let n = 0; n < 3; n++) {
      sent.push(send())
      await turn()
    }
    await settle()
    path.store.puts[2]?.finish()
    path.store.puts[1]?.fail()
    await settle()
    expect(states(...sent)).toEqual(['pending', storageError, 'pending'])
    path.store.puts[0]?.finish()
    await settle()
    expect(states(...sent)).toEqual([0, storageError, 1])
  })

  test('uses up its number: what is sent again goes under another key', async () => {
    send()
    await settle()
    path.store.puts[0]?.fail()
    await settle()
    send()
    await settle()
    expect(path.store.puts.map(({ key }) => parseObjectKey('test', key)?.number)).toEqual([1, 2])
  })
})

describe('verdicts', () => {
  test('go to the batch that they are about, and the refused bytes between are not read', async () => {
    await start({ limits: { uploadSlots: 1 } })
    send()
    const producer = { producerId: 9, producerEpoch: 0 }
    const sent = [
      send(incoming(['a', 'b'], { ...producer, baseSequence: 0 })),
      send(incoming(['bad'], { ...producer, baseSequence: 7 })),
      send(incoming(['c'])),
      send(incoming(['d', 'e'])),
      send(incoming(['f'], { ...producer, baseSequence: 2 })),
    ]
    await settle()
    for (const n of [0, 1]) {
      path.store.puts[n]?.finish()
      await settle()
    }
    const outOfOrder = expect.objectContaining({ code: errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(states(...sent)).toEqual([1, outOfOrder, 3, 4, 6])
    const expected = ['x', 'a', 'b', 'c', 'd', 'e', 'f'].map((value, offset) => [offset, value])
    expect(await path.read(log)).toEqual(expected)
    expect(path.store.reads).toBe(0)
    // The bytes in the store say the same as those in the cache.
    const all = { log, offset: 0, maxBytes: 1e9, endOffset: Number.POSITIVE_INFINITY }
    const [stored] = await path.uncached().read([all], 1e9)
    expect(stored !== undefined && 'records' in stored ? recordsIn(stored.records) : []).toEqual(expected)
    expect(path.store.reads).toBeGreaterThan(0)
  })

  test('records of a topic that was deleted meanwhile are refused', async () => {
    const sent = send()
    await settle()
    await path.clock.until(path.replica.submit({ type: 'deleteTopic', body: { topicId: log.topicId } }))
    path.store.puts[0]?.finish()
    await settle()
    expect(sent.state).toMatchObject({ code: errorCode.UNKNOWN_TOPIC_OR_PARTITION })
  })

  test('lying record counts do not spoil the window for others, nor the offsets', async () => {
    await start({ limits: { uploadSlots: 1 } })
    send()
    const lie = { ...incoming(['x']), records: 2 ** 31 - 1 }
    const sent = [send(lie), send(lie), send(lie), send(lie)]
    await settle()
    for (const n of [0, 1]) {
      path.store.puts[n]?.finish()
      await settle()
    }
    const step = 2 ** 31 - 1
    expect(states(...sent)).toEqual([1, 1 + step, 1 + 2 * step, 1 + 3 * step])
    expect(log.nextOffset).toBe(1 + 4 * step)
    expect([...log.extents].reduce((sum, { count }) => sum + count, 0)).toBe(1 + 4 * step)
  })
})

describe('drain', () => {
  test('flushes what waits for company and resolves when all is settled', async () => {
    await start({ limits: { putsPerSecond: 0.001, maxWaitMs: 60_000 } })
    const sent = [send(), send()]
    let drained = false
    void path.ingest.drain().then(() => (drained = true))
    await settle()
    expect([drained, path.store.puts.length]).toEqual([false, 1])
    path.store.puts[0]?.finish()
    await settle()
    expect([drained, states(...sent)]).toEqual([true, [0, 1]])
  })

  test('resolves when the last upload fails, and when there is nothing to do', async () => {
    await path.clock.until(path.ingest.drain())
    const sent = send()
    const drained = path.ingest.drain()
    await settle()
    path.store.puts[0]?.fail()
    await path.clock.until(drained)
    expect(sent.state).toEqual(storageError)
  })

  test('leaves no timer behind', async () => {
    path.store.gated = false
    send()
    await path.clock.until(path.ingest.drain())
    await path.clock.advance(60_000)
    expect(path.clock.pending).toBe(0)
  })
})

test('a broker that lost its session tells all producers, those in progress included', async () => {
  const before = send()
  await settle()
  await path.clock.until(path.replica.stop())
  path.store.puts[0]?.finish()
  const after = send()
  await settle()
  path.store.puts[1]?.finish()
  await settle()
  expect(states(before, after)).toEqual([storageError, storageError])
})

test('the footer of an object tells what the ledger was told', async () => {
  const memory = await startDataPath()
  const target = await memory.createLog()
  await memory.append(target, 'a', 'b')
  const { epoch } = memory.replica
  const footer = parseWalFooter(await memory.store.get(objectKey('test', { kind: 'wal', epoch, number: 1 })))
  const [extent] = target.extents
  expect(footer).toMatchObject({ epoch, number: 1 })
  expect(footer.runs).toMatchObject([{ partition: 0, position: 0, length: extent?.length, records: 2, batches: 1 }])
})

test.each([1, 2, 3, 4])(
  'under faults: who was told an offset finds the record there, nobody else (seed %i)',
  async seed => {
    const random = new SeededRandom(seed)
    const clock = new VirtualClock()
    const faults = { delay: [1, 40], slow: 0.2, slowDelay: [100, 900], failBefore: 0.15, failAfter: 0.1 } as const
    const store = new FaultyStore(new MemoryStore(), clock, () => random.next(), faults)
    const limits = { uploadSlots: random.int(1, 4), windowBytes: random.pick([200, 5000]), putsPerSecond: 30 }
    const faulty = await DataPath.start(store, { clock, limits })
    const logs = await faulty.createTopic(3)
    const told: { log: PartitionLog; value: string; offset: number }[] = []
    let refused = 0
    for (let n = 0; n < 150; n++) {
      const target = random.pick(logs)
      void faulty.ingest.append(target, incoming([`v${n}`])).then(
        ({ baseOffset }) => told.push({ log: target, value: `v${n}`, offset: baseOffset }),
        () => refused++,
      )
      await clock.advance(random.int(0, 30))
    }
    await clock.until(faulty.ingest.drain())
    store.faults = { ...store.faults, failBefore: 0, failAfter: 0 }
    expect(told.length + refused).toBe(150)
    expect([told.length > 20, refused > 5]).toEqual([true, true])
    for (const target of logs) {
      const records = await faulty.read(target)
      const own = told.filter(one => one.log === target).sort((a, b) => a.offset - b.offset)
      expect(records).toEqual(own.map(({ value, offset }) => [offset, value]))
      expect(records.map(([offset]) => offset)).toEqual(records.map((_, index) => index))
      const order = records.map(([, value]) => Number(value.slice(1)))
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }
  },
)
