import { expect, test } from '@jest/globals'
import { errorCodesIn } from './error-codes.ts'

test('error codes are found at any depth, and nothing else is taken for one', () => {
  const records = [Buffer.from('errorCode')]
  const partitions = [
    { errorCode: 3, records, offset: 5 },
    { errorCode: 0, records: null },
    { errorCode: 3, aborted: [1, 2] },
  ]
  expect(errorCodesIn({ errorCode: 7, throttleTimeMs: 1, topics: [{ name: 'errorCode', partitions }] })).toEqual([
    7, 3, 3,
  ])
  expect(errorCodesIn(null)).toEqual([])
})
