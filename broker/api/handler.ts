/**
 * What a handler is: a function from one typed request to its typed response. Handlers never see bytes or sockets.
 *
 * A handler does what depends on the order of requests before its first `await`. It answers bad input by the error codes
 * of its response; what it throws closes the connection, so it throws only where Kafka closes too.
 */
import type { Authentication } from '../security/authentication.ts'
import type { Access } from '../security/authorizer.ts'
import type { ApiName, RequestOf, ResponseOf } from '../wire/api.ts'

/** What the broker keeps for a client's connection. */
export interface Client {
  /** Name of the listener that the client came in by. */
  readonly listener: string
  /** IP address. */
  readonly host: string
  /** Who the client is, and what it may ask before that is known. */
  readonly authentication: Authentication
  /** What it may do. */
  readonly access: Access
  /** No more of its requests are read for so many ms. */
  quiet(ms: number): void
  /** Aborts when the client is gone. */
  readonly gone: AbortSignal
  /** `ClientSoftwareName` and `ClientSoftwareVersion` of its ApiVersions request (KIP-511); empty before. */
  softwareName: string
  softwareVersion: string
}

export interface RequestContext {
  /** Version of the request, within the advertised range. */
  readonly version: number
  readonly clientId: string
  readonly client: Client
  /** Calls back once the answer has left, or never will. Without it the answer counts as gone when it is given. */
  readonly onSent?: (callback: () => void) => void
}

/** Null is no answer at all: a Produce request with acks=0. */
export type Handler<Name extends ApiName> = (
  request: RequestOf<Name>,
  context: RequestContext,
) => ResponseOf<Name> | null | Promise<ResponseOf<Name> | null>

export type Handlers = { readonly [Name in ApiName]?: Handler<Name> }
