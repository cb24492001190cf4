import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../../testing/virtual-clock.ts'
import { CredentialSource, defaultCredentials, NoCredentials } from './credentials.ts'
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
    fetches.at(-1)?.fail()
    await expect(last).rejects.toThrow(NoCredentials)
  })

  test('are not waited for without end', async () => {
    await expect(Promise.all([source.get(), clock.advance(20_000)])).rejects.toThrow(/no provider answered/)
    const next = source.get()
    fetches[1]?.give()
    expect((await next).accessKeyId).toBe('key1')
    expect(clock.pending).toBe(0)
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

describe("the SDK's chain", () => {
  let server: Server
  let folder: string
  let asked: string[]
  let answer: (url: string) => string
  const before = { ...process.env }

  const endpoint = (): string => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return `http://127.0.0.1:${address.port}`
  }

  beforeEach(async () => {
    asked = []
    folder = await mkdtemp(join(tmpdir(), 'kafscale-credentials-'))
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${body}`)
        response.end(answer(request.url ?? ''))
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    Object.assign(process.env, {
      AWS_CONFIG_FILE: join(folder, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  })

  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    Object.assign(process.env, before)
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await rm(folder, { recursive: true })
  })

  test('takes them from the environment', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: 'c' })
    expect(await defaultCredentials()()).toMatchObject({ accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' })
  })

  test('takes them from the shared file', async () => {
    await writeFile(join(folder, 'credentials'), '[default]\naws_access_key_id = f\naws_secret_access_key = g\n')
    expect(await defaultCredentials()()).toMatchObject({ accessKeyId: 'f', secretAccessKey: 'g' })
  })

  test('takes them from a container, anew each time', async () => {
    process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `${endpoint()}/creds`
    answer = () =>
      JSON.stringify({
        AccessKeyId: `k${asked.length}`,
        SecretAccessKey: 's',
        Token: 't',
        Expiration: '2040-01-01T00:00:00Z',
      })
    const provider = defaultCredentials()
    expect(await provider()).toEqual({
      accessKeyId: 'k1',
      secretAccessKey: 's',
      sessionToken: 't',
      expiration: Date.UTC(2040, 0, 1),
    })
    expect((await provider()).accessKeyId).toBe('k2')
  })

  test('takes them for a web identity (IRSA)', async () => {
    await writeFile(join(folder, 'token'), 'the-web-token')
    Object.assign(process.env, {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/broker',
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token'),
      AWS_ENDPOINT_URL_STS: endpoint(),
      AWS_REGION: 'us-east-1',
    })
    answer = () =>
      '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>w</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken><Expiration>2040-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>'
    expect(await defaultCredentials()()).toMatchObject({ accessKeyId: 'w', expiration: Date.UTC(2040, 0, 1) })
    expect(asked[0]).toContain('the-web-token')
  })
})
