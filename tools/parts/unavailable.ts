// What to do when a part cannot be had on this machine: say so aloud, and in CI fail.

/** The part cannot be installed here; the message says why in one line. */
export class PartUnavailable extends Error {
  override name = 'PartUnavailable'
}

export type Available<T> = { have: true; part: T } | { have: false; why: string }

/**
 * The part, or the reason why a suite is left out. With `CI=true` nothing is left out: the reason is thrown.
 * Any other error (a bug of an installer) is thrown in any case.
 */
export async function available<T>(wanted: Promise<T>, env: NodeJS.ProcessEnv = process.env): Promise<Available<T>> {
  try {
    return { have: true, part: await wanted }
  } catch (error) {
    if (!(error instanceof PartUnavailable) || env.CI === 'true') throw error
    return { have: false, why: error.message }
  }
}
