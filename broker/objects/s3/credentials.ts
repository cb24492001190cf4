// Credentials that expire (a role, a web identity, a machine's instance metadata) are fetched again before they do.
//
// none        -> the first `get` waits for the provider
// fresh       -> `get` answers at once
// aging       -> five minutes before they expire: `get` answers at once with the old ones, one refresh runs meanwhile
// expired     -> `get` waits for the refresh and rejects when it fails
// A refresh that failed is tried again after a pause, not with each request.

import type { Clock } from '../../clock.ts'
import type { Credentials } from './sigv4.ts'

/** Gives current credentials; rejects when it knows none. */
export type CredentialProvider = () => Promise<Credentials>

/** No provider gave credentials; `cause` says why. */
export class NoCredentials extends Error {
  override name = 'NoCredentials'
}

const refreshBeforeMs = 5 * 60_000
/** Requests that take a while must not carry credentials that expire under way. */
const safetyMs = 15_000
const pauseAfterFailureMs = 10_000
/** A metadata service that hangs must not hang all requests. */
const providerTimeoutMs = 15_000

export class CredentialSource {
  readonly #provider: CredentialProvider
  readonly #clock: Clock
  readonly #onWarning: (line: string) => void
  #current: Credentials | undefined
  #refresh: Promise<Credentials> | undefined
  #failedAt: number | undefined

  constructor(provider: CredentialProvider, clock: Clock, onWarning: (line: string) => void) {
    this.#provider = provider
    this.#clock = clock
    this.#onWarning = onWarning
  }

  /** Credentials for a request that is sent now. Rejects with NoCredentials. */
  async get(): Promise<Credentials> {
    const current = this.#current
    const left = this.#msLeft()
    if (current === undefined || left <= safetyMs) return this.#refreshed()
    // The warning tells; the old ones do until they expire.
    if (left <= refreshBeforeMs && this.#mayTry()) this.#refreshed().catch(() => {})
    return current
  }

  /** The store refused these as expired: the next `get` waits for others. */
  refuse(credentials: Credentials): void {
    if (this.#current === credentials) this.#current = undefined
  }

  #msLeft(): number {
    return (this.#current?.expiration ?? Number.POSITIVE_INFINITY) - this.#clock.now()
  }

  #mayTry(): boolean {
    return this.#failedAt === undefined || this.#clock.monotonic() - this.#failedAt >= pauseAfterFailureMs
  }

  #refreshed(): Promise<Credentials> {
    this.#refresh ??= this.#fetch().finally(() => {
      this.#refresh = undefined
    })
    return this.#refresh
  }

  async #fetch(): Promise<Credentials> {
    try {
      this.#current = await this.#inTime(this.#provider())
      this.#failedAt = undefined
      return this.#current
    } catch (error) {
      this.#failedAt = this.#clock.monotonic()
      const why = error instanceof Error ? error.message : String(error)
      this.#onWarning(`the S3 credentials could not be fetched: ${why}`)
      throw new NoCredentials(why, { cause: error })
    }
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = this.#clock.setTimeout(
      () => reject(new Error(`no provider answered in ${providerTimeoutMs / 1000} s`)),
      providerTimeoutMs,
    )
    try {
      return await Promise.race([work, promise])
    } finally {
      this.#clock.clearTimeout(timer)
    }
  }
}

/** The same credentials for ever. */
export const fixedCredentials =
  (credentials: Credentials): CredentialProvider =>
  async () =>
    credentials

/**
 * The AWS SDK's default chain: environment, shared files and SSO, web identity (IRSA), container and instance metadata.
 * It is loaded only when used: it is larger than all of the store.
 */
export const defaultCredentials = (): CredentialProvider => {
  let chain: Promise<(options: { forceRefresh: boolean }) => Promise<SdkCredentials>> | undefined
  return async () => {
    chain ??= import('@aws-sdk/credential-provider-node').then(sdk => sdk.defaultProvider())
    const found = await (await chain)({ forceRefresh: true })
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = found
    return { accessKeyId, secretAccessKey, sessionToken, expiration: expiration?.getTime() }
  }
}

interface SdkCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}
