import { expect, test } from '@jest/globals'
import { type FileReport, isForgivable, tallyOf } from './jest.ts'

const file = (status: string, tests: readonly string[]): FileReport => ({
  name: 'a.test.ts',
  status,
  message: '',
  startTime: 0,
  endTime: 1,
  assertionResults: tests.map(outcome => ({ status: outcome, fullName: outcome })),
})

test('tests are counted by their outcome', () => {
  expect(tallyOf(file('failed', ['passed', 'failed', 'pending', 'todo', 'passed']))).toEqual({
    passed: 2,
    failed: 1,
    skipped: 2,
  })
})

test('a file that fails outside its tests is one failure', () => {
  expect(tallyOf(file('failed', []))).toEqual({ passed: 0, failed: 1, skipped: 0 })
  expect(tallyOf(file('failed', ['passed']))).toEqual({ passed: 1, failed: 1, skipped: 0 })
})

test('a second try is for tests that failed, not for what failed outside of them', () => {
  expect([isForgivable(file('failed', ['passed', 'failed'])), isForgivable(file('failed', ['passed']))]).toEqual([
    true,
    false,
  ])
})
