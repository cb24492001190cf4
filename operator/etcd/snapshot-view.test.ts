import { describe, expect, test } from '@jest/globals'
import type { KubeObject } from '../runtime/object.ts'
import { cronGapMs } from './cron-gap.ts'
import { snapshotView } from './snapshot-view.ts'

const HOUR = 3_600_000
const now = Date.UTC(2026, 0, 2)
const wanted = { enabled: true, schedule: '0 * * * *', keep: 3 }
const manifest = (hoursAgo: number) => ({
  key: `etcd/${hoursAgo}.db`,
  time: new Date(now - hoursAgo * HOUR).toISOString(),
  revision: 1000 - hoursAgo,
  bytes: 5,
})

function pod(hoursAgo: number, words: object | string): KubeObject & { status: unknown } {
  const message = typeof words === 'string' ? words : JSON.stringify(words)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `snapshot-${hoursAgo}`,
      creationTimestamp: new Date(now - hoursAgo * HOUR).toISOString(),
      labels: { 'app.kubernetes.io/component': 'etcd-snapshot' },
    },
    status: { containerStatuses: [{ name: 'snapshot', state: { terminated: { message } } }] },
  }
}

describe('the snapshots of etcd', () => {
  test('are pending until the first has said something', () => {
    expect(snapshotView([], undefined, wanted, now).state).toBe('SnapshotPending')
    expect(snapshotView([pod(1, 'no JSON')], undefined, wanted, now).state).toBe('SnapshotPending')
  })

  test('are known from the pod of the last one, and from the status when that pod is gone', () => {
    const first = snapshotView([pod(1, { snapshot: manifest(1) })], undefined, wanted, now)
    expect(first).toMatchObject({ state: 'SnapshotHealthy', lastSnapshot: manifest(1) })
    expect(snapshotView([], first.lastSnapshot, wanted, now)).toEqual(first)
  })

  test('have failed when the last one has, whatever was before', () => {
    const pods = [pod(1, { problem: 'AccessDenied' }), pod(2, { snapshot: manifest(2) })]
    expect(snapshotView(pods, undefined, wanted, now)).toMatchObject({
      state: 'SnapshotFailed',
      problem: 'AccessDenied',
      lastSnapshot: manifest(2),
    })
    expect(
      snapshotView([pod(3, { problem: 'x' }), pod(1, { snapshot: manifest(1) })], undefined, wanted, now).state,
    ).toBe('SnapshotHealthy')
  })

  test('are stale when more than two are missing', () => {
    expect(snapshotView([], manifest(2), wanted, now).state).toBe('SnapshotHealthy')
    expect(snapshotView([], manifest(3), wanted, now).state).toBe('SnapshotStale')
    expect(snapshotView([], manifest(30), { ...wanted, schedule: '0 3 * * *' }, now).state).toBe('SnapshotHealthy')
  })

  test('are off when the spec says so', () => {
    expect(snapshotView([], undefined, { ...wanted, enabled: false }, now).state).toBe('SnapshotsOff')
  })
})

test.each([
  ['* * * * *', 1 / 60],
  ['*/15 * * * *', 0.25],
  ['0 * * * *', 1],
  ['5,35 * * * *', 0.5],
  ['0 */6 * * *', 6],
  ['0 2,14 * * *', 12],
  ['30 2 * * *', 24],
  ['0 0 * * 0', 168],
  ['@daily', 24],
  ['nonsense', 8784],
])('between two runs of %s are %d hours', (schedule, hours) => {
  expect(cronGapMs(schedule)).toBe(hours * HOUR)
})
