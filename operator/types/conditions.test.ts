import { describe, expect, test } from '@jest/globals'
import { type Condition, mergeConditions } from './condition.ts'
import { CLUSTER_CONDITIONS, type ConditionTable, finder, TOPIC_CONDITIONS } from './conditions.ts'

const tables: [string, ConditionTable][] = [
  ['cluster', CLUSTER_CONDITIONS],
  ['topic', TOPIC_CONDITIONS],
]

describe.each(tables)('the conditions of a %s', (_, table) => {
  test('have reasons that the API server takes', () => {
    const reasons = Object.values(table).flatMap(({ reasons }) => Object.keys(reasons))
    expect(reasons.filter(reason => !/^[A-Z][A-Za-z]{1,63}$/.test(reason))).toEqual([])
  })

  test('explain every reason in a sentence', () => {
    const meanings = Object.values(table).flatMap(({ meaning, reasons }) => [
      meaning,
      ...Object.values(reasons).map(reason => reason.meaning),
    ])
    expect(meanings.filter(meaning => !/^[A-Za-z].*\.$/.test(meaning))).toEqual([])
  })

  test('have Ready, Reconciling and Stalled, which GitOps tools ask for', () => {
    expect(Object.keys(table)).toEqual(expect.arrayContaining(['Ready', 'Reconciling', 'Stalled']))
  })
})

describe('finder', () => {
  const find = finder(CLUSTER_CONDITIONS, 7)

  test('takes the status from the reason', () => {
    expect(find('Ready', 'BucketUnavailable', 'the bucket is gone')).toEqual({
      type: 'Ready',
      status: 'False',
      observedGeneration: 7,
      reason: 'BucketUnavailable',
      message: 'the bucket is gone',
    })
  })

  test('says what the reason means when there is nothing else to say', () => {
    expect(find('Paused', 'NotPaused').message).toBe('Nothing is paused.')
  })
})

describe('mergeConditions', () => {
  const ready = (status: Condition['status'], message = '') => ({ type: 'Ready', status, reason: 'R', message })
  const [noon, later] = [Date.UTC(2026, 0, 1, 12), Date.UTC(2026, 0, 1, 13)]
  const first = mergeConditions([], [ready('False')], noon)

  test('a new condition gets the time', () => {
    expect(first).toEqual([{ ...ready('False'), lastTransitionTime: '2026-01-01T12:00:00Z' }])
  })

  test('the time stays while the status does, whatever the message says', () => {
    expect(mergeConditions(first, [ready('False', 'else')], later)).toEqual([
      { ...ready('False', 'else'), lastTransitionTime: '2026-01-01T12:00:00Z' },
    ])
  })

  test('the time moves when the status does', () => {
    expect(mergeConditions(first, [ready('True')], later)[0]?.lastTransitionTime).toBe('2026-01-01T13:00:00Z')
  })

  test('the order stays, new ones come last, and what nobody tells of any more goes', () => {
    const other = { ...ready('True'), type: 'A' }
    const both = mergeConditions(first, [other, ready('False')], later)
    expect(both.map(({ type }) => type)).toEqual(['Ready', 'A'])
    expect(mergeConditions(both, [other], later).map(({ type }) => type)).toEqual(['A'])
  })
})
