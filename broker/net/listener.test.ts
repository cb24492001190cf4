// The network layer over real sockets, with a service whose answers the test gives by hand.

import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { createLogger } from '../observe/logger.ts'
import { Admission } from './admission.ts'
import { ByteBudget } from './byte-budget.ts'
import { type Connection, type ConnectionSettings, defaultConnectionSettings } from './connection.ts'
import { Listener } from './listener.ts'

const [produce, fetch, heartbeat] = [0, 1, 12]

/** A frame with its prefix: api key, version 0, correlation id, then padding up to `length` bytes after the prefix. */
const frame = (apiKey: number, correlation: number, length = 8): Buffer => {
  const bytes = Buffer.alloc(4 + length)
  bytes.writeInt32BE(length, 0)
  bytes.writeInt16BE(apiKey, 4)
  bytes.writeInt32BE(correlation, 8)
  return bytes
}

interface Asked {
  readonly correlation: number
  readonly length: number
  readonly connection: Connection<string>
  answer(...buffers: Buffer[]): void
  answerNothing(): void
  reject(): void
}

const correlationBytes = (correlation: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(correlation)
  return bytes
}

class Client {
  readonly socket: Socket
  /** Response bodies without their prefix. */
  readonly responses: Buffer[] = []
  ended = false
  closed = false
  #bytes = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', chunk => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      while (this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readInt32BE(0)) {
        const end = 4 + this.#bytes.readInt32BE(0)
        this.responses.push(this.#bytes.subarray(4, end))
        this.#bytes = this.#bytes.subarray(end)
      }
    })
    socket.on('error', () => {})
    socket.on('end', () => (this.ended = true))
    socket.on('close', () => (this.closed = true))
  }

  get answered(): number[] {
    return this.responses.map(response => response.readInt32BE(0))
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames))
  }
}

const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (const end = Date.now() + 4000; !condition(); ) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** Long enough for bytes on loopback to arrive and be handled; for what must not happen. */
const aMoment = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 40))

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const start = async (
  settings: Partial<ConnectionSettings> & { budget?: number; max?: number; perAddress?: number } = {},
) => {
  const asked: Asked[] = []
  const logged: string[] = []
  const clock = new VirtualClock()
  const budget = new ByteBudget(settings.budget ?? 1_000_000_000)
  const told: number[] = []
  const service = {
    sent: (response: readonly Buffer[]): void => void told.push(response[0]?.readInt32BE(0) ?? -1),
    handle: (frame: Buffer, connection: Connection<string>): Promise<readonly Buffer[] | null> =>
      new Promise((resolve, reject) => {
        const correlation = frame.readInt32BE(4)
        asked.push({
          correlation,
          length: frame.length,
          connection,
          answer: (...buffers) => resolve([correlationBytes(correlation), ...buffers]),
          answerNothing: () => resolve(null),
          reject: () => reject(new Error('rejected by the test')),
        })
      }),
  }
  const listener = await Listener.open(
    { name: 'PLAINTEXT', host: '127.0.0.1', port: 0 },
    {
      service,
      clock,
      budget,
      settings: { ...defaultConnectionSettings, ...settings },
      admission: new Admission({
        maxConnections: settings.max ?? 1000,
        maxConnectionsPerAddress: settings.perAddress ?? 1000,
      }),
      log: createLogger('info', { write: line => void logged.push(line) }),
      newContext: peer => `context of ${peer.id}`,
    },
  )
  const clients: Client[] = []
  const client = async (localAddress?: string): Promise<Client> => {
    const options = { host: '127.0.0.1', port: listener.port, allowHalfOpen: true }
    const socket = connect(localAddress === undefined ? options : { ...options, localAddress })
    const made = new Client(socket)
    clients.push(made)
    await until('a connection', () => !socket.connecting || made.closed)
    return made
  }
  closers.push(async () => {
    for (const { socket } of clients) socket.destroy()
    let drained = false
    void listener.drain(1000).then(() => (drained = true))
    await until('the drain', () => {
      for (const request of asked) request.answerNothing()
      return drained && budget.used === 0
    })
  })
  const correlations = (): number[] => asked.map(request => request.correlation)
  return { asked, told, correlations, logged, clock, budget, listener, client }
}

