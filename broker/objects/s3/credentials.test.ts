import { beforeEach, describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../../testing/virtual-clock.ts'
import { CredentialSource, NoCredentials } from './credentials.ts'
import type { Credentials } from './sigv4.ts'

const minute = 60_000

let clock: VirtualClock
let fetches: { give: (lifeMs?: number) => Credentials; fail: () => void }[]
let warnings: string[]
let source: CredentialSource

beforeEach(() => {
  clock = new VirtualClock()
  fetches = []
  warnings = []
  const provider = (): Promise<Credentials> => {
    const { promise, resolve, reject } = Promise.withResolvers<Credentials>()
    const number = fetches.length
    fetches.push({
      give: lifeMs => {
        const expiration = lifeMs === undefined ? undefined : clock.now() + lifeMs
        const credentials = { accessKeyId: `key${number}`, secretAccessKey: 's', expiration }
        resolve(credentials)
        return credentials
      },
      fail: () => reject(new Error('no metadata')),
    })
    return promise
  }
  source = new CredentialSource(provider, clock, line => warnings.push(line))
})

const ready = async (lifeMs?: number): Promise<Credentials> => {
  const waiting = source.get()
  fetches.at(-1)?.give(lifeMs)
  return waiting
}

describe('credentials', () => {
  test('that do not expire are fetched once', async () => {
    await ready()
    await clock.advance(1000 * minute)
    await source.get()
    expect(fetches).toHaveLength(1)
  })

  test('are fetched once for all who wait', async () => {
    const waiting = [source.get(), source.get(), source.get()]
    fetches[0]?.give(60 * minute)
    expect((await Promise.all(waiting)).map(found => found.accessKeyId)).toEqual(['key0', 'key0', 'key0'])
    expect(fetches).toHaveLength(1)
  })

  test('are refreshed once before they expire, while the old ones serve', async () => {
    await ready(60 * minute)
    await clock.advance(54 * minute)
    expect((await source.get()).accessKeyId).toBe('key0')
    expect(fetches).toHaveLength(1)
    await clock.advance(2 * minute)
    expect((await Promise.all([source.get(), source.get()])).map(c => c.accessKeyId)).toEqual(['key0', 'key0'])
    expect(fetches).toHaveLength(2)
    fetches[1]?.give(60 * minute)
    await clock.advance(1)
    expect((await source.get()).accessKeyId).toBe('key1')
  })

  test('that expired are waited for', async () => {
    await ready(10 * minute)
    await clock.advance(10 * minute)
    const waiting = source.get()
    fetches[1]?.give(60 * minute)
    expect((await waiting).accessKeyId).toBe('key1')
  })

  test('serve on when a refresh fails, which is tried again after a pause and warned of', async () => {
    await ready(10 * minute)
    await clock.advance(6 * minute)
    await source.get()
    fetches[1]?.fail()
    await clock.advance(1000)
    expect((await source.get()).accessKeyId).toBe('key0')
    expect(fetches).toHaveLength(2)
    expect(warnings).toEqual(['the S3 credentials could not be fetched: no metadata'])
    await clock.advance(10_000)
    await source.get()
    expect(fetches).toHaveLength(3)
    await clock.advance(4 * minute)
    const last = source.get()
    fetches[2]?.fail()
    await expect(last).rejects.toThrow(NoCredentials)
  })

  test('that the store refuses are replaced', async () => {
    const refused = await ready(60 * minute)
    source.refuse(refused)
    const waiting = source.get()
    fetches[1]?.give(60 * minute)
    const fresh = await waiting
    expect(fresh.accessKeyId).toBe('key1')
    source.refuse(refused)
    expect(await source.get()).toBe(fresh)
  })
})
