import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { INVARIANTS, MUTATIONS } from './mutations.ts'

const root = join(import.meta.dirname, '../..')

test.each(MUTATIONS)('the place of the defect is in the source exactly once: $defect', ({ file, from, to }) => {
  expect(readFileSync(join(root, file), 'utf8').split(from)).toHaveLength(2)
  expect(to).not.toBe(from)
})

test('every invariant has a defect', () => {
  expect(new Set(MUTATIONS.map(({ invariant }) => String(invariant)))).toEqual(new Set(Object.keys(INVARIANTS)))
})
