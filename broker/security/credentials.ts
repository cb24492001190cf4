/** What the cluster knows of its users, for the authentication at listeners: empty while the broker has no place in it. */
import type { ScramCredential, ScramMechanism } from './scram.ts'

export interface Credentials {
  readonly scram: (mechanism: ScramMechanism, user: string) => ScramCredential | undefined
  /** Letters and digits that nobody can guess. */
  readonly newNonce: () => string
}
