// How long to wait after failures in a row: doubling from `baseMs` to `capMs`, and spread, so that those who failed together
// do not come again together.

export interface Backoff {
  readonly baseMs: number
  readonly capMs: number
}

/** Source of numbers in [0, 1), such as Math.random. */
export type Random = () => number

/** The wait before the try after `failures` failures, in ms: between half of and the full doubled time. */
export function backoffDelay(failures: number, { baseMs, capMs }: Backoff, random: Random): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 50))
  return full * (0.5 + random() / 2)
}
