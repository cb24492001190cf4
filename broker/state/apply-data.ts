/** Append and Replace: the commands that change which bytes hold which offsets. */
import { errorCode } from '../wire/errors.ts'
import type { ClusterState } from './cluster-state.ts'
import type { Append, AppendRun, AppendSpan, Replace, ReplaceRun } from './commands.gen.ts'
import { MAX_EXTENT_COUNT } from './extents.ts'
import type { StoredObject } from './objects.ts'
import { DONE, type Outcome, type SpanOutcome } from './outcome.ts'
import type { PartitionLog } from './partition-log.ts'

interface Growth {
  readonly advanced: Map<PartitionLog, number>
}

/** Offsets are given here and nowhere else: each accepted span begins at the partition's next offset. */
export function applyAppend(state: ClusterState, append: Append, epoch: number, growth: Growth): Outcome {
  const spans: SpanOutcome[] = []
  const objects: number[] = []
  for (const { number, size, runs } of append.objects) {
    const object = state.objects.add('wal', epoch, number, size)
    objects.push(object.handle)
    for (const run of runs) applyRun(state, run, object, spans, growth)
    state.objects.buryIfUnused(object, state.position)
  }
  return { ...DONE, spans, objects }
}

function applyRun(
  state: ClusterState,
  run: AppendRun,
  object: StoredObject,
  spans: SpanOutcome[],
  growth: Growth,
): void {
  const log = state.catalog.partition(run.topicId, run.partition)
  let position = run.position
  let pending: PendingExtent | undefined
  for (const span of run.spans) {
    const outcome = log === undefined ? NO_SUCH_PARTITION : judge(log, span)
    if (log !== undefined && outcome.errorCode === errorCode.NONE) {
      if (pending !== undefined && !pending.hasRoomFor(span)) {
        pending.addTo(state, log, object, growth)
        pending = undefined
      }
      pending ??= new PendingExtent(outcome.baseOffset, position)
      pending.extend(span)
      log.nextOffset += span.records
      if (span.producerId >= 0) log.producers.remember(span, outcome.baseOffset, state.time, span.maxTimestamp)
    } else if (log !== undefined) {
      // A refused span leaves a hole of dead bytes in the object, so the extent before it ends here.
      pending?.addTo(state, log, object, growth)
      pending = undefined
    }
    spans.push(outcome)
    position += span.length
  }
  if (log !== undefined) pending?.addTo(state, log, object, growth)
}

function judge(log: PartitionLog, span: AppendSpan): SpanOutcome {
  const { logStartOffset } = log
  if (span.producerId < 0) return { errorCode: errorCode.NONE, baseOffset: log.nextOffset, logStartOffset }
  const verdict = log.producers.judge(span)
  switch (verdict.kind) {
    case 'accepted':
      return { errorCode: errorCode.NONE, baseOffset: log.nextOffset, logStartOffset }
    case 'duplicate':
      return { errorCode: errorCode.DUPLICATE_SEQUENCE_NUMBER, baseOffset: verdict.baseOffset, logStartOffset }
    case 'fenced':
      return { errorCode: errorCode.INVALID_PRODUCER_EPOCH, baseOffset: -1, logStartOffset }
    case 'out-of-order':
      return { errorCode: errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1, logStartOffset }
  }
}

const NO_SUCH_PARTITION: SpanOutcome = {
  errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION,
  baseOffset: -1,
  logStartOffset: -1,
}

/** Adjacent accepted spans of a run become one extent, as long as it can count them. */
class PendingExtent {
  readonly #baseOffset: number
  readonly #position: number
  #count = 0
  #length = 0
  #maxTimestamp = -1

  constructor(baseOffset: number, position: number) {
    this.#baseOffset = baseOffset
    this.#position = position
  }

  hasRoomFor(span: AppendSpan): boolean {
    return this.#count + span.records <= MAX_EXTENT_COUNT
  }

  extend(span: AppendSpan): void {
    this.#count += span.records
    this.#length += span.length
    this.#maxTimestamp = Math.max(this.#maxTimestamp, span.maxTimestamp)
  }

  addTo(state: ClusterState, log: PartitionLog, object: StoredObject, growth: Growth): void {
    state.objects.retain(object, this.#length)
    log.append({
      baseOffset: this.#baseOffset,
      count: this.#count,
      object: object.handle,
      position: this.#position,
      length: this.#length,
      maxTimestamp: this.#maxTimestamp,
    })
    growth.advanced.set(log, (growth.advanced.get(log) ?? 0) + this.#length)
  }
}

/** A run whose old extents no longer stand exactly as named is left out; its new bytes are garbage for the sweep. */
export function applyReplace(state: ClusterState, replace: Replace, epoch: number): Outcome {
  const object = state.objects.add('segment', epoch, replace.number, replace.size)
  for (const run of replace.runs) {
    const log = state.catalog.partition(run.topicId, run.partition)
    const index = log === undefined ? -1 : standing(log, run)
    if (log === undefined || index < 0) continue
    const extents = run.extents.map(extent => ({ ...extent, object: object.handle }))
    for (const extent of extents) state.objects.retain(object, extent.length)
    log.extents.replace(index, run.old.length, extents, extent => state.objects.release(extent, state.position))
  }
  state.objects.buryIfUnused(object, state.position)
  return DONE
}

/** Index of the first old extent when all of them stand as named and the new ones cover the same offsets; else -1. */
function standing(log: PartitionLog, run: ReplaceRun): number {
  const [first] = run.old
  if (first === undefined || !coversSameOffsets(log, run)) return -1
  const index = log.extents.find(first.baseOffset)
  for (const [n, old] of run.old.entries()) {
    if (index + n >= log.extents.size) return -1
    const extent = log.extents.at(index + n)
    const same =
      extent.baseOffset === old.baseOffset && extent.object === old.object && extent.position === old.position
    if (!same) return -1
  }
  return index
}

function coversSameOffsets(log: PartitionLog, run: ReplaceRun): boolean {
  let next = run.old[0]?.baseOffset ?? -1
  for (const extent of run.extents) {
    if (extent.baseOffset !== next) return false
    next += extent.count
  }
  const last = run.old.at(-1)
  const index = last === undefined ? log.extents.size : log.extents.find(last.baseOffset)
  if (index >= log.extents.size) return false
  const extent = log.extents.at(index)
  return extent.baseOffset + extent.count === next
}