describe('frames', () => {
  test('arrive whole in whatever pieces they are sent', async () => {
    const { asked, client, correlations } = await start()
    const sender = await client()
    for (const byte of frame(produce, 1, 20)) {
      sender.socket.write(Buffer.of(byte))
      await new Promise(resolve => setImmediate(resolve))
    }
    const large = frame(produce, 2, 300_000)
    sender.socket.write(large.subarray(0, 100_000))
    await aMoment()
    expect(correlations()).toEqual([1])
    sender.send(large.subarray(100_000), ...Array.from({ length: 20 }, (_, i) => frame(produce, i + 3, 9 + i)))
    await until('all frames', () => asked.length === 22)
    expect(correlations()).toEqual(Array.from({ length: 22 }, (_, i) => i + 1))
    expect(asked.map(request => request.length).slice(0, 4)).toEqual([20, 300_000, 9, 10])
  })

  const nonsense: [string, Buffer][] = [
    ['2 GiB', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['one byte above the limit', Buffer.from([0, 0, 0x27, 0x11])],
    ['minus one', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['zero', Buffer.alloc(4)],
    ['seven', Buffer.from([0, 0, 0, 7])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a TLS hello', Buffer.from('16030100a1010000', 'hex')],
    ['garbage', Buffer.alloc(100_000, 0xa7)],
  ]
  for (const [name, bytes] of nonsense) {
    test(`of impossible length close the connection with a line in the log: ${name}`, async () => {
      const { asked, client, logged, budget } = await start({ maxRequestBytes: 10_000 })
      const [bad, good] = [await client(), await client()]
      bad.send(bytes)
      await until('the end', () => bad.ended || bad.closed)
      good.send(frame(heartbeat, 5, 10_000))
      await until('the other client', () => asked.length === 1)
      asked[0]?.answer()
      await until('its answer', () => good.responses.length === 1)
      expect(logged.filter(line => /"level":"info".*127\.0\.0\.1.*frame of/.test(line))).toHaveLength(1)
      expect(budget.used).toBe(0)
    })
  }

  test('before an impossible one are still answered', async () => {
    const { asked, client } = await start()
    const sender = await client()
    sender.send(frame(produce, 1), frame(produce, 2), Buffer.from([0xff, 0xff, 0xff, 0xff]))
    await until('both', () => asked.length === 2)
    for (const request of asked) request.answer()
    await until('the end', () => sender.ended)
    expect(sender.answered).toEqual([1, 2])
  })

  test('that do not arrive in time close the connection and give their bytes back', async () => {
    const { client, budget, clock, logged, listener } = await start()
    const silent = await client()
    silent.send(frame(produce, 1, 100_000_000).subarray(0, 100))
    const trickling = await client()
    trickling.send(Buffer.of(0, 0))
    await until('the announcement', () => budget.used === 100_000_000 && listener.connections === 2)
    await aMoment()
    await clock.advance(59_999)
    expect(listener.connections).toBe(2)
    await clock.advance(1)
    await until('the end', () => listener.connections === 0)
    expect([budget.used, logged.filter(line => line.includes('did not arrive completely in time')).length]).toEqual([
      0, 2,
    ])
  })

  test('that are announced and not sent cost no memory', async () => {
    const { client, budget } = await start()
    const before = process.memoryUsage().rss
    for (let i = 0; i < 8; i++) (await client()).send(frame(produce, 1, 100_000_000).subarray(0, 100))
    await until('the announcements', () => budget.used === 800_000_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })
})

describe('order', () => {
  test('Produce requests overlap and are answered in their order', async () => {
    const { asked, client, correlations } = await start()
    const sender = await client()
    sender.send(frame(produce, 1), frame(produce, 2), frame(produce, 3))
    await until('all to start', () => asked.length === 3)
    expect(correlations()).toEqual([1, 2, 3])
    asked[2]?.answer(Buffer.from('c'))
    asked[1]?.answer(Buffer.from('b'))
    await aMoment()
    expect(sender.answered).toEqual([])
    asked[0]?.answer(Buffer.from('a'))
    await until('the answers', () => sender.responses.length === 3)
    expect([sender.answered, sender.responses.map(response => String(response.subarray(4)))]).toEqual([
      [1, 2, 3],
      ['a', 'b', 'c'],
    ])
  })

  test('any other request starts when all before it are answered, and nothing starts before it is', async () => {
    const { asked, client, correlations } = await start()
    const sender = await client()
    sender.send(
      frame(produce, 1),
      frame(produce, 2),
      frame(fetch, 3),
      frame(heartbeat, 4),
      frame(produce, 5),
      frame(produce, 6),
    )
    await aMoment()
    expect(correlations()).toEqual([1, 2])
    asked[1]?.answer()
    await aMoment()
    expect(correlations()).toEqual([1, 2])
    asked[0]?.answer()
    await until('the third', () => asked.length === 3)
    await aMoment()
    expect(correlations()).toEqual([1, 2, 3])
    asked[2]?.answer()
    await until('the fourth', () => asked.length === 4)
    await aMoment()
    expect(correlations()).toEqual([1, 2, 3, 4])
    asked[3]?.answer()
    await until('the rest', () => asked.length === 6)
    asked[5]?.answer()
    asked[4]?.answer()
    await until('the answers', () => sender.responses.length === 6)
    expect(sender.answered).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('a request without an answer takes its turn and leaves no trace', async () => {
    const { asked, client } = await start()
    const sender = await client()
    sender.send(frame(produce, 1), frame(produce, 2), frame(heartbeat, 3))
    await until('both', () => asked.length === 2)
    asked[1]?.answer()
    asked[0]?.answerNothing()
    await until('the third', () => asked.length === 3)
    asked[2]?.answer()
    await until('the answers', () => sender.responses.length === 2)
    expect(sender.answered).toEqual([2, 3])
  })

  test('a rejected request closes the connection after the answers before it', async () => {
    const { asked, client, logged, budget } = await start()
    const sender = await client()
    sender.send(frame(produce, 1), frame(produce, 2), frame(produce, 3), frame(produce, 4))
    await until('all', () => asked.length === 4)
    asked[1]?.reject()
    asked[2]?.answer()
    await aMoment()
    expect(sender.ended).toBe(false)
    asked[0]?.answer()
    await until('the end', () => sender.ended)
    expect([sender.answered, logged.filter(line => line.includes('rejected by the test')).length]).toEqual([[1], 1])
    expect(budget.used).toBe(8)
    asked[3]?.answer()
    await until('its bytes', () => budget.used === 0)
  })

  test('no more requests are read than may be in progress', async () => {
    const { asked, client } = await start({ unansweredRequests: 4 })
    const sender = await client()
    sender.send(...Array.from({ length: 10 }, (_, i) => frame(produce, i)))
    await until('four', () => asked.length === 4)
    await aMoment()
    expect(asked).toHaveLength(4)
    for (let i = 0; i < 10; i++) {
      await until('the next', () => asked.length > i)
      asked[i]?.answer()
    }
    await until('the answers', () => sender.responses.length === 10)
    expect(sender.answered).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

describe('back-pressure', () => {
  test('requests outside the budget do not pile up behind a long poll', async () => {
    const { asked, client } = await start()
    const sender = await client()
    sender.send(frame(fetch, 0))
    await until('the long poll', () => asked.length === 1)
    const pile = Array.from({ length: 20 }, (_, i) => frame(heartbeat, i + 1, 1_000_000))
    sender.send(...pile)
    for (let seen = -1; seen !== sender.socket.bytesWritten - sender.socket.writableLength; await aMoment())
      seen = sender.socket.bytesWritten - sender.socket.writableLength
    expect(sender.socket.writableLength).toBeGreaterThan(8_000_000)
    for (let i = 0; i <= 20; i++) {
      await until('the next', () => asked.length > i)
      asked[i]?.answer()
    }
    await until('the answers', () => sender.responses.length === 21)
  })

  test('a client that does not read its answers is not served until it does', async () => {
    const { asked, client } = await start({ outgoingBytes: 1_000_000 })
    const slow = await client()
    slow.socket.pause()
    slow.send(...Array.from({ length: 60 }, (_, i) => frame(fetch, i)))
    const body = Buffer.alloc(1_000_000, 7)
    let served = 0
    for (let quiet = 0; quiet < 10; quiet++) {
      await aMoment()
      for (; served < asked.length; served++, quiet = 0) asked[served]?.answer(body.subarray(0, 10), body)
    }
    // Besides the limit, what the sockets of both sides hold.
    expect(served).toBeLessThan(25)
    slow.socket.resume()
    for (; served < 60; served++) {
      await until('the next request', () => asked.length > served)
      asked[served]?.answer(body.subarray(0, 10), body)
    }
    await until('the answers', () => slow.responses.length === 60)
    expect(slow.answered).toEqual(Array.from({ length: 60 }, (_, i) => i))
    expect(slow.responses.every(response => response.length === 1_000_014 && response[1_000_013] === 7)).toBe(true)
  })

  test('over the budget producers wait in turn, heartbeats do not', async () => {
    const { asked, client, correlations, budget } = await start({ budget: 1_000_000 })
    const [first, second, third, consumer] = [await client(), await client(), await client(), await client()]
    first.send(frame(produce, 1, 900_000))
    await until('the first', () => asked.length === 1)
    second.send(frame(produce, 2, 500_000))
    await until('the second to wait', () => budget.waiting === 1)
    third.send(frame(heartbeat, 30), frame(produce, 3, 400_000), frame(heartbeat, 31))
    consumer.send(frame(heartbeat, 4))
    await until('the heartbeats', () => asked.length === 3)
    for (const request of asked.slice(1)) request.answer()
    await until('their answers', () => consumer.responses.length + third.responses.length === 2)
    expect([correlations().toSorted((a, b) => a - b), budget.waiting]).toEqual([[1, 4, 30], 2])
    asked[0]?.answer()
    await until('the others', () => asked.length === 5)
    expect([correlations().toSorted((a, b) => a - b), budget.used]).toEqual([[1, 2, 3, 4, 30], 900_000])
    for (const request of asked.slice(3)) request.answer()
    await until('the last heartbeat', () => asked.length === 6)
    asked[5]?.answer()
    await until('its answer', () => third.answered.includes(31))
    expect([third.answered, budget.used]).toEqual([[30, 3, 31], 0])
  })

  test('a producer that goes away gives up its place and its bytes', async () => {
    const { asked, client, correlations, budget, listener } = await start({ budget: 1000 })
    const [first, second, third] = [await client(), await client(), await client()]
    first.send(frame(produce, 1, 800).subarray(0, 500))
    await until('the first', () => budget.used === 800)
    second.send(frame(produce, 2, 900).subarray(0, 500))
    await until('the second', () => budget.waiting === 1)
    third.send(frame(produce, 3, 600))
    await until('the third', () => budget.waiting === 2)
    second.socket.resetAndDestroy()
    first.socket.resetAndDestroy()
    await until('the third', () => asked.length === 1)
    expect([correlations(), budget.used]).toEqual([[3], 600])
    third.socket.resetAndDestroy()
    await until('all to be gone', () => listener.connections <= 1)
    expect(budget.used).toBe(600)
    asked[0]?.answer()
    await until('its bytes', () => budget.used === 0)
  })
})

describe('a response that has left', () => {
  test('is told of once, also when its connection ended before', async () => {
    const broker = await start()
    const { told } = broker
    const client = await broker.client()
    client.send(frame(fetch, 1), frame(fetch, 2))
    await until('the first request', () => broker.asked.length === 1)
    broker.asked[0]?.answer(Buffer.from('one'))
    await until('the second request', () => broker.asked.length === 2)
    await until('the first response', () => told.length === 1)
    client.socket.destroy()
    await until('the end', () => broker.asked[1]?.connection.closed === true)
    broker.asked[1]?.answer(Buffer.from('two'))
    await until('the second response', () => told.length === 2)
    await aMoment()
    expect(told).toEqual([1, 2])
  })
})

describe('the end of a connection', () => {
  test('is told to whoever waits for it', async () => {
    const { asked, client } = await start()
    const sender = await client()
    sender.send(frame(fetch, 1))
    await until('the request', () => asked.length === 1)
    const connection = asked[0]?.connection
    const seen: string[] = []
    connection?.onClose(() => seen.push('told'))
    connection?.onClose(() => seen.push('not told'))[Symbol.dispose]()
    expect([connection?.closed, connection?.context, connection?.peer.remoteAddress]).toEqual([
      false,
      'context of PLAINTEXT-1',
      '127.0.0.1',
    ])
    sender.socket.resetAndDestroy()
    await until('the news', () => seen.length > 0)
    connection?.onClose(() => seen.push('told at once'))
    expect([seen, connection?.closed]).toEqual([['told', 'told at once'], true])
  })

  test('by a half close lets what was sent be done and answered', async () => {
    const { asked, client } = await start()
    const sender = await client()
    sender.send(frame(produce, 1), frame(heartbeat, 2))
    sender.socket.end()
    await until('the first', () => asked.length === 1)
    await until('the half close', () => asked[0]?.connection.closed === true)
    asked[0]?.answer()
    await until('the second', () => asked.length === 2)
    asked[1]?.answer()
    await until('the end', () => sender.ended)
    expect(sender.answered).toEqual([1, 2])
  })

  test('comes to the idle, not to those who wait for an answer', async () => {
    const { asked, client, clock, listener } = await start({ maxIdleMs: 1000 })
    const [idle, waiting] = [await client(), await client()]
    waiting.send(frame(fetch, 1))
    await until('the request', () => asked.length === 1 && listener.connections === 2)
    await clock.advance(999)
    idle.send(frame(heartbeat, 2))
    await until('the heartbeat', () => asked.length === 2)
    asked[1]?.answer()
    await until('its answer', () => idle.responses.length === 1)
    await clock.advance(999)
    expect(listener.connections).toBe(2)
    await clock.advance(1)
    await until('the idle one to be closed', () => idle.closed || idle.ended)
    await clock.advance(5000)
    expect(listener.connections).toBe(1)
    asked[0]?.answer()
    await until('the answer', () => waiting.responses.length === 1)
    await clock.advance(2000)
    await until('both to be closed', () => listener.connections === 0)
  })

  test('by draining: idle ones at once, the others when they are answered, new ones are refused', async () => {
    const { asked, client, listener } = await start()
    const [idle, busy] = [await client(), await client()]
    busy.send(frame(produce, 1), frame(fetch, 2), frame(produce, 3, 100).subarray(0, 50))
    await until('the request', () => asked.length === 1 && listener.connections === 2)
    const { port } = listener
    const drained = listener.drain(60_000)
    await until('the idle one to end', () => idle.ended)
    busy.send(frame(produce, 4))
    asked[0]?.answer()
    await until('the second', () => asked.length === 2)
    asked[1]?.answer()
    await drained
    await until('the busy one to end', () => busy.ended || busy.closed)
    expect([busy.answered, asked.length]).toEqual([[1, 2], 2])
    const late = connect({ host: '127.0.0.1', port })
    await expect(new Promise((resolve, reject) => late.on('connect', resolve).on('error', reject))).rejects.toThrow()
  })

  test('by draining within the limit, whatever is in progress', async () => {
    const { asked, client, clock, listener, logged } = await start()
    const busy = await client()
    busy.send(frame(fetch, 1))
    await until('the request', () => asked.length === 1)
    const drained = listener.drain(5000)
    await clock.advance(5000)
    await drained
    await until('the end', () => busy.closed || busy.ended)
    expect(logged.filter(line => line.includes('cut off'))).toHaveLength(1)
  })
})

describe('connections', () => {
  test('are refused above the limits, in all and per address, and welcome again later', async () => {
    const { client, listener, logged } = await start({ max: 3, perAddress: 2 })
    const first = await client()
    await client()
    const third = await client()
    await until('the refusal', () => third.ended || third.closed)
    await client('127.0.0.2')
    await until('three', () => listener.connections === 3)
    const fifth = await client('127.0.0.3')
    await until('the refusal', () => fifth.ended || fifth.closed)
    expect(logged.map(line => JSON.parse(line).reason)).toEqual([
      'too many connections from this address',
      'too many connections',
    ])
    first.socket.destroy()
    await until('room', () => listener.connections === 2)
    const again = await client()
    await until('three', () => listener.connections === 3)
    expect(again.ended).toBe(false)
  })
})
