import { describe, expect, test } from '@jest/globals'
import { type KafScaleTopic, topicSchema } from '../types/kaf-scale-topic.ts'
import { holderOf, topicKey } from './ownership.ts'
import { type LiveTopic, planDeletion, planTopic, wantedConfig } from './plan.ts'

const topicOf = (spec: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}): KafScaleTopic =>
  topicSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleTopic',
    metadata: { name: 'orders', namespace: 'shop', ...metadata },
    spec: { clusterRef: 'main', partitions: 3, ...spec },
  })
const live = (more: Partial<LiveTopic> = {}): LiveTopic => ({
  name: 'orders',
  id: 'id',
  partitions: 3,
  config: {},
  ...more,
})
const stepsFor = (spec: Record<string, unknown>, found?: LiveTopic) => planTopic(topicOf(spec), {}, found).steps

describe('a topic', () => {
  test('that is not there is created, with the name that Kafka allows and Kubernetes does not (gap 11)', () => {
    expect(stepsFor({ topicName: 'Orders_V2', retentionMs: 1000 })).toEqual([
      { kind: 'create', name: 'Orders_V2', partitions: 3, config: { 'retention.ms': '1000' } },
    ])
  })

  test('that is as it should be is left alone, however its values are written', () => {
    const config = {
      'retention.ms': 604_800_000,
      'cleanup.policy': 'compact, delete',
      'unclean.leader.election.enable': 'true',
    }
    const found = {
      'retention.ms': '+604800000',
      'cleanup.policy': 'compact,delete',
      'unclean.leader.election.enable': 'True',
    }
    expect(stepsFor({ config }, live({ config: found }))).toEqual([])
  })

  test('grows and never shrinks (gap 7)', () => {
    expect(stepsFor({ partitions: 8 }, live())).toEqual([{ kind: 'grow', name: 'orders', partitions: 8 }])
    expect(stepsFor({ partitions: 1 }, live())).toEqual([])
  })

  test('gets the retention and the settings of the spec (gap 8)', () => {
    const steps = stepsFor(
      { retentionBytes: 5, config: { 'max.message.bytes': 1000 } },
      live({ config: { 'retention.bytes': '4' } }),
    )
    const set = { 'retention.bytes': '5', 'max.message.bytes': '1000' }
    expect(steps).toEqual([{ kind: 'alter', name: 'orders', set, remove: [] }])
  })

  test('loses settings that the spec does not have, or keeps them and says so', () => {
    const found = live({ config: { 'segment.bytes': '1', 'retention.ms': '2' } })
    expect(stepsFor({ retentionMs: 2 }, found)).toEqual([
      { kind: 'alter', name: 'orders', set: {}, remove: ['segment.bytes'] },
    ])
    const additive = planTopic(topicOf({ retentionMs: 2, configPolicy: 'Additive' }), {}, found)
    expect(additive).toEqual({ steps: [], foreign: ['segment.bytes'] })
  })

  test('has what the cluster says for all topics unless it says otherwise', () => {
    const cluster = {
      retention: { ms: 1, bytes: 2 },
      topicDefaults: { config: { 'max.message.bytes': 3, 'retention.bytes': 4 } },
    }
    expect(wantedConfig(topicOf({ retentionMs: 9 }), cluster)).toEqual({
      'retention.ms': '9',
      'retention.bytes': '4',
      'max.message.bytes': '3',
    })
  })

  test('goes with its object only when the spec says so (gap 6)', () => {
    expect(planDeletion(topicOf(), live())).toEqual([])
    expect(planDeletion(topicOf({ deletionPolicy: 'Delete' }), live())).toEqual([{ kind: 'delete', name: 'orders' }])
    expect(planDeletion(topicOf({ deletionPolicy: 'Delete' }), undefined)).toEqual([])
  })
})

describe('of several objects for one topic', () => {
  const [old, young, twin] = [
    topicOf({}, { name: 'a', uid: '2', creationTimestamp: '2026-01-01T00:00:00Z' }),
    topicOf({}, { name: 'b', uid: '1', creationTimestamp: '2026-01-01T00:00:01Z' }),
    topicOf({}, { name: 'c', uid: '3', creationTimestamp: '2026-01-01T00:00:00Z' }),
  ]

  test('the oldest holds it, and of two of the same second the one with the smaller uid', () => {
    expect(holderOf([young, twin, old])).toBe(old)
    expect(holderOf([twin, old, young])).toBe(old)
    expect(holderOf([young, twin])).toBe(twin)
    expect(holderOf([])).toBeUndefined()
  })

  test('they are told by cluster and Kafka name', () => {
    expect(topicKey(topicOf({ topicName: 'X' }))).toBe('main/X')
    expect(topicKey(topicOf())).toBe('main/orders')
  })
})
