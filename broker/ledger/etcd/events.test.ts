import { describe, expect, test } from '@jest/globals'
import type { IEvent, IKeyValue } from 'etcd3'
import { type LedgerEvent, LedgerFailed } from '../ledger.ts'
import { decode, OutOfSequence, Sequence } from './events.ts'
import { Keys } from './keys.ts'

const keys = new Keys('p')
const value = Buffer.from('value')

const kv = (key: Buffer, revision: number, created = revision): IKeyValue => ({
  key,
  value,
  create_revision: String(created),
  mod_revision: String(revision),
  version: '1',
  lease: '0',
})

const put = (key: Buffer, revision: number, created?: number): Pick<IEvent, 'type' | 'kv'> => ({
  type: 'Put',
  kv: kv(key, revision, created),
})

const removed = (key: Buffer, revision: number): Pick<IEvent, 'type' | 'kv'> => ({
  type: 'Delete',
  kv: kv(key, revision, 0),
})

describe('a change in etcd', () => {
  test('is an event when a key of the log is created', () => {
    expect(decode(keys, put(keys.open('1', 'ab'), 5))).toEqual({
      kind: 'event',
      event: { kind: 'session-opened', position: 5, epoch: 5, info: value },
    })
    expect(decode(keys, put(keys.entry(5, 1), 6))).toEqual({
      kind: 'event',
      event: { kind: 'entry', position: 6, epoch: 5, number: 1, payload: value },
    })
    expect(decode(keys, put(keys.close(5), 7))).toEqual({
      kind: 'event',
      event: { kind: 'session-closed', position: 7, epoch: 5 },
    })
  })

  test('is none when a checkpoint removes keys, or a session key is put', () => {
    for (const key of [keys.open('1', 'ab'), keys.entry(5, 1), keys.close(5), keys.mark]) {
      expect(decode(keys, removed(key, 9))).toEqual({ kind: 'nothing', position: 9 })
    }
    expect(decode(keys, put(keys.session('1'), 5))).toEqual({ kind: 'nothing', position: 5 })
  })

  test('tells of a lease that ran out, and of a mark that is put again and again', () => {
    expect(decode(keys, removed(keys.session('1'), 9))).toEqual({ kind: 'session-key-gone', position: 9 })
    expect(decode(keys, put(keys.mark, 9, 2))).toEqual({ kind: 'mark', position: 9 })
  })

  test('is refused when it changes what is only ever created', () => {
    expect(() => decode(keys, put(keys.entry(5, 1), 9, 6))).toThrow(LedgerFailed)
  })

  test('is refused when its key is of a kind that only a later version knows, or damaged', () => {
    for (const key of ['kafscale/log/other/1', 'kafscale/log/close/x']) {
      const unknown = Buffer.from(key.replace('kafscale', keys.prefix))
      expect(() => decode(keys, put(unknown, 9))).toThrow(LedgerFailed)
    }
  })
})

describe('the sequence of events', () => {
  const entry = (position: number, number: number, epoch = 2): LedgerEvent => ({
    kind: 'entry',
    position,
    epoch,
    number,
    payload: value,
  })
  const opened = (position: number): LedgerEvent => ({ kind: 'session-opened', position, epoch: position, info: value })

  test('takes the entries of a session without gaps, whatever lies between their positions', () => {
    const sequence = new Sequence(0)
    const events = [opened(2), entry(3, 1), opened(5), entry(9, 1, 5), entry(10, 2), entry(11, 2, 5)]
    expect(events.map(event => sequence.accept(event))).toEqual(events.map(() => true))
    expect(sequence.position).toBe(11)
  })

  test('begins anywhere in a session that was open before, and goes on from there', () => {
    const sequence = new Sequence(100)
    expect(sequence.accept(entry(101, 40))).toBe(true)
    expect(sequence.accept(entry(102, 41))).toBe(true)
    expect(() => sequence.accept(entry(103, 43))).toThrow(OutOfSequence)
  })

  test('notices an entry that is missing, also the first one of a session', () => {
    const sequence = new Sequence(0)
    sequence.accept(opened(2))
    expect(() => sequence.accept(entry(4, 2))).toThrow(/entry 2 of session 2 came after entry 0/)
    expect(sequence.position).toBe(2)
  })

  test('notices two events at one position, and one that comes late', () => {
    const sequence = new Sequence(10)
    expect(() => sequence.accept(entry(10, 1))).toThrow(OutOfSequence)
    sequence.accept(entry(12, 1))
    expect(() => sequence.accept(entry(12, 2))).toThrow(OutOfSequence)
    expect(() => sequence.accept(opened(11))).toThrow(OutOfSequence)
  })

  test('leaves out an entry that is there twice', () => {
    const sequence = new Sequence(0)
    sequence.accept(opened(2))
    sequence.accept(entry(3, 1))
    expect(sequence.accept(entry(8, 1))).toBe(false)
    expect(sequence.accept(entry(9, 2))).toBe(true)
  })
})
