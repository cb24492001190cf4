/**
 * What brokers tell each other beside the entries: how far each has applied, and what its state amounts to there. Objects
 * may be deleted once everybody is past their last use, and a broker whose state went wrong is found out.
 */
import type { Clock, Timer } from '../clock.ts'
import type { Epoch, Ledger, Position } from '../ledger/ledger.ts'
import type { Replica } from '../ledger/replica.ts'
import type { Logger } from '../observe/logger.ts'
import { agree, isOutvoted } from '../state/audits.ts'
import { type Progress, readProgress, writeProgress } from '../state/commands.gen.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'

const EVERY_MS = 1000

export interface ProgressParts {
  readonly ledger: Ledger
  readonly replica: Replica
  readonly clock: Clock
  readonly log: Logger
}

/** Publishes this broker's progress while it changes. */
export class ProgressReports {
  readonly #parts: ProgressParts
  #timer: Timer | undefined
  #published: Position = 0
  #stopped = false

  constructor(parts: ProgressParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = this.#parts.clock.setTimeout(() => void this.#report(), EVERY_MS)
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== undefined) this.#parts.clock.clearTimeout(this.#timer)
  }

  async #report(): Promise<void> {
    const { ledger, replica, log } = this.#parts
    const { progress } = replica
    // Alone in the cluster there is nobody to tell.
    if (progress.position !== this.#published && replica.state.sessions.size > 1) {
      try {
        await ledger.publishProgress(replica.epoch, encodeProgress(progress))
        this.#published = progress.position
      } catch (cause) {
        log.debug({ error: String(cause) }, 'progress could not be published')
      }
    }
    if (!this.#stopped) this.start()
  }
}

/** The progress of the other members, by epoch; of those that have published none, their start. */
export async function progressOfOthers({ ledger, replica }: ProgressParts): Promise<ReadonlyMap<Epoch, Progress>> {
  const others = [...replica.state.sessions.keys()].filter(epoch => epoch !== replica.epoch)
  if (others.length === 0) return new Map()
  const published = await ledger.progress()
  return new Map(
    others.map(epoch => {
      const bytes = published.get(epoch)
      // A member serves only after it has applied its own session.
      return [epoch, bytes === undefined ? { position: epoch, audits: [] } : readProgress(new Reader(bytes), 0)]
    }),
  )
}

/** The position that every live broker has applied; `own` is this broker's from before it asked for the others'. */
export function appliedByAll(own: Position, others: ReadonlyMap<Epoch, Progress>): Position {
  return Math.min(own, ...[...others.values()].map(({ position }) => position))
}

/**
 * Throws away this broker's state when most others have another one. False while any two brokers differ: then nobody knows
 * whose state is right, and nothing may be deleted by any.
 */
export function audit({ replica, log }: ProgressParts, others: ReadonlyMap<Epoch, Progress>): boolean {
  const progresses = [replica.progress, ...others.values()]
  if (!isOutvoted(replica.progress, [...others.values()])) return agree(progresses)
  log.error(
    { audits: replica.progress.audits },
    'the state of this broker differs from that of others: it is read anew',
  )
  replica.distrust(new Error('the state differs from that of the other brokers'))
  return false
}

function encodeProgress(progress: Progress): Buffer {
  const writer = new Writer()
  writeProgress(writer, progress, 0)
  return Buffer.concat(writer.finish().buffers)
}
