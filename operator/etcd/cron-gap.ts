// The longest time between two runs of a cron schedule, about: enough to tell that runs are missing.

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const MACROS: Readonly<Record<string, number>> = {
  '@hourly': HOUR_MS,
  '@daily': DAY_MS,
  '@midnight': DAY_MS,
  '@weekly': 7 * DAY_MS,
  '@monthly': 31 * DAY_MS,
  '@yearly': 366 * DAY_MS,
  '@annually': 366 * DAY_MS,
}

/** Milliseconds. For what cannot be read it is a year: then nothing is said to be missing. */
export function cronGapMs(schedule: string): number {
  const macro = MACROS[schedule.trim()]
  if (macro !== undefined) return macro
  const [minute, hour, day, month, weekday, ...rest] = schedule.trim().split(/\s+/)
  if (minute === undefined || hour === undefined || weekday === undefined || rest.length > 0) return 366 * DAY_MS
  if (month !== '*') return 366 * DAY_MS
  if (day !== '*') return 31 * DAY_MS
  if (weekday !== '*') return 7 * DAY_MS
  const hours = stepOf(hour, 24)
  if (hours !== 1) return hours * HOUR_MS
  return stepOf(minute, 60) * 60_000
}

/** Of one field: how far its values are apart at the most, in a round of `all`. */
function stepOf(field: string, all: number): number {
  const every = /^\*(?:\/(\d+))?$/.exec(field)
  if (every !== null) return Number(every[1] ?? 1)
  const values = field.split(',').map(Number)
  if (values.some(Number.isNaN)) return all
  const sorted = [...values].sort((a, b) => a - b)
  return Math.max(...sorted.map((value, index) => (sorted[index + 1] ?? (sorted[0] ?? 0) + all) - value))
}
