/** What became of a command at its place in the ledger. */
import { errorCode } from '../wire/errors.ts'
import type { PartitionLog } from './partition-log.ts'

/** The verdict on one span of an Append. */
export interface SpanOutcome {
  /** NONE, DUPLICATE_SEQUENCE_NUMBER (with the old offset), or the reason of the refusal. */
  readonly errorCode: number
  /** Offset of the first record; -1 when refused. */
  readonly baseOffset: number
  readonly logStartOffset: number
}

export interface Outcome {
  readonly errorCode: number
  /** Of an Append: one per span, in the order of objects, runs and spans. */
  readonly spans: readonly SpanOutcome[]
  /** Of an Append: the handles that its objects were given, in their order. */
  readonly objects: readonly number[]
  /** Of AllocateProducerIds; -1 otherwise. */
  readonly firstProducerId: number
}

export const DONE: Outcome = { errorCode: errorCode.NONE, spans: [], objects: [], firstProducerId: -1 }

export function refused(code: number): Outcome {
  return { errorCode: code, spans: [], objects: [], firstProducerId: -1 }
}

/** What an event changed, for those who wait for it. */
export interface Applied {
  readonly outcomes: readonly Outcome[]
  /** Partitions that grew, with the bytes that they grew by. */
  readonly advanced: ReadonlyMap<PartitionLog, number>
  /** Partitions whose log start moved or that were deleted. */
  readonly trimmed: ReadonlySet<PartitionLog>
  /** Names of topics that were deleted. */
  readonly deletedTopics: readonly string[]
  /** A broker came or went. */
  readonly members: boolean
}

/** Collects what one event changes. */
export class Changes implements Applied {
  readonly outcomes: Outcome[] = []
  readonly advanced = new Map<PartitionLog, number>()
  readonly trimmed = new Set<PartitionLog>()
  readonly deletedTopics: string[] = []
  members = false
}
