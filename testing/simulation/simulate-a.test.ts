// Half of the histories that every run of the tests goes through; the other half is in the sibling file, so that both
// cores are busy. `make simulate` runs as many as one likes.

import { expect, test } from '@jest/globals'
import { seedsFrom, simulateSeeds } from './seeds.ts'

test('a thousand histories of faults, and nothing acknowledged is lost, doubled or moved', async () => {
  const report = await simulateSeeds(seedsFrom(1, 1000, 2))
  expect(report.failures).toEqual([])
  expect(report.acknowledged).toBeGreaterThan(20_000)
  expect(report.reads).toBeGreaterThan(100_000)
  expect(report.kills).toBeGreaterThan(1000)
}, 300_000)
