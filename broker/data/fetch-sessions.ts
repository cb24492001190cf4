/**
 * Fetch sessions (KIP-227): a consumer names its partitions once and afterwards only what changes; it is answered only
 * about partitions that have something new.
 *
 * A session belongs to the connection's client by its id alone, as in Kafka. States of a request, by (session id, epoch):
 *   (any, -1)  sessionless full fetch; the session named is closed
 *   (any,  0)  full fetch that opens a session (and closes the one named)
 *   (id,   n)  incremental fetch: n must be the epoch that the last answer implied, else INVALID_FETCH_SESSION_EPOCH
 * When the cache is full a new session pushes out one that has been idle for long, else it is not made: the client then
 * gets full answers, which are always correct.
 */
import type { Clock } from '../clock.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'

/** `max.incremental.fetch.session.cache.slots`. */
const SLOTS = 1000
/** `min.incremental.fetch.session.eviction.ms`. */
const EVICTABLE_AFTER_MS = 120_000
const LAST_EPOCH = 0x7fffffff
const SESSIONLESS = -1

export interface FetchedPartition {
  /** Empty when the request names topics by id. */
  readonly topic: string
  /** The zero uuid when the request names topics by name. */
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
  /** Bytes. */
  readonly maxBytes: number
}

/** What the client was last told of a partition. */
interface Told {
  highWatermark: number
  logStartOffset: number
  lastStableOffset: number
}

interface CachedPartition extends Told {
  wanted: FetchedPartition
}

interface Session {
  readonly id: number
  readonly usesTopicIds: boolean
  /** Epoch that the next request must carry. */
  epoch: number
  usedAt: number
  /** In the order in which they are to be served: who got records goes to the end. */
  readonly partitions: Map<string, CachedPartition>
}

export interface FetchRequestSession {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly usesTopicIds: boolean
  readonly partitions: readonly FetchedPartition[]
  readonly forgotten: readonly Pick<FetchedPartition, 'topic' | 'topicId' | 'partition'>[]
}

export interface PartitionAnswer extends Told {
  readonly errorCode: number
  /** Bytes of records. */
  readonly bytes: number
}

/** One request's view of its session. */
export interface FetchContext {
  /** 0 when there is no session. */
  readonly sessionId: number
  readonly partitions: readonly FetchedPartition[]
  /** Must this partition be in the answer? Also notes what the client is told; call once per answer. */
  tell(partition: FetchedPartition, answer: PartitionAnswer): boolean
}

export class FetchSessions {
  readonly #clock: Clock
  readonly #randomId: () => number
  readonly #sessions = new Map<number, Session>()

  /** `randomId` gives whole numbers from 1 to 2^31 - 1. */
  constructor(clock: Clock, randomId: () => number) {
    this.#clock = clock
    this.#randomId = randomId
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Throws KafkaError FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or FETCH_SESSION_TOPIC_ID_ERROR. */
  begin(request: FetchRequestSession): FetchContext {
    if (request.sessionEpoch === SESSIONLESS || request.sessionEpoch === 0) {
      this.#sessions.delete(request.sessionId)
      const session = request.sessionEpoch === 0 ? this.#open(request) : undefined
      return fullContext(request.partitions, session)
    }
    return incrementalContext(this.#continue(request))
  }

  #open(request: FetchRequestSession): Session | undefined {
    if (request.partitions.length === 0 || !this.#makeRoom()) return undefined
    let id = this.#randomId()
    while (this.#sessions.has(id)) id = this.#randomId()
    const usedAt = this.#clock.monotonic()
    const session: Session = { id, usesTopicIds: request.usesTopicIds, epoch: 1, usedAt, partitions: new Map() }
    this.#sessions.set(id, session)
    return session
  }

  #makeRoom(): boolean {
    if (this.#sessions.size < SLOTS) return true
    const [oldest] = this.#sessions.values()
    if (oldest === undefined || this.#clock.monotonic() - oldest.usedAt < EVICTABLE_AFTER_MS) return false
    return this.#sessions.delete(oldest.id)
  }

  #continue(request: FetchRequestSession): Session {
    const session = this.#sessions.get(request.sessionId)
    if (session === undefined) throw new KafkaError(errorCode.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== request.sessionEpoch) throw new KafkaError(errorCode.INVALID_FETCH_SESSION_EPOCH)
    if (session.usesTopicIds !== request.usesTopicIds) throw new KafkaError(errorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    session.epoch = session.epoch === LAST_EPOCH ? 1 : session.epoch + 1
    session.usedAt = this.#clock.monotonic()
    // Least recently used first, so that the oldest is found without a search.
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
    for (const partition of request.forgotten) session.partitions.delete(nameOf(partition))
    for (const wanted of request.partitions) {
      const known = session.partitions.get(nameOf(wanted))
      if (known === undefined) session.partitions.set(nameOf(wanted), { wanted, ...NEVER_TOLD })
      else known.wanted = wanted
    }
    return session
  }
}

const NEVER_TOLD: Told = { highWatermark: -1, logStartOffset: -1, lastStableOffset: -1 }

function fullContext(partitions: readonly FetchedPartition[], session: Session | undefined): FetchContext {
  return {
    sessionId: session?.id ?? 0,
    partitions,
    tell: (wanted, { highWatermark, logStartOffset, lastStableOffset }) => {
      session?.partitions.set(nameOf(wanted), { wanted, highWatermark, logStartOffset, lastStableOffset })
      return true
    },
  }
}

function incrementalContext(session: Session): FetchContext {
  return {
    sessionId: session.id,
    partitions: [...session.partitions.values()].map(({ wanted }) => wanted),
    tell: (wanted, answer) => {
      const name = nameOf(wanted)
      const known = session.partitions.get(name)
      if (known === undefined) return answer.bytes > 0 || answer.errorCode !== errorCode.NONE
      const news =
        answer.bytes > 0 ||
        answer.errorCode !== errorCode.NONE ||
        answer.highWatermark !== known.highWatermark ||
        answer.logStartOffset !== known.logStartOffset ||
        answer.lastStableOffset !== known.lastStableOffset
      const failed = answer.errorCode !== errorCode.NONE
      // After an error the client must hear of the partition again once it is well.
      known.highWatermark = failed ? -1 : answer.highWatermark
      known.logStartOffset = answer.logStartOffset
      known.lastStableOffset = answer.lastStableOffset
      if (answer.bytes > 0) {
        session.partitions.delete(name)
        session.partitions.set(name, known)
      }
      return news
    },
  }
}

function nameOf({ topic, topicId, partition }: Pick<FetchedPartition, 'topic' | 'topicId' | 'partition'>): string {
  return `${topicId}/${topic}/${partition}`
}
