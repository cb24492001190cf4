// A box ends with whoever made it, however that ends.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, jest, test } from '@jest/globals'
import { boxRuntime } from '../../testing/kubernetes/node-parts.ts'
import { until } from '../../testing/operator.ts'
import { pause } from '../../tools/parts/parts.ts'
import { nodeSuite } from './node-suite.ts'
import { traces } from './traces.ts'

jest.setTimeout(120_000)

await nodeSuite(
  'a box',
  boxRuntime().then(() => pause()),
  init => {
    const program = (folder: string): string => `
      import { startBox } from '${join(import.meta.dirname, '../../testing/kubernetes/box.ts')}'
      const box = await startBox('${folder}', '${init}')
      await box.launch('sleeper', 'sh', ['-c', 'sleep 1000; true', '${folder}'])
      console.log(box.address)
      process.stdin.once('data', () => box.stop().then(() => process.exit(0)))
    `

    /** The maker of a box, in a process of its own, and the address of its box. */
    const start = async (folder: string) => {
      const file = join(folder, 'maker.mjs')
      await writeFile(file, program(folder))
      const { NODE_OPTIONS: _, ...env } = process.env
      const maker = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'], env })
      const ended = new Promise<number | null>(resolve => maker.once('close', resolve))
      const address = await new Promise<string>((resolve, reject) => {
        createInterface(maker.stdout).once('line', resolve)
        maker.once('close', code => reject(new Error(`the maker ended with ${code}`)))
      })
      return { maker, ended, address }
    }
    const withFolder = async (story: (folder: string) => Promise<void>): Promise<void> => {
      const folder = await mkdtemp(join(tmpdir(), 'kafscale-box-test-'))
      await story(folder).finally(() => rm(folder, { recursive: true, force: true }))
    }
    const withoutMaker = async (folder: string): Promise<string[]> =>
      (await traces(folder)).filter(line => !line.includes('maker.mjs'))

    test('is told to end, and leaves nothing', () =>
      withFolder(async folder => {
        const { maker, ended, address } = await start(folder)
        expect(address).toMatch(/^10\.250\.\d+\.2$/)
        expect(await withoutMaker(folder)).toEqual(
          expect.arrayContaining([expect.stringMatching(/process .*sleep 1000/)]),
        )
        maker.stdin.write('end\n')
        expect(await ended).toBe(0)
        expect(await traces(folder)).toEqual([])
      }))

    test('ends when its maker is killed; its empty group goes with the next box', () =>
      withFolder(async folder => {
        const { maker, ended } = await start(folder)
        maker.kill('SIGKILL')
        await ended
        const left = async () => (await traces(folder)).filter(line => !line.startsWith('cgroup'))
        await until('the end', async () => (await left()).length === 0)
        await withFolder(async next => {
          const other = await start(next)
          other.maker.stdin.write('end\n')
          expect(await other.ended).toBe(0)
        })
        expect(await traces(folder)).toEqual([])
      }))
  },
)
