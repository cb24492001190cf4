/** What a client has to know of a listener, and how values are written that it looks up for itself. */
import type { SecurityProtocol } from '../broker/security/listener-security.ts'
import type { Mechanism } from '../broker/security/sasl.ts'

export interface ClientFacts {
  /** HOST:PORT, several by commas. */
  readonly bootstrap: string
  readonly protocol: SecurityProtocol
  readonly mechanism: Mechanism | undefined
  /** With OAUTHBEARER the id of a client at the issuer of tokens; by default the value of KAFKA_CLIENT_ID. */
  readonly user: string | undefined
  /** Paths of PEM files. */
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

/** What stands in a configuration for a value that is looked up when it is read. */
export const placeholder = (name: string): string => ['$', '{', name, '}'].join('')

export function lines(texts: readonly string[]): string {
  return texts.map(text => `${text}\n`).join('')
}
