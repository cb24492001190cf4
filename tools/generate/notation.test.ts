import { expect, test } from '@jest/globals'
import { array, int32, message, string } from '../../broker/wire/schema/notation.ts'
import { messageModel } from './model.ts'

const versions = { versions: [0, 3], flexibleSince: 2 } as const

test('struct types are named after their field, and after their holder where that name is taken', () => {
  const model = messageModel(
    message('Report', versions, {
      topics: array({ entries: array({ index: int32() }) }),
      groups: array({ topics: array({ name: string() }) }),
      data: array({ name: string() }, { name: 'Item' }),
    }),
  )
  const names = model.structs.map(struct => struct.typeName)
  expect(names).toEqual(['ReportEntry', 'ReportTopic', 'ReportGroupTopic', 'ReportGroup', 'ReportItem', 'Report'])
})

test('facts that contradict each other are refused', () => {
  expect(() => messageModel(message('A', versions, { a: string({ since: 1, until: 0 }) }))).toThrow(
    'A.a: no version left',
  )
  expect(() => messageModel(message('A', versions, { a: string({ since: 1, tag: 0 }) }))).toThrow(
    'before the first flexible',
  )
  expect(() => messageModel(message('A', versions, { a: string({ since: 2, tag: 1 }) }))).toThrow('do not count from 0')
  expect(() => messageModel(message('A', versions, { a: string({ default: null }) }))).toThrow('null is no value')
  expect(() => messageModel(message('A', versions, { a: array(array(int32())) }))).toThrow('a list of lists')
})
