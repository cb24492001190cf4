import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { knownDurations, longestFirst, rememberDurations } from './durations.ts'

describe('durations of tests', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-durations-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('are kept, the last one of each file', () => {
    expect(knownDurations(folder)).toEqual({})
    rememberDurations({ 'a.test.ts': 1, 'b.test.ts': 2 }, folder)
    rememberDurations({ 'b.test.ts': 3 }, folder)
    expect(knownDurations(folder)).toEqual({ 'a.test.ts': 1, 'b.test.ts': 3 })
  })

  test('that cannot be written are no problem of the tests', async () => {
    const noFolder = join(folder, 'a file')
    await writeFile(noFolder, '')
    rememberDurations({ 'a.test.ts': 1 }, noFolder)
    expect(knownDurations(noFolder)).toEqual({})
  })

  test('that cannot be read are as if there were none', async () => {
    await writeFile(join(folder, 'test-durations.json'), 'half a fi')
    expect(knownDurations(folder)).toEqual({})
  })
})

test('the longest comes first, and before it what is not known', () => {
  const paths = ['short', 'new', 'long']
  expect(longestFirst(paths, path => path, { short: 1, long: 9 })).toEqual(['new', 'long', 'short'])
})
