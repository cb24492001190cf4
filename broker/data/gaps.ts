/**
 * Which sequence numbers of idempotent producers (KIP-98) this broker refused for reasons of its own: no room, no store, no
 * ledger. What a producer sent after such a batch must not be stored before the batch itself comes again. The state notices
 * that for every producer that it knows; of an unknown one it takes any sequence, as Apache Kafka does, whose partitions
 * fail as a whole and so never refuse one batch and take the next.
 *
 * It outlives a life of the broker in its cluster, since requests of one connection do. What is missing for longer than a
 * client keeps trying is forgotten; so is the oldest when there are very many.
 */
import type { Clock } from '../clock.ts'
import type { PartitionLog } from '../state/partition-log.ts'

/** A producer's default `delivery.timeout.ms`: after it, the batch is not sent again under its sequence. */
const FORGOTTEN_AFTER_MS = 120_000
const MOST_GAPS = 100_000
const SEQUENCES = 2 ** 31

export interface Sequenced {
  /** -1 without idempotence. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

interface Gap {
  readonly sequence: number
  /** Monotonic ms. */
  readonly since: number
}

export class Gaps {
  readonly #clock: Clock
  /** The first missing sequence by partition and producer; oldest first. */
  readonly #gaps = new Map<string, Gap>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The batch was refused. */
  open(log: PartitionLog, batch: Sequenced): void {
    if (batch.producerId < 0) return
    const key = keyOf(log, batch)
    const sequence = this.#gaps.get(key)?.sequence
    if (sequence !== undefined && isAfter(batch.baseSequence, sequence)) return
    this.#gaps.delete(key)
    this.#gaps.set(key, { sequence: batch.baseSequence, since: this.#clock.monotonic() })
    this.#forget()
  }

  /** The batch has come again. */
  close(log: PartitionLog, batch: Sequenced): void {
    if (this.#gaps.size === 0 || batch.producerId < 0) return
    const key = keyOf(log, batch)
    if (this.#gaps.get(key)?.sequence === batch.baseSequence) this.#gaps.delete(key)
  }

  /**
   * Whether a batch of the same producer is missing before this one. Once the state knows the producer, it judges by itself:
   * the missing batch may have been stored after all, or by another broker to which it was sent again.
   */
  isBefore(log: PartitionLog, batch: Sequenced): boolean {
    if (this.#gaps.size === 0 || batch.producerId < 0) return false
    const gap = this.#gaps.get(keyOf(log, batch))
    if (gap === undefined) return false
    const known = log.producers.histories.get(batch.producerId)
    if (known !== undefined && known.epoch >= batch.producerEpoch) return false
    if (this.#clock.monotonic() - gap.since > FORGOTTEN_AFTER_MS) return false
    return isAfter(batch.baseSequence, gap.sequence)
  }

  #forget(): void {
    const old = this.#clock.monotonic() - FORGOTTEN_AFTER_MS
    for (const [key, { since }] of this.#gaps) {
      if (since >= old && this.#gaps.size <= MOST_GAPS) return
      this.#gaps.delete(key)
    }
  }
}

const keyOf = (log: PartitionLog, { producerId, producerEpoch }: Sequenced): string =>
  `${log.topicId}/${log.partition}/${producerId}/${producerEpoch}`

/** On a number line that wraps from 2^31 - 1 to 0, the nearer half ahead is after. */
function isAfter(sequence: number, other: number): boolean {
  const ahead = (sequence - other + SEQUENCES) % SEQUENCES
  return ahead > 0 && ahead < SEQUENCES / 2
}
