import { expect, test } from '@jest/globals'
import { clusterSchema } from './kaf-scale-cluster.ts'
import { pauseOf } from './pause.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const clusterOf = (annotations: Record<string, string>, paused = false) =>
  clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { name: 'orders', namespace: 'shop', annotations },
    spec: { s3: { bucket: 'records', region: 'r' }, paused },
  })
const of = (pause?: string, until?: string) =>
  pauseOf(
    clusterOf({
      ...(pause === undefined ? {} : { 'kafscale.io/pause': pause }),
      ...(until === undefined ? {} : { 'kafscale.io/pause-until': until }),
    }),
    NOW,
  )

test('nothing is paused unless somebody says so, and a time alone pauses nothing', () => {
  expect(of()).toBeUndefined()
  expect(of('')).toBeUndefined()
  expect(of(undefined, '2027-01-01T00:00:00Z')).toBeUndefined()
})

test.each(['all', 'pods', 'scaling'] as const)('%s is paused until the annotation goes', level => {
  expect(of(level)).toMatchObject({ level, until: undefined })
  expect(of(level)?.message).toContain('until the annotation kafscale.io/pause is removed.')
})

test('it ends by itself, at the very moment', () => {
  expect(of('pods', '2026-01-31T12:00:01Z')).toEqual({
    level: 'pods',
    until: NOW + 1000,
    message: 'Pods are not replaced until 2026-01-31T12:00:01Z.',
  })
  expect(of('pods', '2026-01-31T12:00:00Z')).toBeUndefined()
  expect(of('pods', '2026-01-31T13:00:00+02:00')).toBeUndefined()
})

test('what cannot be read pauses more rather than less, and says what is wrong', () => {
  expect(of('scalign')).toMatchObject({ level: 'all' })
  expect(of('scalign')?.message).toContain('none of all, pods, scaling: it counts as all.')
  expect(of('pods', 'tomorrow')).toMatchObject({ level: 'pods', until: undefined })
  expect(of('pods', 'tomorrow')?.message).toContain('does not end by itself')
})

test('the spec pauses everything, whatever annotations say', () => {
  const cluster = clusterOf({ 'kafscale.io/pause': 'scaling', 'kafscale.io/pause-until': '2020-01-01T00:00:00Z' }, true)
  expect(pauseOf(cluster, NOW)).toEqual({
    level: 'all',
    until: undefined,
    message: 'Nothing is changed until spec.paused is false.',
  })
})
