import { beforeEach, expect, test } from '@jest/globals'
import { MemoryStore } from '../objects/memory.ts'
import { checkClusterMarker, ForeignObjects, putClusterMarker } from './cluster-marker.ts'

let store: MemoryStore

beforeEach(() => {
  store = new MemoryStore()
})

test('a new ledger and an unused prefix go together, and belong to each other from then on', async () => {
  await checkClusterMarker(store, 'p', '')
  await putClusterMarker(store, 'p', 'one')
  await putClusterMarker(store, 'p', 'one')
  await checkClusterMarker(store, 'p', 'one')
  await checkClusterMarker(store, 'other', '')
})

test('a prefix of another cluster is refused, by a new ledger as well', async () => {
  await putClusterMarker(store, 'p', 'one')
  await expect(checkClusterMarker(store, 'p', 'two')).rejects.toThrow(
    'belong to cluster one, but the ledger is that of',
  )
  await expect(checkClusterMarker(store, 'p', '')).rejects.toThrow('belong to cluster one, but the ledger is empty')
  await expect(putClusterMarker(store, 'p', 'two')).rejects.toBeInstanceOf(ForeignObjects)
})

test('of two clusters that begin at the same time under one prefix one is refused', async () => {
  const outcomes = await Promise.allSettled([putClusterMarker(store, 'p', 'one'), putClusterMarker(store, 'p', 'two')])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})
