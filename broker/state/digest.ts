/**
 * The rolling hash of the state: a mix of every event's position, every verdict, and how many things the state knows after
 * it, which tells of trims and roll-ups. Two brokers whose digests differ at the same position have diverged. Not for security: it only has to notice accidents.
 */
import type { Outcome } from './outcome.ts'

export function mixDigest(
  digest: number,
  position: number,
  outcomes: readonly Outcome[],
  sizes: readonly number[],
): number {
  let mixed = mix(digest, position)
  for (const outcome of outcomes) {
    mixed = mix(mix(mixed, outcome.errorCode), outcome.firstProducerId)
    for (const span of outcome.spans) mixed = mix(mix(mix(mixed, span.errorCode), span.baseOffset), span.logStartOffset)
  }
  for (const size of sizes) mixed = mix(mixed, size)
  return mixed >>> 0
}

/** One round of the murmur3 finaliser over both halves of a whole number. */
function mix(digest: number, value: number): number {
  let h = digest ^ (value | 0) ^ Math.imul(Math.floor(value / 0x1_0000_0000), 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) + Math.imul(digest, 31)
}
