/**
 * The digests of a state at round positions, by which brokers find out that one of them went wrong: all of them have the
 * same digest as of the last event at or before the same position.
 */
import type { Progress, ProgressAudit } from './commands.gen.ts'

/** Positions whose digest is kept are multiples of this. */
const STEP = 128
const KEPT = 8

export class Audits {
  #recent: ProgressAudit[] = []

  /** Ascending by position. */
  get recent(): readonly ProgressAudit[] {
    return this.#recent
  }

  /** To be called before the event at position `next` is applied. */
  beforeEvent({ position, digest }: { readonly position: number; readonly digest: number }, next: number): void {
    const passed = Math.floor((next - 1) / STEP) * STEP
    if (passed < position || passed === 0) return
    this.#recent = [...this.#recent, { position: passed, digest }].slice(-KEPT)
  }
}

/** True when no two of them differ at a position that both have. */
export function agree(all: readonly Pick<Progress, 'audits'>[]): boolean {
  const known = new Map<number, number>()
  for (const { position, digest } of all.flatMap(({ audits }) => audits)) {
    if ((known.get(position) ?? digest) !== digest) return false
    known.set(position, digest)
  }
  return true
}

/**
 * True when the digest of `own` differs from that of most brokers at the latest position that it shares with any. Of two
 * that differ nobody knows which is right: both are taken for wrong.
 */
export function isOutvoted(own: Pick<Progress, 'audits'>, others: readonly Pick<Progress, 'audits'>[]): boolean {
  for (const { position, digest } of own.audits.toReversed()) {
    const votes = others.flatMap(({ audits }) => audits.find(audit => audit.position === position)?.digest ?? [])
    if (votes.length === 0) continue
    const agreeing = votes.filter(vote => vote === digest).length + 1
    return agreeing * 2 <= votes.length + 1
  }
  return false
}
