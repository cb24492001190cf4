/**
 * From frames to handlers and back: reads the header, chooses the codec, calls the handler, writes the answer.
 *
 * As Kafka does, a request that cannot be read (unknown API, version outside its range, malformed body) closes the
 * connection, as does one that may not be asked before the client has authenticated. There is one exception: an ApiVersions request of an unknown version is answered in version 0 with
 * UNSUPPORTED_VERSION and the range of ApiVersions itself, so that a newer client can step down (KIP-511). Bytes behind
 * the body are ignored, as Kafka does: librdkafka 2.16 sends some behind Metadata requests.
 */
import type { Clock } from '../clock.ts'
import type { Quotas } from '../security/quotas.ts'
import { type ApiName, apiName, apis, requestHeaderVersion, responseHeaderVersion } from '../wire/api.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newApiVersionsResponse,
  newApiVersionsResponseApiKey,
  readRequestHeader,
  writeResponseHeader,
} from '../wire/messages.gen.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'
import { isAdvertised } from './advertised.ts'
import { errorCodesIn } from './error-codes.ts'
import type { Client, Handlers } from './handler.ts'

/** One per request, also when it failed. */
export interface RequestReport {
  readonly api: ApiName
  readonly ms: number
  /** What made the connection close, if anything did. */
  readonly failure: unknown
  /** The error codes in the answer. */
  readonly errorCodes: readonly number[]
}

export interface DispatcherOptions {
  readonly handlers: Handlers
  readonly clock: Clock
  readonly quotas?: Quotas
  readonly onRequest?: (report: RequestReport) => void
}

export class Dispatcher {
  readonly #options: DispatcherOptions
  /** What is to be done when a response has left. */
  readonly #afterSending = new WeakMap<readonly Buffer[], () => void>()

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  /** Resolves with the response in pieces, or with null when there is none. Rejects when the connection must be closed. */
  async handle(frame: Buffer, client: Client): Promise<readonly Buffer[] | null> {
    const { authentication } = client
    if (authentication.takesBareTokens) return bareToken(frame, client)
    const reader = new Reader(frame)
    const key = reader.int16()
    const version = reader.int16()
    const name = apiName(key)
    if (name === undefined || !isAdvertised(name)) throw new WireError(`API ${key} is not served`)
    if (!authentication.admits(name)) throw new WireError(`${name} before authentication`)
    const { firstVersion, lastVersion } = apis[name]
    if (version < firstVersion || version > lastVersion) {
      if (name === 'ApiVersions') return tooNewApiVersions(reader)
      throw new WireError(`${name} version ${version} is not served`)
    }
    const began = this.#options.clock.monotonic()
    const errorCodes: number[] = []
    let failure: unknown
    try {
      return await this.#answer(name, version, frame, client, errorCodes)
    } catch (cause) {
      failure = cause
      throw cause
    } finally {
      this.#options.onRequest?.({ api: name, ms: this.#options.clock.monotonic() - began, failure, errorCodes })
    }
  }

  /**
   * What a request takes of the processor until it waits for something (KIP-124): gives the ms for which the client has to be
   * quiet.
   */
  #countTime(clientId: string, client: Client, ms: number): number {
    const { principal } = client.authentication
    const quietMs = this.#options.quotas?.record('request', { principal, clientId }, ms / MS_PER_PERCENT) ?? 0
    if (quietMs > 0) client.quiet(quietMs)
    return quietMs
  }

  /** The response has left, or never will. */
  sent(response: readonly Buffer[]): void {
    this.#afterSending.get(response)?.()
    this.#afterSending.delete(response)
  }

  async #answer<Name extends ApiName>(
    name: Name,
    version: number,
    frame: Buffer,
    client: Client,
    errorCodes: number[],
  ): Promise<readonly Buffer[] | null> {
    const api = apis[name]
    const began = this.#options.clock.monotonic()
    const reader = new Reader(frame)
    const header = readRequestHeader(reader, requestHeaderVersion(name, version))
    const request = api.readRequest(reader, version)
    const handler: Handlers[Name] = this.#options.handlers[name]
    if (handler === undefined) throw new WireError(`${name} is not served`)
    let afterSending: (() => void) | undefined
    const onSent = (callback: () => void): void => {
      afterSending = callback
    }
    const clientId = header.clientId ?? ''
    const answer = handler(request, { version, clientId, client, onSent })
    const quietMs = this.#countTime(clientId, client, this.#options.clock.monotonic() - began)
    const given = await answer
    if (given === null) return null
    errorCodesIn(given, errorCodes)
    const response = quietMs > 0 ? told(given, quietMs) : given
    try {
      const writer = new Writer()
      writeResponseHeader(writer, { correlationId: header.correlationId }, responseHeaderVersion(name, version))
      api.writeResponse(writer, response, version)
      const { buffers } = writer.finish()
      if (afterSending !== undefined) this.#afterSending.set(buffers, afterSending)
      return buffers
    } catch (cause) {
      afterSending?.()
      throw cause
    }
  }
}

/** Of a second. */
const MS_PER_PERCENT = 10

/** A client may have been told of another quota already. */
function told<Response extends object>(response: Response, quietMs: number): Response {
  if (!('throttleTimeMs' in response)) return response
  return { ...response, throttleTimeMs: Math.max(Number(response.throttleTimeMs), quietMs) }
}

/** After a SaslHandshake of version 0 tokens come and go without header; a failure has no answer but the end. */
async function bareToken(frame: Buffer, { authentication }: Client): Promise<readonly Buffer[]> {
  const answer = await authentication.authenticate(frame)
  if (answer.errorCode !== errorCode.NONE) throw new WireError(answer.errorMessage ?? 'authentication failed')
  return [answer.token]
}

function tooNewApiVersions(reader: Reader): readonly Buffer[] {
  const correlationId = reader.int32()
  const { key, firstVersion, lastVersion } = apis.ApiVersions
  const range = newApiVersionsResponseApiKey({ apiKey: key, minVersion: firstVersion, maxVersion: lastVersion })
  const response = newApiVersionsResponse({ errorCode: errorCode.UNSUPPORTED_VERSION, apiKeys: [range] })
  const writer = new Writer()
  writeResponseHeader(writer, { correlationId }, 0)
  apis.ApiVersions.writeResponse(writer, response, 0)
  return writer.finish().buffers
}
