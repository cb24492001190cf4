import { beforeEach, describe, expect, test } from '@jest/globals'
import { StateStory, spanOf, topicIdOf } from '../../testing/state-story.ts'
import { dueTrims } from './retention.ts'

const A = topicIdOf(1)
const NOW = 1_000_000_000
const HOUR_MS = 3_600_000

let story: StateStory
let epoch: number

beforeEach(() => {
  story = new StateStory()
  epoch = story.open()
})

const create = (configs: Readonly<Record<string, string>>, topicId = A, name = 'a'): void => {
  const settings = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  const body = { topicId, name, partitions: 2, replicationFactor: 1, configs: settings }
  story.do(epoch, { type: 'createTopic', body })
}
/** Ten records, 100 bytes, of this age. */
const append = (ageMs: number | null, topicId = A): void => {
  story.append(epoch, { topicId, spans: [spanOf(10, { maxTimestamp: ageMs === null ? -1 : NOW - ageMs })] })
}
const due = (now = NOW) =>
  dueTrims(story.state, now).map(({ partition, logStartOffset }) => [partition, logStartOffset])

describe('retention by time', () => {
  test('takes the old extents at the start, up to the first one that is young enough', () => {
    create({ 'retention.ms': String(HOUR_MS) })
    for (const age of [3, 2, 0.5, 4, 0.1]) append(age * HOUR_MS)
    expect(due()).toEqual([[0, 20]])
    expect(due(NOW + HOUR_MS)).toEqual([[0, 50]])
  })

  test('counts to the millisecond', () => {
    create({ 'retention.ms': String(HOUR_MS) })
    append(HOUR_MS)
    expect([due(), due(NOW + 1)]).toEqual([[], [[0, 10]]])
  })

  test('never takes records without a timestamp, nor anything when it is -1', () => {
    create({ 'retention.ms': '1' })
    append(null)
    expect(due()).toEqual([])
    create({ 'retention.ms': '-1' }, topicIdOf(2), 'b')
    append(100 * HOUR_MS, topicIdOf(2))
    expect(due()).toEqual([])
  })

  test('is a week where nothing else is said', () => {
    create({})
    append(7 * 24 * HOUR_MS + 1)
    append(7 * 24 * HOUR_MS - 1)
    expect(due()).toEqual([[0, 10]])
  })
})

describe('retention by size', () => {
  test('takes what the partition can do without, and leaves at least the limit', () => {
    create({ 'retention.bytes': '250', 'retention.ms': '-1' })
    for (let n = 0; n < 5; n++) append(0)
    expect(due()).toEqual([[0, 20]])
    story.trim(epoch, A, 20)
    expect(due()).toEqual([])
  })

  test('at the limit exactly, nothing too much stays', () => {
    create({ 'retention.bytes': '300', 'retention.ms': '-1' })
    for (let n = 0; n < 5; n++) append(0)
    expect(due()).toEqual([[0, 20]])
  })

  test('of nothing empties the partition', () => {
    create({ 'retention.bytes': '0', 'retention.ms': '-1' })
    append(0)
    expect(due()).toEqual([[0, 10]])
  })
})

test('either limit is enough', () => {
  create({ 'retention.bytes': '200', 'retention.ms': String(HOUR_MS) })
  for (const age of [2, 0.2, 0.1]) append(age * HOUR_MS)
  expect(due()).toEqual([[0, 10]])
})

test('a compacted topic is not trimmed, one that is also deleted from is', () => {
  create({ 'cleanup.policy': 'compact', 'retention.ms': '1' })
  append(HOUR_MS)
  expect(due()).toEqual([])
  const changes = [{ name: 'cleanup.policy', value: 'compact,delete' }]
  story.do(epoch, { type: 'alterConfigs', body: { resourceType: 2, resourceName: 'a', changes } })
  expect(due()).toEqual([[0, 10]])
})
