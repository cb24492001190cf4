import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { cacheRoot, holdingLock, installed, partFolder } from './cache.ts'
import { run } from './command.ts'
import { available, PartUnavailable } from './unavailable.ts'

let root: string
const before = process.env.KAFSCALE_CACHE

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kafscale-cache-'))
  process.env.KAFSCALE_CACHE = root
})

afterEach(async () => {
  if (before === undefined) delete process.env.KAFSCALE_CACHE
  else process.env.KAFSCALE_CACHE = before
  await rm(root, { recursive: true })
})

describe('the cache', () => {
  test('is where KAFSCALE_CACHE says, else under XDG_CACHE_HOME', () => {
    expect(cacheRoot({ KAFSCALE_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a')
    expect(cacheRoot({ XDG_CACHE_HOME: '/b' })).toBe('/b/kafscale')
    expect(cacheRoot({})).toMatch(/\/\.cache\/kafscale$/)
  })

  test('keeps parts of different recipes apart', () => {
    expect(partFolder('x', 'a')).not.toBe(partFolder('x', 'b'))
    expect(partFolder('x', 'ab', 'c')).not.toBe(partFolder('x', 'a', 'bc'))
    expect(partFolder('x', 'a')).toBe(partFolder('x', 'a'))
  })

  test('builds once when many ask at once', async () => {
    let builds = 0
    const folder = partFolder('x', 'a')
    const build = async (empty: string) => {
      builds++
      await writeFile(join(empty, 'file'), 'whole')
    }
    const answers = await Promise.all(Array.from({ length: 8 }, () => installed(folder, 'lock', build)))
    expect(new Set(answers)).toEqual(new Set([folder]))
    expect(builds).toBe(1)
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('whole')
  })

  test('leaves nothing behind when a build fails, and builds the next time', async () => {
    const folder = partFolder('x', 'a')
    const failing = installed(folder, 'lock', async empty => {
      await writeFile(join(empty, 'half'), '')
      throw new Error('registry is down')
    })
    await expect(failing).rejects.toThrow('registry is down')
    expect(await readdir(root)).toEqual([])
    await installed(folder, 'lock', async () => {})
    expect(existsSync(folder)).toBe(true)
  })

  test('takes the lock of a dead process over, and waits for a live one', async () => {
    const ended = await run('sh', ['-c', 'echo $$'])
    await mkdir(join(root, 'stale.lock'))
    await writeFile(join(root, 'stale.lock', 'pid'), ended.stdout.trim())
    expect(await holdingLock('stale', async () => 'mine')).toBe('mine')

    const order: string[] = []
    const taken = Promise.withResolvers<void>()
    const first = holdingLock('live', async () => {
      taken.resolve()
      await new Promise(resolve => setTimeout(resolve, 50))
      order.push('first')
    })
    await taken.promise
    await Promise.all([first, holdingLock('live', async () => order.push('second'))])
    expect(order).toEqual(['first', 'second'])
  })
})

describe('a part that cannot be had', () => {
  const missing = () => Promise.reject(new PartUnavailable('no apt-get'))

  test('is a reason on a developer machine', async () => {
    expect(await available(missing(), {})).toEqual({ have: false, why: 'no apt-get' })
    expect(await available(Promise.resolve(7), {})).toEqual({ have: true, part: 7 })
  })

  test('is a failure in CI', async () => {
    await expect(available(missing(), { CI: 'true' })).rejects.toThrow('no apt-get')
  })

  test('is not how a bug is reported', async () => {
    await expect(available(Promise.reject(new TypeError('bug')), {})).rejects.toThrow(TypeError)
  })
})
