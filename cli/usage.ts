/** Something is wrong with the words of the command line; the message says what, and what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
