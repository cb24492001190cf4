import { BadAddress } from '../broker/client/address.ts'

/** Something is wrong with the words of the command line; the message says what, and what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What is read of an option that says where something is. Throws UsageError. */
export function placed<Place>(option: string, read: () => Place): Place {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof BadAddress) throw new UsageError(`${option} ${cause.message}`)
    throw cause
  }
}
