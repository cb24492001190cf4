import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { LOOK_EVERY_MS, WatchedFiles } from './watched-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watched-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('files that changed are used, those that do not fit together yet are told of once and tried again', async () => {
  const clock = new VirtualClock()
  const [cert, key] = [join(folder, 'cert'), join(folder, 'key')]
  const write = (one: string, other: string) => Promise.all([writeFile(cert, one), writeFile(key, other)])
  await write('1', '1')
  const used: string[] = []
  const problems: string[] = []
  const files = await WatchedFiles.open({
    clock,
    paths: [cert, key],
    parse: ([one, other]) => {
      if (String(one) !== String(other)) throw new Error('the key is not that of the certificate')
      return String(one)
    },
    onChange: value => {
      used.push(value)
    },
    onProblem: problem => {
      problems.push(problem)
    },
  })
  const look = async (until: () => boolean): Promise<void> => {
    for (let i = 0; i < 100 && !until(); i++) {
      await clock.advance(LOOK_EVERY_MS)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
  const began = clock.now()
  await look(() => clock.now() > began + LOOK_EVERY_MS * 3)
  expect(used).toEqual([])
  await write('2', '1')
  await look(() => problems.length > 0)
  expect([files.value, used, problems]).toEqual(['1', [], ['the key is not that of the certificate']])
  await write('2', '2')
  await look(() => used.length > 0)
  expect([files.value, used, problems.length]).toEqual(['2', ['2'], 1])
  files.close()
})
