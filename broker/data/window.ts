/**
 * A window: what has come in since the last flush, by partition, and who waits for its offsets.
 *
 * Batches of a partition keep their order of arrival. Batches without a producer id that follow each other share one
 * span, so that a busy partition costs the ledger one span and not one per request.
 */
import type { AppendRun, AppendSpan } from '../state/commands.gen.ts'
import { type Extent, MAX_EXTENT_COUNT } from '../state/extents.ts'
import type { Outcome, SpanOutcome } from '../state/outcome.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { errorCode } from '../wire/errors.ts'
import type { Gaps } from './gaps.ts'
import type { RunContent } from './wal-object.ts'

/** One validated record batch with what the ledger needs to know of it. */
export interface IncomingBatch {
  readonly bytes: Buffer
  readonly records: number
  /** ms; -1 when unknown. */
  readonly maxTimestamp: number
  /** -1 without idempotence. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

interface MutableSpan extends AppendSpan {
  length: number
  records: number
  maxTimestamp: number
}

interface Waiting {
  /** Index of the span in its run, and of the first record in the span. */
  readonly span: number
  readonly record: number
  readonly resolve: (outcome: SpanOutcome) => void
  readonly reject: (cause: Error) => void
}

class Run implements RunContent {
  readonly log: PartitionLog
  readonly spans: MutableSpan[] = []
  readonly slices: Buffer[] = []
  readonly waiting: Waiting[] = []
  batches = 0

  constructor(log: PartitionLog) {
    this.log = log
  }

  get topicId(): string {
    return this.log.topicId
  }

  get partition(): number {
    return this.log.partition
  }

  add(batch: IncomingBatch, resolve: Waiting['resolve'], reject: Waiting['reject']): void {
    const last = this.spans.at(-1)
    this.slices.push(batch.bytes)
    this.batches++
    if (last !== undefined && sharesSpan(last, batch)) {
      this.waiting.push({ span: this.spans.length - 1, record: last.records, resolve, reject })
      last.length += batch.bytes.length
      last.records += batch.records
      last.maxTimestamp = Math.max(last.maxTimestamp, batch.maxTimestamp)
      return
    }
    this.waiting.push({ span: this.spans.length, record: 0, resolve, reject })
    const { records, maxTimestamp, producerId, producerEpoch, baseSequence } = batch
    const length = batch.bytes.length
    this.spans.push({ length, records, maxTimestamp, producerId, producerEpoch, baseSequence, flags: 0 })
  }

  settle(outcomes: readonly SpanOutcome[]): void {
    for (const { span, record, resolve } of this.waiting) {
      const outcome = outcomes[span]
      if (outcome === undefined) continue
      resolve(
        record === 0 || outcome.baseOffset < 0 ? outcome : { ...outcome, baseOffset: outcome.baseOffset + record },
      )
    }
  }
}

/** A batch may claim any number of records; what a span can count is limited. */
function sharesSpan(last: AppendSpan, batch: IncomingBatch): boolean {
  return last.producerId < 0 && batch.producerId < 0 && last.records + batch.records <= MAX_EXTENT_COUNT
}

/** An accepted piece of a run: its extent but for the object, and its bytes. */
export interface WrittenExtent {
  readonly extent: Omit<Extent, 'object'>
  readonly slices: readonly Buffer[]
}

/** What a run and a span take in the ledger's entry, at most; the strings are short and the numbers are varints. */
const RUN_BYTES = 64
const SPAN_BYTES = 48

export class Window {
  readonly #runs = new Map<PartitionLog, Run>()
  /** Monotonic ms of the first batch. */
  readonly openedAt: number
  bytes = 0
  /** Upper bound of the size of its Append command. */
  commandBytes = 0
  /** It must fail when its turn comes: an earlier window failed that had to be stored before it. */
  isBroken = false
  /** Turns of the event loop, at least, in which it was added to: a lone request is one. */
  turns = 0

  constructor(openedAt: number) {
    this.openedAt = openedAt
  }

  get contents(): readonly RunContent[] {
    return [...this.#runs.values()]
  }

  add(log: PartitionLog, batch: IncomingBatch): Promise<SpanOutcome> {
    let run = this.#runs.get(log)
    if (run === undefined) {
      run = new Run(log)
      this.#runs.set(log, run)
      this.commandBytes += RUN_BYTES
    }
    this.bytes += batch.bytes.length
    const target = run
    const { length } = run.spans
    const settled = new Promise<SpanOutcome>((resolve, reject) => target.add(batch, resolve, reject))
    this.commandBytes += (target.spans.length - length) * SPAN_BYTES
    return settled
  }

  /** Hands the outcome of the window's Append to those who wait. */
  settle(outcome: Outcome): void {
    let at = 0
    for (const run of this.#runs.values()) {
      run.settle(outcome.spans.slice(at, at + run.spans.length))
      at += run.spans.length
    }
  }

  /** Whether it holds a batch that has to come after one that is missing. */
  follows(gaps: Gaps): boolean {
    return [...this.#runs.values()].some(({ log, spans }) => spans.some(span => gaps.isBefore(log, span)))
  }

  /** Refuses all batches, which leaves gaps where producers count theirs. */
  fail(cause: Error, gaps: Gaps): void {
    for (const { log, spans, waiting } of this.#runs.values()) {
      for (const span of spans) gaps.open(log, span)
      for (const { reject } of waiting) reject(cause)
    }
  }

  /** Which extents the outcome made of this window: the same ones that applying the Append command makes. */
  extents(runs: readonly AppendRun[], outcome: Outcome): WrittenExtent[] {
    const written: WrittenExtent[] = []
    let at = 0
    for (const [index, run] of [...this.#runs.values()].entries()) {
      const outcomes = outcome.spans.slice(at, at + run.spans.length)
      at += run.spans.length
      written.push(...extentsOfRun(run, runs[index]?.position ?? 0, outcomes))
    }
    return written
  }
}

function extentsOfRun(run: Run, start: number, outcomes: readonly SpanOutcome[]): WrittenExtent[] {
  const written: WrittenExtent[] = []
  let open: { baseOffset: number; count: number; position: number; length: number; maxTimestamp: number } | undefined
  let position = start
  const close = (): void => {
    if (open === undefined) return
    const slices = slicesBetween(run.slices, open.position - start, open.length)
    written.push({ extent: open, slices })
    open = undefined
  }
  for (const [index, span] of run.spans.entries()) {
    const outcome = outcomes[index]
    if (outcome?.errorCode === errorCode.NONE) {
      if (open !== undefined && open.count + span.records > MAX_EXTENT_COUNT) close()
      open ??= { baseOffset: outcome.baseOffset, count: 0, position, length: 0, maxTimestamp: -1 }
      open.count += span.records
      open.length += span.length
      open.maxTimestamp = Math.max(open.maxTimestamp, span.maxTimestamp)
    } else close()
    position += span.length
  }
  close()
  return written
}

/** The whole slices that make up `length` bytes from `from` on. */
function slicesBetween(slices: readonly Buffer[], from: number, length: number): Buffer[] {
  const between: Buffer[] = []
  let at = 0
  for (const slice of slices) {
    if (at >= from && at + slice.length <= from + length) between.push(slice)
    at += slice.length
  }
  return between
}
