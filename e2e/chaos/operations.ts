// What the clients of a chaos run did and were told, in the order in which this process learned of it. history.ts judges it.

import { crc32c } from '../../broker/wire/crc32c.ts'

/** A record is about to be sent. Keys are unique in a run, so a key says which record it is. */
export interface Send {
  readonly kind: 'send'
  readonly key: string
  readonly producer: string
  readonly idempotent: boolean
  readonly partition: number
  /** Of the producer in the partition, ascending in the order of sending. */
  readonly sequence: number
}

export interface Ack {
  readonly kind: 'ack'
  readonly key: string
  readonly partition: number
  readonly offset: number
}

export interface Read {
  readonly kind: 'read'
  readonly reader: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** Of the value's bytes. */
  readonly digest: number
}

/** A reader begins a partition: a member of a group where the group had come to, any other reader at 0. */
export interface Position {
  readonly kind: 'position'
  readonly reader: string
  readonly group?: string
  readonly partition: number
  readonly offset: number
}

/** The reader has read the partition from offset 0 on and was told that it ends at `end`, after the last acknowledgement. */
export interface Whole {
  readonly kind: 'whole'
  readonly reader: string
  readonly partition: number
  readonly end: number
}

/** Times are of this process's monotonic clock, ms. */
export interface Commit {
  readonly kind: 'commit'
  readonly group: string
  readonly partition: number
  readonly offset: number
  readonly acknowledgedAt: number
}

/** The committed offset as a broker answered it to a question asked at `askedAt`; -1 when there was none. */
export interface Committed {
  readonly kind: 'committed'
  readonly group: string
  readonly partition: number
  readonly offset: number
  readonly askedAt: number
}

export type Operation = Send | Ack | Read | Position | Whole | Commit | Committed

const REPEATS = 8

/** The value that every producer of a run gives a record with this key. */
export function valueFor(key: string): Buffer {
  return Buffer.from(`${key};`.repeat(REPEATS))
}

export function digestOf(value: Buffer): number {
  return crc32c(value)
}
