// A rolling upgrade to a feature level that does not exist yet: what the next release's first brokers do to this one's.

import { beforeEach, expect, test } from '@jest/globals'
import { type Shared, sharedParts, startCore } from '../testing/memory-cluster.ts'
import { FEATURE_LEVEL, TooNew } from './state/commands.ts'

const NEXT = FEATURE_LEVEL + 1
const LONGER_THAN_UPKEEP_MS = 70_000

let shared: Shared

beforeEach(() => {
  shared = sharedParts()
})

test('the cluster stays at the old level while one broker is old, and rises when the last of them has gone', async () => {
  const old = await startCore(0, shared, [], FEATURE_LEVEL)
  const upgraded = await startCore(1, shared, [], NEXT)
  await shared.clock.advance(LONGER_THAN_UPKEEP_MS)
  expect(upgraded.core.replica.state.featureLevel).toBe(FEATURE_LEVEL)
  const body = { topicId: Buffer.alloc(16, 9).toString('base64url'), name: 'x', partitions: 1, replicationFactor: 1 }
  await shared.clock.until(upgraded.core.replica.submit({ type: 'createTopic', body: { ...body, configs: [] } }))
  await shared.clock.advance(100)
  expect(old.core.replica.state.catalog.byName.has('x')).toBe(true)
  await shared.clock.until(old.core.stop())
  await shared.clock.advance(LONGER_THAN_UPKEEP_MS)
  expect(upgraded.core.replica.state.featureLevel).toBe(NEXT)
})

test('an old broker is refused by a cluster of a newer level, with a line that says what to do', async () => {
  const upgraded = await startCore(1, shared, [], NEXT)
  const refused = startCore(0, shared, [], FEATURE_LEVEL).catch((cause: unknown) => cause)
  const cause = await shared.clock.until(refused)
  expect(cause).toBeInstanceOf(TooNew)
  expect(String(cause)).toContain('install a newer release')
  expect([...upgraded.core.replica.state.sessions.keys()]).toEqual([upgraded.core.replica.epoch])
})

test('an old broker is refused as well when it begins from a snapshot of the newer level', async () => {
  await startCore(1, shared, [], NEXT)
  await shared.clock.advance(LONGER_THAN_UPKEEP_MS)
  const cause = await shared.clock.until(startCore(0, shared, [], FEATURE_LEVEL).catch((error: unknown) => error))
  expect(cause).toBeInstanceOf(TooNew)
})
