import { describe, expect, test } from '@jest/globals'
import { topicNameOf, topicSchema } from './kaf-scale-topic.ts'
import { topicConfigText } from './topic-config.ts'

const topic = (spec: object) =>
  topicSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleTopic',
    metadata: { name: 'orders', namespace: 'default' },
    spec: { clusterRef: 'demo', partitions: 3, ...spec },
  })

describe('a KafScaleTopic', () => {
  test('needs a cluster and a number of partitions', () => {
    const parsed = topic({})
    expect(parsed.spec).toEqual({ clusterRef: 'demo', partitions: 3, configPolicy: 'Exact', deletionPolicy: 'Retain' })
    expect(topicNameOf(parsed)).toBe('orders')
  })

  test('can have a name that no object can have', () => {
    expect(topicNameOf(topic({ topicName: 'Orders_v2' }))).toBe('Orders_v2')
  })

  test('takes settings with and without quotes', () => {
    const { config } = topic({ config: { 'retention.ms': 86_400_000, 'cleanup.policy': 'compact' } }).spec
    expect(topicConfigText(config ?? {})).toEqual({ 'retention.ms': '86400000', 'cleanup.policy': 'compact' })
  })

  test.each([{ partitions: 0 }, { topicName: 'a/b' }, { retentionMs: -2 }, { deletionPolicy: 'Orphan' }])(
    'is refused with %p',
    spec => {
      expect(() => topic(spec)).toThrow()
    },
  )
})
