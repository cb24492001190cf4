/**
 * The table of APIs that we have codecs for, typed so that a dispatcher needs no casts: for a name `N` of type `ApiName`,
 * `apis[N]` reads a `RequestOf<N>` and writes a `ResponseOf<N>`. What a broker advertises is decided elsewhere.
 */

import { type ApiMessages, apis } from './gen/apis.gen.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

export type ApiName = keyof ApiMessages
export type RequestOf<Name extends ApiName> = ApiMessages[Name]['request']
export type ResponseOf<Name extends ApiName> = ApiMessages[Name]['response']

export interface Api<Name extends ApiName> {
  readonly key: number
  readonly name: Name
  /** Smallest and largest version that the codecs know, both included. */
  readonly firstVersion: number
  readonly lastVersion: number
  /** First flexible version (KIP-482); infinity for never. */
  readonly flexibleSince: number
  /** All four throw `WireError` for versions out of range and for what the version cannot express. */
  readonly readRequest: (reader: Reader, version: number) => RequestOf<Name>
  readonly readResponse: (reader: Reader, version: number) => ResponseOf<Name>
  readonly writeRequest: (writer: Writer, message: RequestOf<Name>, version: number) => void
  readonly writeResponse: (writer: Writer, message: ResponseOf<Name>, version: number) => void
}

export { apis }

const namesByKey = new Map<number, ApiName>(Object.values(apis).map(api => [api.key, api.name]))

/** The name for an API key, or undefined when we have no codec for it. */
export function apiName(key: number): ApiName | undefined {
  return namesByKey.get(key)
}

/** Version of the header in front of a request. */
export function requestHeaderVersion(name: ApiName, version: number): number {
  return version >= apis[name].flexibleSince ? 2 : 1
}

/** Version of the header in front of a response. Always 0 for ApiVersions, whose reader does not know yet whom it talks to (KIP-511). */
export function responseHeaderVersion(name: ApiName, version: number): number {
  return name !== 'ApiVersions' && version >= apis[name].flexibleSince ? 1 : 0
}
