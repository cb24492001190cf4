// Smoothing by time: a value counts half as much after each half-life, however often it was looked at in between.

/** `value` with what was known before it; `elapsedMs` since then. */
export function smoothed(before: number | undefined, value: number, elapsedMs: number, halfLifeMs: number): number {
  if (before === undefined || elapsedMs < 0) return value
  const kept = 0.5 ** (elapsedMs / halfLifeMs)
  return before * kept + value * (1 - kept)
}
