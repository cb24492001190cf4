// The tutorial by its own words: each chapter's commands on a fresh copy of the repository, with what they must print.

import { afterAll, beforeAll, jest, test } from '@jest/globals'
import { kcat } from '../../tools/parts/parts.ts'
import { Reader } from './reader.ts'

jest.setTimeout(900_000)

let reader: Reader

beforeAll(async () => {
  reader = await Reader.withFreshCopy()
})

afterAll(() => reader?.close())

test('chapter 2, quick start', () => reader.read('02-quick-start.md'))

test('chapter 5, troubleshooting', async () => {
  await kcat()
  await reader.read('05-troubleshooting.md')
})
