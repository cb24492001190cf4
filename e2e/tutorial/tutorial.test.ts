// The tutorial by its own words: each chapter's commands on a fresh copy of the repository, with what they must print.

import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { kcat } from '../../tools/parts/parts.ts'
import { stepsOf } from '../../tools/tutorial/chapter.ts'
import { Reader, repository } from './reader.ts'

jest.setTimeout(900_000)

const CHAPTERS = readdirSync(join(repository, 'docs/tutorial')).filter(name => /^\d/.test(name))

let reader: Reader

beforeAll(async () => {
  reader = await Reader.withFreshCopy()
})

afterAll(() => reader?.close())

test('chapter 2, quick start', () => reader.read('02-quick-start.md'))

test('chapter 3, Spring Boot', () => reader.read('03-spring-boot.md'))

test('chapter 5, troubleshooting', async () => {
  await kcat()
  await reader.read('05-troubleshooting.md')
})

test('chapter 6, next steps', () => reader.read('06-next-steps.md'))

test('chapter 7, Flink', () => reader.read('07-flink.md'))

test('chapter 8, Spark', () => reader.read('08-spark.md'))

// What chapters carry out elsewhere is carried out there.
test.each(CHAPTERS)('%s names tests that there are', async chapter => {
  const steps = stepsOf(await readFile(join(repository, 'docs/tutorial', chapter), 'utf8'))
  for (const step of steps) if (step.kind === 'elsewhere') expect(existsSync(join(repository, step.test))).toBe(true)
})
