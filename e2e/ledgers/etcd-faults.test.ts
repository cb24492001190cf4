// The ledger in etcd while etcd, the network or the broker fail: nothing is lost, nothing is there twice, and everybody
// who is not told otherwise sees the same.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Epoch, EventsGone, NotAppended } from '../../broker/ledger/ledger.ts'
import { type Etcd, startEtcd } from '../../testing/etcd/etcd.ts'
import { TcpProxy } from '../../testing/tcp-proxy.ts'
import { etcd as programs } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { eventually, Follower, numbersTo } from './follower.ts'

const payload = Buffer.from('what was decided')
const LIMIT_MS = 120_000

let prefixes = 0

await suiteWith('the ledger in etcd, with faults', programs(), part => {
  let etcd: Etcd
  let prefix: string
  const started: Follower[] = []

  beforeEach(() => {
    prefix = `faults/${++prefixes}`
  })
  afterEach(async () => {
    for (const follower of started.splice(0)) await follower.stop()
  })

  const start = async (options: { endpoints?: string[]; ttlSeconds?: number } = {}, from: number | null = 0) => {
    const follower = await Follower.start({ endpoints: etcd.endpoints, prefix, ...options }, from)
    started.push(follower)
    return follower
  }

  const appendAll = async (writer: Follower, epoch: Epoch, from: number, to: number): Promise<Set<string>> => {
    const verdicts = new Set<string>()
    for (let number = from; number <= to; number++) verdicts.add(await writer.ledger.append(epoch, number, payload))
    return verdicts
  }

  const expectSame = async (epoch: Epoch, count: number, ...followers: Follower[]): Promise<void> => {
    for (const follower of followers) {
      await eventually(`entry ${count} is seen`, () => follower.numbers(epoch).includes(count))
      expect(follower.numbers(epoch)).toEqual(numbersTo(count))
      expect(follower.history).toEqual(followers[0]?.history)
      expect(follower.broken).toBeUndefined()
    }
  }

  describe('of three members', () => {
    beforeAll(async () => {
      etcd = await startEtcd(part, { members: 3 })
    }, 60_000)
    afterAll(() => etcd.stop())

    test(
      'goes on when the leader is killed',
      async () => {
        const [writer, other] = [await start(), await start()]
        const epoch = await writer.ledger.openSession('1', payload)
        const appends = appendAll(writer, epoch, 1, 300)
        await eventually('some are appended', () => other.numbers(epoch).length > 20)
        const leader = await etcd.leader()
        await etcd.kill(leader)
        expect(await appends).toEqual(new Set(['appended']))
        await expectSame(epoch, 300, writer, other, await start())
        await etcd.restart(leader)
        await etcd.ready()
      },
      LIMIT_MS,
    )

    test.each([0, 1, 2])(
      'goes on when member %d is stopped without being killed',
      async index => {
        // A leader that was frozen for longer than a lease revokes it when it thaws (etcd-io/etcd#15247).
        const [writer, other] = [await start({ ttlSeconds: 30 }), await start()]
        const epoch = await writer.ledger.openSession('1', payload)
        await appendAll(writer, epoch, 1, 5)
        etcd.freeze(index)
        try {
          expect(await appendAll(writer, epoch, 6, 30)).toEqual(new Set(['appended']))
          await expectSame(epoch, 30, writer, other)
        } finally {
          etcd.thaw(index)
        }
        expect(await appendAll(writer, epoch, 31, 40)).toEqual(new Set(['appended']))
        await expectSame(epoch, 40, writer, other)
        expect(writer.ledger.isCutOff).toBe(false)
        await etcd.ready()
      },
      LIMIT_MS,
    )

    test(
      'waits while no member runs, and then appends once',
      async () => {
        const [writer, other] = [await start(), await start()]
        const epoch = await writer.ledger.openSession('1', payload)
        await appendAll(writer, epoch, 1, 3)
        for (const { index } of etcd.members) await etcd.kill(index)
        const append = writer.ledger.append(epoch, 4, payload)
        await eventually('it knows that it is cut off', () => writer.ledger.isCutOff)
        await expect(other.ledger.barrier()).rejects.toThrow()
        for (const { index } of etcd.members) await etcd.restart(index)
        await etcd.ready()
        expect(await append).toBe('appended')
        await expectSame(epoch, 4, writer, other)
        await eventually('it is no longer cut off', () => !writer.ledger.isCutOff)
        expect(other.sees('session-closed', epoch)).toBe(false)
        // Told once when it began and once when it was over, by whatever could not do its work; not at every try.
        expect(writer.warnings.length).toBeLessThan(20)
      },
      LIMIT_MS,
    )
  })

  describe('of one member', () => {
    let proxy: TcpProxy
    let throughProxy: string[]

    beforeAll(async () => {
      etcd = await startEtcd(part)
    }, 60_000)
    afterAll(() => etcd.stop())
    beforeEach(async () => {
      proxy = await TcpProxy.start(etcd.members[0]?.address ?? { host: '', port: 0 })
      throughProxy = [`http://127.0.0.1:${proxy.port}`]
    })
    afterEach(() => proxy.stop())

    test(
      'resumes a watch after its connection was cut',
      async () => {
        const [far, near] = [await start({ endpoints: throughProxy }), await start()]
        const epoch = await near.ledger.openSession('1', payload)
        for (let round = 0; round < 4; round++) {
          proxy.cut()
          await appendAll(near, epoch, round * 5 + 1, round * 5 + 5)
          proxy.heal()
        }
        await expectSame(epoch, 20, near, far)
      },
      LIMIT_MS,
    )

    test(
      'resumes a watch after nothing was heard for a while',
      async () => {
        const [far, near] = [await start({ endpoints: throughProxy }), await start()]
        const epoch = await near.ledger.openSession('1', payload)
        proxy.silence()
        await appendAll(near, epoch, 1, 20)
        await sleep(9000)
        proxy.heal()
        await expectSame(epoch, 20, near, far)
      },
      LIMIT_MS,
    )

    test(
      'appends once when the answer to an append is lost',
      async () => {
        const [far, near] = [await start({ endpoints: throughProxy }), await start()]
        const epoch = await far.ledger.openSession('1', payload)
        for (let number = 1; number <= 8; number++) {
          proxy.silenceAfterNextRequest(() => setTimeout(() => proxy.cut(), 30))
          const append = far.ledger.append(epoch, number, payload)
          await eventually('the connection is cut', () => proxy.state === 'cut')
          proxy.heal()
          expect(await append).toBe('appended')
        }
        await expectSame(epoch, 8, near, far)
      },
      LIMIT_MS,
    )

    test(
      'ends a session whose broker is cut off, and the broker knows before the others',
      async () => {
        const far = await start({ endpoints: throughProxy, ttlSeconds: 2 })
        const near = await start()
        const epoch = await far.ledger.openSession('1', payload)
        expect(await appendAll(far, epoch, 1, 2)).toEqual(new Set(['appended']))
        proxy.silence()
        let knewFirst: boolean | undefined
        await eventually('the session is closed', () => {
          if (far.ledger.isCutOff) knewFirst ??= true
          if (near.sees('session-closed', epoch)) knewFirst ??= false
          return near.sees('session-closed', epoch)
        })
        expect(knewFirst).toBe(true)
        const successor = await near.ledger.openSession('1', payload)
        proxy.heal()
        expect(await far.ledger.append(epoch, 3, payload)).toBe('session-gone')
        await eventually('the successor is seen', () => far.sees('session-opened', successor))
        expect(far.history).toEqual(near.history)
        expect(far.numbers(epoch)).toEqual([1, 2])
        expect(far.ledger.isCutOff).toBe(false)
      },
      LIMIT_MS,
    )

    test(
      'writes down the end of a session that nobody saw ending',
      async () => {
        const first = await start({ ttlSeconds: 2 })
        const epoch = await first.ledger.openSession('1', payload)
        await first.stop()
        await eventually('the lease has run out', async () => {
          return (await etcd.ctl('get', '--prefix', `${prefix}/log/session/`)) === ''
        })
        // Nobody follows: it is for the successor to see that the end of its predecessor comes first.
        const late = await start({}, null)
        const successor = await late.ledger.openSession('1', payload)
        const kinds = (await start()).events.map(({ kind, epoch: of }) => [kind, of])
        expect(kinds).toEqual([
          ['session-opened', epoch],
          ['session-closed', epoch],
          ['session-opened', successor],
        ])
      },
      LIMIT_MS,
    )

    test(
      'tells a follower that checkpoints have passed it that events are gone',
      async () => {
        const [far, near] = [await start({ endpoints: throughProxy }), await start()]
        const epoch = await near.ledger.openSession('1', payload)
        await eventually('the session is seen', () => far.sees('session-opened', epoch))
        proxy.cut()
        await checkpoints(near, epoch, 3)
        proxy.heal()
        await eventually('it is told', () => far.broken !== undefined)
        expect(far.broken).toBeInstanceOf(EventsGone)
        expect(far.numbers(epoch)).toEqual([])
        await expect(start({}, 0)).rejects.toBeInstanceOf(EventsGone)
      },
      LIMIT_MS,
    )

    test(
      'follows on when somebody else has compacted the history',
      async () => {
        const [far, near] = [await start({ endpoints: throughProxy }), await start()]
        const epoch = await near.ledger.openSession('1', payload)
        const ended = await near.ledger.openSession('2', payload)
        await appendAll(near, epoch, 1, 5)
        await eventually('5 are seen', () => far.numbers(epoch).length === 5)
        proxy.cut()
        await appendAll(near, epoch, 6, 300)
        await near.ledger.closeSession(ended)
        await appendAll(near, epoch, 301, 305)
        await etcd.ctl('compact', String(await near.ledger.barrier()))
        proxy.heal()
        await expectSame(epoch, 305, near, far)
        // A broker that starts with an old checkpoint after a long time without any is in the same position.
        await expectSame(epoch, 305, near, await start())
      },
      LIMIT_MS,
    )

    test(
      'keeps etcd small over many checkpoints',
      async () => {
        const writer = await start()
        const epoch = await writer.ledger.openSession('1', payload)
        await checkpoints(writer, epoch, 4, 40_000)
        const early = await etcd.size()
        const sessions = await start({}, null)
        const quiet = await sessions.ledger.openSession('quiet', payload)
        await appendAll(sessions, quiet, 1, 3)
        for (let round = 0; round < 5; round++) {
          const other = await sessions.ledger.openSession('2', payload)
          await appendAll(sessions, other, 1, 3)
          await sessions.ledger.closeSession(other)
        }
        await checkpoints(writer, epoch, 30, 40_000)
        const late = await etcd.size()
        expect(late.used).toBeLessThan(early.used * 1.5)
        expect(late.file).toBeLessThan(early.file * 2)
        const left = (await etcd.ctl('get', '--prefix', '--keys-only', `${prefix}/log/`)).split('\n').filter(Boolean)
        const entries = left.filter(key => key.includes('/log/entry/'))
        const newestOfQuiet = `${prefix}/log/entry/${String(quiet).padStart(16, '0')}/${'3'.padStart(16, '0')}`
        expect(entries.filter(key => !key.includes(String(epoch).padStart(16, '0')))).toEqual([newestOfQuiet])
        // Two intervals and the newest that was passed.
        expect(entries.length).toBeLessThanOrEqual(2 * ENTRIES + 2)
        // Two sessions with two keys each, and the mark.
        expect(left.length - entries.length).toBe(5)
        const { position: passed } = (await writer.ledger.checkpoint()) ?? { position: 0 }
        const restarted = await start({}, passed)
        expect(restarted.history).toEqual(writer.history.slice(-restarted.events.length))
        expect(restarted.events[0]?.position).toBe(writer.events.find(({ position }) => position > passed)?.position)
      },
      LIMIT_MS,
    )

    const ENTRIES = 10

    /** Appends and moves the checkpoint, `count` times. Entries are numbered on from those that the writer has seen. */
    const checkpoints = async (writer: Follower, epoch: Epoch, count: number, size = 10): Promise<void> => {
      for (let round = 0; round < count; round++) {
        const last = writer.numbers(epoch).at(-1) ?? 0
        for (let number = last + 1; number <= last + ENTRIES; number++) {
          await writer.ledger.append(epoch, number, Buffer.alloc(size, number))
        }
        await eventually('they are seen', () => writer.numbers(epoch).at(-1) === last + ENTRIES)
        const position = writer.events.at(-3)?.position ?? 0
        const before = await writer.ledger.checkpoint()
        expect(await writer.ledger.moveCheckpoint(before, { position, snapshot: `at ${position}` })).toBe(true)
      }
    }
  })

  describe('with little space', () => {
    beforeAll(async () => {
      etcd = await startEtcd(part, { quotaBytes: 8 * 1024 * 1024 })
    }, 60_000)
    afterAll(() => etcd.stop())

    test(
      'says that etcd is full, and goes on when there is space again',
      async () => {
        const [writer, other] = [await start(), await start()]
        const epoch = await writer.ledger.openSession('1', payload)
        await appendAll(writer, epoch, 1, 2)
        const big = Buffer.alloc(500_000, 'x')
        let number = 3
        const refusal = await (async () => {
          for (; ; number++) await writer.ledger.append(epoch, number, big)
        })().catch((cause: unknown) => cause)
        expect(refusal).toBeInstanceOf(NotAppended)
        expect(refusal).toMatchObject({ full: true })
        await expect(writer.ledger.append(epoch, number, payload)).rejects.toMatchObject({ full: true })
        const barrier = await writer.ledger.barrier()
        await eventually('reads go on', () => writer.events.at(-1)?.position === barrier)
        const reader = await start()
        expect(reader.history).toEqual(writer.history)
        await expect(reader.ledger.openSession('2', payload)).rejects.toMatchObject({ full: true })

        await expect(
          writer.ledger.moveCheckpoint(null, { position: writer.events[2]?.position ?? 0, snapshot: 's' }),
        ).rejects.toThrow(/space/)
        await etcd.ctl('del', '--prefix', `${prefix}/log/entry/`)
        await etcd.ctl('compact', JSON.parse(await etcd.ctl('get', 'x', '-w', 'json')).header.revision.toString())
        await etcd.ctl('defrag')
        await etcd.ctl('alarm', 'disarm')
        expect(await writer.ledger.append(epoch, number, payload)).toBe('appended')
        await expectSame(epoch, number, writer, other)
        expect(writer.ledger.isCutOff).toBe(false)
      },
      LIMIT_MS,
    )

    test(
      'refuses an entry that is too large for etcd',
      async () => {
        const writer = await start()
        const epoch = await writer.ledger.openSession('1', payload)
        const tooLarge = writer.ledger.append(epoch, 1, Buffer.alloc(2_000_000))
        await expect(tooLarge).rejects.toBeInstanceOf(NotAppended)
        await expect(tooLarge).rejects.toMatchObject({ full: false })
        expect(await writer.ledger.append(epoch, 1, payload)).toBe('appended')
      },
      LIMIT_MS,
    )
  })
})
