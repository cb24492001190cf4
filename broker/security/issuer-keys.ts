/**
 * The keys that an issuer of tokens publishes (JWKS, RFC 7517).
 *
 * Promises, as Apache Kafka does (KIP-768, RefreshingHttpsJwks): keys that came once count until others come, however long the
 * issuer is down; an issuer is asked again after ten minutes, sooner for a key that is not known, and never so often that
 * tokens of strangers could make the broker a burden for it.
 */
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../clock.ts'

export interface IssuerParts {
  readonly clock: Clock
  /** Told of each try to get keys that failed. */
  readonly onProblem: (message: string) => void
}

/** For one answer of the issuer. */
const TIMEOUT_MS = 5000
const RELOAD_AFTER_MS = 10 * 60_000
/** At the least between two requests. */
const PAUSE_MS = 30_000
/** Without keys nobody comes in, so the first tries follow each other sooner, each after twice as long. */
const FIRST_PAUSE_MS = 1000

export class IssuerKeys {
  readonly #url: URL
  readonly #parts: IssuerParts
  readonly #published: ReturnType<typeof createRemoteJWKSet>
  /** Monotonic, ms. */
  #loadedAt: number | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  /** In a row. */
  #failures = 0
  #failure: unknown
  #loading: Promise<void> | undefined

  constructor(url: string, parts: IssuerParts) {
    this.#url = new URL(url)
    this.#parts = parts
    // It asks only when told to: jose by itself drops keys with their age.
    const never = Number.POSITIVE_INFINITY
    this.#published = createRemoteJWKSet(this.#url, {
      timeoutDuration: TIMEOUT_MS,
      cacheMaxAge: never,
      cooldownDuration: never,
    })
  }

  /** The key that a token names. Rejects with what jose rejects with. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    await this.#refresh()
    if (this.#loadedAt === undefined) throw this.#failure
    try {
      return await this.#published(header, token)
    } catch (cause) {
      if (!(cause instanceof errors.JWKSNoMatchingKey)) throw cause
      await this.#load()
      return this.#published(header, token)
    }
  }

  async #refresh(): Promise<void> {
    const isFresh = this.#loadedAt !== undefined && this.#parts.clock.monotonic() - this.#loadedAt < RELOAD_AFTER_MS
    if (isFresh) return
    const loading = this.#load()
    // Nobody waits for an issuer that did not answer the last time, as long as there are keys.
    if (this.#loadedAt === undefined || this.#failures === 0) await loading
  }

  /** Resolves when an answer has come, or it is too early to ask for one. */
  async #load(): Promise<void> {
    const isTooEarly = this.#parts.clock.monotonic() - this.#askedAt < this.#pauseMs()
    if (this.#loading === undefined && isTooEarly) return
    this.#loading ??= this.#ask().finally(() => {
      this.#loading = undefined
    })
    await this.#loading
  }

  #pauseMs(): number {
    if (this.#loadedAt !== undefined) return PAUSE_MS
    return Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), PAUSE_MS)
  }

  async #ask(): Promise<void> {
    const { clock, onProblem } = this.#parts
    this.#askedAt = clock.monotonic()
    try {
      await this.#published.reload()
      this.#loadedAt = clock.monotonic()
      this.#failures = 0
    } catch (cause) {
      this.#failures++
      this.#failure = cause
      onProblem(`the keys at ${this.#url.origin}${this.#url.pathname} do not come${this.#meanwhile()}: ${cause}`)
    }
  }

  #meanwhile(): string {
    if (this.#loadedAt === undefined) return ', so that no token can be checked'
    const minutes = Math.floor((this.#parts.clock.monotonic() - this.#loadedAt) / 60_000)
    return `, those of ${minutes} minutes ago go on to count`
  }
}
