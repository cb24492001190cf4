/**
 * Idempotent producers of one partition (KIP-98): what each producer id appended last, and the verdict on what it
 * appends next.
 *
 * Verdicts, in the order in which Apache Kafka decides them:
 *   1. same epoch and same (first, last) sequence as one of the last five batches: duplicate, with its old offset
 *   2. an older epoch: fenced
 *   3. a newer epoch must begin at sequence 0 (unless nothing is known of the producer)
 *   4. the sequence continues, 2147483647 being followed by 0: accepted; anything else: out of order
 * A producer that is not known may begin at any sequence: its history may have expired or been trimmed.
 */

const REMEMBERED_BATCHES = 5
const LAST_SEQUENCE = 0x7fffffff

export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'out-of-order' }

const ACCEPTED: Verdict = { kind: 'accepted' }
const FENCED: Verdict = { kind: 'fenced' }
const OUT_OF_ORDER: Verdict = { kind: 'out-of-order' }

export interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
}

export interface ProducerHistory {
  epoch: number
  /** State time of the last append, ms: what expiry is counted from. */
  lastTime: number
  /** Largest record timestamp of the last batch, ms, for DescribeProducers. */
  lastTimestamp: number
  /** Oldest first, five at most. */
  batches: RememberedBatch[]
}

export interface ProducerBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly records: number
}

/** The sequence `steps` after `sequence`; the number line wraps from 2^31 - 1 to 0. */
export function sequenceAfter(sequence: number, steps: number): number {
  const sum = sequence + steps
  return sum > LAST_SEQUENCE ? sum - LAST_SEQUENCE - 1 : sum
}

export class Producers {
  readonly histories = new Map<number, ProducerHistory>()

  judge(batch: ProducerBatch): Verdict {
    const history = this.histories.get(batch.producerId)
    if (history === undefined) return ACCEPTED
    const lastSequence = sequenceAfter(batch.baseSequence, batch.records - 1)
    if (batch.producerEpoch === history.epoch) {
      for (const old of history.batches) {
        if (old.firstSequence === batch.baseSequence && old.lastSequence === lastSequence) {
          return { kind: 'duplicate', baseOffset: old.baseOffset }
        }
      }
    }
    if (batch.producerEpoch < history.epoch) return FENCED
    if (batch.producerEpoch > history.epoch) return batch.baseSequence === 0 ? ACCEPTED : OUT_OF_ORDER
    const last = history.batches.at(-1)
    if (last === undefined) return ACCEPTED
    return sequenceAfter(last.lastSequence, 1) === batch.baseSequence ? ACCEPTED : OUT_OF_ORDER
  }

  /** Remembers an accepted batch. */
  remember(batch: ProducerBatch, baseOffset: number, time: number, maxTimestamp: number): void {
    let history = this.histories.get(batch.producerId)
    if (history === undefined || history.epoch !== batch.producerEpoch) {
      history = { epoch: batch.producerEpoch, lastTime: time, lastTimestamp: maxTimestamp, batches: [] }
      this.histories.set(batch.producerId, history)
    }
    history.lastTime = time
    history.lastTimestamp = maxTimestamp
    history.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: sequenceAfter(batch.baseSequence, batch.records - 1),
      baseOffset,
    })
    if (history.batches.length > REMEMBERED_BATCHES) history.batches.shift()
  }

  /** Forgets producers that have not appended since `time` (`producer.id.expiration.ms`). */
  forgetIdleSince(time: number): void {
    for (const [id, history] of this.histories) if (history.lastTime < time) this.histories.delete(id)
  }
}
