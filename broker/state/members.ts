/**
 * The members of the cluster: the brokers whose sessions are open, as far as the state has been applied. All brokers at
 * the same position see the same members, so they agree on who does what without asking each other.
 */
import { Reader } from '../wire/reader.ts'
import type { ClusterState, Session } from './cluster-state.ts'
import { type BrokerInfo, readBrokerInfo } from './commands.gen.ts'

export interface Member extends BrokerInfo {
  readonly epoch: number
}

const parsed = new WeakMap<Session, Member>()

/** In order of broker id. */
export function members({ sessions }: Pick<ClusterState, 'sessions'>): Member[] {
  return [...sessions.values()].map(memberOf).sort((a, b) => a.brokerId - b.brokerId)
}

export function memberOf(session: Session): Member {
  const known = parsed.get(session)
  if (known !== undefined) return known
  const member = { ...readBrokerInfo(new Reader(session.info), 0), epoch: session.epoch }
  parsed.set(session, member)
  return member
}

/**
 * The one of the candidates that the key falls to (rendezvous hashing): a key moves only when its own candidate goes or
 * when a new one takes it, so a change of one among n moves one key in n. Undefined when there are no candidates.
 */
export function rendezvous<Candidate extends Pick<Member, 'brokerId'>>(
  key: string,
  candidates: Iterable<Candidate>,
): Candidate | undefined {
  const base = hashOf(key)
  let chosen: Candidate | undefined
  let highest = -1
  for (const candidate of candidates) {
    const weight = finish(base ^ Math.imul(candidate.brokerId + 1, 0x9e3779b1))
    if (weight < highest || (weight === highest && candidate.brokerId > (chosen?.brokerId ?? 0))) continue
    highest = weight
    chosen = candidate
  }
  return chosen
}

/** FNV-1a over the UTF-16 units. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  return hash
}

/** The finaliser of murmur3: without it neighbouring broker ids get correlated weights. */
function finish(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
