import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Broker } from './broker.ts'
import { type Clock, systemClock, type Timer } from './clock.ts'
import { FolderInUse } from './ledger/folder-lock.ts'
import { loadSettings } from './load-settings.ts'
import { createLogger } from './observe/logger.ts'
import type { Settings } from './settings.ts'
import { startProblem } from './start-problem.ts'
import { VERSION } from './version.ts'

const log = createLogger('silent')

let folder: string
let started: Broker[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-broker-'))
  started = []
})

afterEach(async () => {
  for (const broker of started) await broker.stop()
  await rm(folder, { recursive: true })
})

const settingsWith = (environment: Record<string, string> = {}): Settings =>
  loadSettings({
    KAFSCALE_DATA_DIR: join(folder, 'data'),
    KAFSCALE_BROKER_ADDR: '127.0.0.1:0',
    KAFSCALE_METRICS_ADDR: '127.0.0.1:0',
    ...environment,
  })

async function start(settings = settingsWith()): Promise<Broker> {
  const onLost = (cause: Error): void => {
    throw cause
  }
  const broker = await Broker.start({ settings, log, onLost })
  started.push(broker)
  return broker
}

/** The line that the process would end with. */
async function problem(settings: Settings): Promise<string> {
  try {
    await start(settings)
  } catch (cause) {
    const line = startProblem(cause, settings)
    expect(line).toMatch(/^[^\r\n]+$/)
    return line
  }
  throw new Error('the broker started')
}

