// How long each test file took when it ran last. It is kept outside the repository, so that a fresh clone knows it too.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { cacheRoot } from '../parts/cache.ts'

/** Seconds by path from the repository's root. */
export type Durations = Readonly<Record<string, number>>

const durations = z.record(z.string(), z.number())
const FILE = 'test-durations.json'

/** Empty where nothing is known, or what is kept cannot be read: it only makes tests end sooner. */
export function knownDurations(folder = cacheRoot()): Durations {
  try {
    return durations.parse(JSON.parse(readFileSync(join(folder, FILE), 'utf8')))
  } catch {
    return {}
  }
}

/** Those of other files stay as they were. Does nothing where nothing can be written. */
export function rememberDurations(found: Durations, folder = cacheRoot()): void {
  const unfinished = join(folder, `${FILE}.${process.pid}`)
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(unfinished, JSON.stringify({ ...knownDurations(folder), ...found }))
    renameSync(unfinished, join(folder, FILE))
  } catch (error) {
    console.error(`how long tests took is not remembered: ${error instanceof Error ? error.message : error}`)
  }
}

/** The longest first, so that no worker is left with it at the end; what is not known comes before all. */
export function longestFirst<File>(files: readonly File[], pathOf: (file: File) => string, known: Durations): File[] {
  const seconds = (file: File): number => known[pathOf(file)] ?? Number.MAX_VALUE
  return [...files].sort((a, b) => seconds(b) - seconds(a))
}
