// What every ledger promises (ledger.ts), as tests that each implementation runs.

import { expect, test } from '@jest/globals'
import { type Checkpoint, EventsGone, type Ledger, type LedgerEvent, NameTaken } from './ledger.ts'

export interface LedgerUnderTest {
  readonly ledger: Ledger
  /** Another view of the same ledger: a second broker, or the same one after a restart. */
  reopen(): Promise<Ledger>
  close(): Promise<void>
}

const bytes = (text: string): Buffer => Buffer.from(text)

/** Collects events until told otherwise. */
export async function collect(ledger: Ledger, from = 0): Promise<LedgerEvent[]> {
  const events: LedgerEvent[] = []
  await ledger.follow(from, {
    onEvent: event => events.push(event),
    onBroken: cause => {
      throw cause
    },
  })
  return events
}

const payloads = (events: readonly LedgerEvent[]): string[] =>
  events.flatMap(event => (event.kind === 'entry' ? [event.payload.toString()] : []))

/** Waits until `condition` holds. Whether it does in time is for the expectation after it to say. */
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries++) await new Promise(resolve => setTimeout(resolve, 10))
}

export function ledgerContract(open: () => Promise<LedgerUnderTest>): void {
  const withLedger = async (body: (under: LedgerUnderTest) => Promise<void>): Promise<void> => {
    const under = await open()
    try {
      await body(under)
    } finally {
      await under.close()
    }
  }

  test('followers see every event once, in order, with ascending positions', () =>
    withLedger(async ({ ledger }) => {
      const early = await collect(ledger)
      const epoch = await ledger.openSession('a', bytes('info'))
      for (let number = 1; number <= 20; number++) await ledger.append(epoch, number, bytes(`entry ${number}`))
      await until(() => early.length === 21)
      const late = await collect(ledger)
      expect(payloads(early)).toEqual(Array.from({ length: 20 }, (_, index) => `entry ${index + 1}`))
      expect(late).toEqual(early)
      const positions = late.map(({ position }) => position)
      expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b))
    }))

  test('appends at the same time all get in, in the order of their calls', () =>
    withLedger(async ({ ledger }) => {
      const epoch = await ledger.openSession('a', bytes(''))
      const appends = Array.from({ length: 50 }, (_, index) => ledger.append(epoch, index + 1, bytes(`${index + 1}`)))
      expect(new Set(await Promise.all(appends))).toEqual(new Set(['appended']))
      expect(payloads(await collect(ledger))).toEqual(Array.from({ length: 50 }, (_, index) => `${index + 1}`))
    }))

  test('the same epoch and number twice appends once', () =>
    withLedger(async ({ ledger }) => {
      const epoch = await ledger.openSession('a', bytes(''))
      expect(await ledger.append(epoch, 1, bytes('once'))).toBe('appended')
      expect(await ledger.append(epoch, 1, bytes('once'))).toBe('appended')
      expect(payloads(await collect(ledger))).toEqual(['once'])
    }))

  test('a session carries its info, and nothing is appended after it was closed', () =>
    withLedger(async ({ ledger }) => {
      const epoch = await ledger.openSession('a', bytes('who I am'))
      await ledger.closeSession(epoch)
      expect(await ledger.append(epoch, 1, bytes('too late'))).toBe('session-gone')
      expect((await collect(ledger)).map(({ kind }) => kind)).toEqual(['session-opened', 'session-closed'])
      expect(await ledger.append(epoch + 1000, 1, bytes('never opened'))).toBe('session-gone')
    }))

  test('an append that races with the closing of its session comes before it or not at all', () =>
    withLedger(async ({ ledger }) => {
      const epoch = await ledger.openSession('a', bytes(''))
      const closed = ledger.closeSession(epoch)
      const late = ledger.append(epoch, 1, bytes('late'))
      await closed
      const kinds = (await collect(ledger)).map(({ kind }) => kind)
      expect(kinds.at(-1)).toBe('session-closed')
      expect(kinds.includes('entry')).toBe((await late) === 'appended')
    }))

  test('a barrier is not before what was acknowledged', () =>
    withLedger(async ({ ledger }) => {
      const epoch = await ledger.openSession('a', bytes(''))
      await ledger.append(epoch, 1, bytes('x'))
      const last = (await collect(ledger)).at(-1)
      expect(await ledger.barrier()).toBeGreaterThanOrEqual(last?.position ?? Number.POSITIVE_INFINITY)
    }))

  test('following from the middle gives the rest', () =>
    withLedger(async ({ ledger }) => {
      const epoch = await ledger.openSession('a', bytes(''))
      for (let number = 1; number <= 5; number++) await ledger.append(epoch, number, bytes(`${number}`))
      const all = await collect(ledger)
      expect(await collect(ledger, all[2]?.position)).toEqual(all.slice(3))
    }))

  test('a checkpoint moves by compare-and-swap, and what it passes may be gone', () =>
    withLedger(async ({ ledger, reopen }) => {
      const epoch = await ledger.openSession('a', bytes(''))
      for (let number = 1; number <= 5; number++) await ledger.append(epoch, number, bytes(`${number}`))
      const all = await collect(ledger)
      const positionOf = (payload: string): number =>
        all.find(event => event.kind === 'entry' && event.payload.toString() === payload)?.position ?? 0
      const first: Checkpoint = { position: positionOf('2'), snapshot: 'a' }
      const second: Checkpoint = { position: positionOf('3'), snapshot: 'c' }
      expect(await ledger.moveCheckpoint(null, first)).toBe(true)
      expect(await ledger.moveCheckpoint(null, { position: positionOf('3'), snapshot: 'b' })).toBe(false)
      expect(await ledger.moveCheckpoint(first, second)).toBe(true)
      for (let number = 6; number <= 8; number++) await ledger.append(epoch, number, bytes(`${number}`))
      expect(payloads(await collect(ledger, second.position))).toEqual(['4', '5', '6', '7', '8'])
      const again = await reopen()
      expect(await again.checkpoint()).toEqual(second)
      expect(payloads(await collect(again, second.position)).slice(0, 5)).toEqual(['4', '5', '6', '7', '8'])
      const tooEarly = await collect(again, 0).catch((cause: unknown) => cause)
      expect(Array.isArray(tooEarly) || tooEarly instanceof EventsGone).toBe(true)
    }))

  test('what was appended is there after reopening, and the next session is a later one', () =>
    withLedger(async ({ ledger, reopen }) => {
      const epoch = await ledger.openSession('a', bytes('first'))
      await ledger.append(epoch, 1, bytes('kept'))
      const again = await reopen()
      const later = await again.openSession('b', bytes('second'))
      expect(later).toBeGreaterThan(epoch)
      expect(await again.append(later, 1, bytes('more'))).toBe('appended')
      expect(payloads(await collect(again))).toEqual(['kept', 'more'])
    }))

  test('a name has one open session, and is free again when that is closed', () =>
    withLedger(async ({ ledger, reopen }) => {
      const epoch = await ledger.openSession('a', bytes('first'))
      await expect(ledger.openSession('a', bytes('second'))).rejects.toBeInstanceOf(NameTaken)
      expect(await ledger.openSession('b', bytes('other'))).toBeGreaterThan(epoch)
      await ledger.closeSession(epoch)
      const later = await (await reopen()).openSession('a', bytes('third'))
      expect(later).toBeGreaterThan(epoch)
    }))

  test('progress is seen while its session is open', () =>
    withLedger(async ({ ledger }) => {
      const first = await ledger.openSession('a', bytes(''))
      const second = await ledger.openSession('b', bytes(''))
      expect([...(await ledger.progress())]).toEqual([])
      await ledger.publishProgress(first, bytes('1'))
      await ledger.publishProgress(second, bytes('2'))
      await ledger.publishProgress(first, bytes('3'))
      const published = [...(await ledger.progress())].sort(([a], [b]) => a - b)
      expect(published.map(([epoch, progress]) => [epoch, progress.toString()])).toEqual([
        [first, '3'],
        [second, '2'],
      ])
      await ledger.closeSession(first)
      expect([...(await ledger.progress()).keys()]).toEqual([second])
      expect(ledger.isCutOff).toBe(false)
    }))
}