async function readiness({ metricsPort }: Broker): Promise<number> {
  return (await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status
}

test('the version is that of the package', async () => {
  const packageFile = JSON.parse(await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8'))
  expect(VERSION).toBe(packageFile.version)
})

test('records are looked for under the prefix that they were stored under, or not at all', async () => {
  await (await start()).stop()
  expect(await problem(settingsWith({ KAFSCALE_S3_NAMESPACE: 'other' }))).toBe(
    'KAFSCALE_S3_NAMESPACE: the records of this ledger are stored under "default", not under "other"',
  )
  await start()
})

describe('a broker', () => {
  test('is ready when start resolves, and starts again on the same folder after stop', async () => {
    const first = await start()
    expect(await readiness(first)).toBe(200)
    await first.stop()
    await first.stop()
    expect(await readiness(await start())).toBe(200)
  })

  test('does not start on the folder of another one, which goes on', async () => {
    const first = await start()
    await expect(start()).rejects.toThrow(FolderInUse)
    expect(await problem(settingsWith())).toMatch(/^KAFSCALE_DATA_DIR: .* is in use by another broker/)
    expect(await readiness(first)).toBe(200)
  })

  test('that did not start leaves neither the lock nor a port behind', async () => {
    const taken = await start()
    const other = { KAFSCALE_DATA_DIR: join(folder, 'other') }
    const line = await problem(settingsWith({ ...other, KAFSCALE_BROKER_ADDR: `127.0.0.1:${taken.port}` }))
    expect(line).toBe(
      `KAFSCALE_BROKER_ADDR: cannot listen on 127.0.0.1:${taken.port}: the port is taken by another process`,
    )
    expect(await problem(settingsWith({ ...other, KAFSCALE_METRICS_ADDR: `127.0.0.1:${taken.metricsPort}` }))).toMatch(
      /^KAFSCALE_METRICS_ADDR: cannot listen/,
    )
    await start(settingsWith(other))
  })

  test('does not start on data that it cannot use, and says where', async () => {
    await writeFile(join(folder, 'file'), '')
    const dataDir = join(folder, 'file', 'data')
    expect(await problem(settingsWith({ KAFSCALE_DATA_DIR: dataDir }))).toMatch(/^KAFSCALE_DATA_DIR: .* cannot be used/)
  })

  test('does not start where the address is not one of this machine', async () => {
    const line = await problem(settingsWith({ KAFSCALE_BROKER_ADDR: '192.0.2.1:0' }))
    expect(line).toMatch(/^KAFSCALE_BROKER_ADDR: cannot listen on 192\.0\.2\.1:0: this machine has no such address/)
  })
})

describe('the reason why a broker did not start', () => {
  const failure = (facts: Record<string, string | number>): Error => Object.assign(new Error(`${facts.code}`), facts)

  test.each(['EACCES', 'EROFS', 'ENOSPC', 'ENOTDIR'])('%s of a file concerns the data, not the address', code => {
    const line = startProblem(failure({ code, syscall: 'mkdir', path: '/data/ledger' }), settingsWith())
    expect(line.startsWith('KAFSCALE_DATA_DIR: ')).toBe(true)
  })

  test('EACCES of a port concerns the address', () => {
    const settings = settingsWith({ KAFSCALE_BROKER_ADDR: ':80', KAFSCALE_METRICS_ADDR: ':81' })
    const line = (port: number) => startProblem(failure({ code: 'EACCES', syscall: 'listen', port }), settings)
    expect(line(80)).toBe('KAFSCALE_BROKER_ADDR: cannot listen on :80: this user may not listen there')
    expect(line(81)).toBe('KAFSCALE_METRICS_ADDR: cannot listen on :81: this user may not listen there')
  })

  test('a port that is taken is named with the setting that has it', () => {
    const settings = settingsWith({ KAFSCALE_LISTENERS: 'PEERS://:91,CLIENTS://:92', KAFSCALE_METRICS_ADDR: ':93' })
    const taken = (port: number) => startProblem(failure({ code: 'EADDRINUSE', syscall: 'listen', port }), settings)
    expect(taken(92)).toBe('KAFSCALE_LISTENERS: cannot listen on :92: the port is taken by another process')
    const same = settingsWith({ KAFSCALE_LISTENERS: 'A://127.0.0.1:91,B://[::1]:91' })
    expect(startProblem(failure({ code: 'EACCES', syscall: 'listen', port: 91, address: '::1' }), same)).toBe(
      'KAFSCALE_LISTENERS: cannot listen on [::1]:91: this user may not listen there',
    )
    expect(taken(93)).toBe('KAFSCALE_METRICS_ADDR: cannot listen on :93: the port is taken by another process')
  })

  test('a name without an address is named with its setting', () => {
    const cause = failure({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'nosuch.invalid' })
    expect(startProblem(cause, settingsWith({ KAFSCALE_BROKER_ADDR: 'nosuch.invalid:9092' }))).toBe(
      'KAFSCALE_BROKER_ADDR: cannot listen on nosuch.invalid:9092: the name has no address here',
    )
  })

  test('a message of several lines becomes one', () => {
    expect(startProblem(new Error('first\nsecond'), settingsWith())).toMatch(/^KAFSCALE_DATA_DIR: .*: first$/)
  })
})

test('a port that somebody else listens on is not shared', async () => {
  const server = createServer()
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  expect(await problem(settingsWith({ KAFSCALE_BROKER_ADDR: `127.0.0.1:${port}` }))).toMatch(/^KAFSCALE_BROKER_ADDR: /)
  await new Promise(resolve => server.close(resolve))
})

test('a broker that was stopped sets no more timers, also none for the files of its listeners', async () => {
  const pending = new Set<Timer>()
  const clock: Clock = {
    ...systemClock,
    setTimeout: (callback, ms) => {
      const fired = (): void => {
        pending.delete(timer)
        callback()
      }
      const timer = systemClock.setTimeout(fired, ms)
      pending.add(timer)
      return timer
    },
    clearTimeout: timer => {
      pending.delete(timer)
      systemClock.clearTimeout(timer)
    },
  }
  const users = join(folder, 'users.yaml')
  await writeFile(users, 'alice: secret\n')
  const security = { PLAINTEXT: { protocol: 'SASL_PLAINTEXT', mechanisms: ['PLAIN'], usersFile: users } }
  const settings = settingsWith({ KAFSCALE_LISTENER_SECURITY: JSON.stringify(security) })
  const broker = await Broker.start({ settings, log, clock, onLost: () => {} })
  expect(pending.size).toBeGreaterThan(0)
  await broker.stop()
  expect(pending.size).toBe(0)
})
