import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { loadSettings, type Settings, SettingsError, settingFacts } from './settings.ts'

const required = { KAFSCALE_DATA_DIR: '/data' }

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kafscale-settings-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

let files = 0
const fileOf = (text: string): string => {
  const path = join(folder, `${files++}.yaml`)
  writeFileSync(path, text)
  return path
}
const fromFile = (text: string, environment: Record<string, string> = {}): Settings =>
  loadSettings({ KAFSCALE_CONFIG_FILE: fileOf(text), ...environment })

/** The message of the SettingsError; it must be one line. */
const problem = (load: () => Settings): string => {
  try {
    load()
  } catch (cause) {
    if (!(cause instanceof SettingsError)) throw cause
    expect(cause.message).toMatch(/^[^\r\n]+$/)
    return cause.message
  }
  throw new Error('the settings were accepted')
}
const problemOf = (environment: Record<string, string>): string =>
  problem(() => loadSettings({ ...required, ...environment }))

describe('defaults', () => {
  test('are there for everything but the place of the data', () => {
    const settings = loadSettings(required)
    expect(settings).toMatchObject({
      brokerId: 0,
      listen: { host: undefined, port: 19092 },
      metrics: { host: undefined, port: 19093 },
      dataDir: '/data',
      prefix: 'default',
      autoCreateTopics: true,
      putsPerSecond: 0,
      logLevel: 'info',
    })
    expect([settings.rack, settings.advertisedHost, settings.advertisedPort]).toEqual([undefined, undefined, undefined])
  })

  test('there is none for the place of the data (fault 7: a missing setting chose memory)', () => {
    expect(problem(() => loadSettings({}))).toMatch(/^KAFSCALE_DATA_DIR .*is required/)
    expect(problem(() => loadSettings({ KAFSCALE_DATA_DIR: '' }))).toMatch(/^KAFSCALE_DATA_DIR .*is required/)
  })
})

describe('the environment', () => {
  test('wins over the file, an empty variable counts as none, others are left alone', () => {
    const text = 'dataDir: /from-file\nuploadSlots: 7\nrack: zone-b\nautoCreateTopics: false\n'
    const settings = fromFile(text, {
      KAFSCALE_UPLOAD_SLOTS: '9',
      KAFSCALE_RACK: '',
      KAFSCALE_BROKER_SERVICE_HOST: '10.0.0.1',
    })
    expect(settings).toMatchObject({ dataDir: '/from-file', uploadSlots: 9, rack: 'zone-b', autoCreateTopics: false })
  })

  test.each([
    [':9092', undefined, 9092],
    ['0.0.0.0:1', '0.0.0.0', 1],
    ['broker.example:65535', 'broker.example', 65535],
    ['[::1]:9092', '::1', 9092],
    ['127.0.0.1:0', '127.0.0.1', 0],
  ])('%s is an address', (text, host, port) => {
    expect(loadSettings({ ...required, KAFSCALE_BROKER_ADDR: text }).listen).toEqual({ host, port })
  })

  test.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('%s is a flag', (text, value) => {
    expect(loadSettings({ ...required, KAFSCALE_AUTO_CREATE_TOPICS: text }).autoCreateTopics).toBe(value)
  })
})

describe('a wrong value is one line that names the setting', () => {
  const wrong: Readonly<Record<string, readonly string[]>> = {
    KAFSCALE_BROKER_ID: ['-1', '1.5', 'one', '2147483648', 'NaN', 'Infinity', '0x10', '1e2', ' '],
    KAFSCALE_BROKER_ADDR: ['9092', 'host', 'host:', 'host:port', ':65536', ':99999', '::1:9092', 'a\nb:1'],
    KAFSCALE_METRICS_ADDR: ['x'],
    KAFSCALE_BROKER_HOST: ['a b', 'host/path'],
    KAFSCALE_BROKER_PORT: ['0', '65536', 'x'],
    KAFSCALE_GROUP_MIN_SESSION_TIMEOUT_MS: ['9999999'],
    KAFSCALE_S3_NAMESPACE: ['.', '..', 'a/b', 'a b', 'x'.repeat(65), 'ä'],
    KAFSCALE_AUTO_CREATE_TOPICS: ['yes', 'TRUE', '2'],
    KAFSCALE_AUTO_CREATE_PARTITIONS: ['0', '10001'],
    KAFSCALE_CACHE_BYTES: ['1000', '1e999'],
    KAFSCALE_SEGMENT_BYTES: ['1', '100000000000'],
    KAFSCALE_PUTS_PER_SECOND: ['-1', '10001', 'fast'],
    KAFSCALE_CHECKPOINT_INTERVAL_MS: ['5'],
    KAFSCALE_LOG_LEVEL: ['loud', 'INFO'],
  }
  test.each(Object.entries(wrong).flatMap(([env, values]) => values.map((value): [string, string] => [env, value])))(
    '%s=%j',
    (env, value) => {
      const message = problemOf({ [env]: value })
      expect(message.startsWith(`${env} `)).toBe(true)
      expect(message.length).toBeLessThan(300)
    },
  )

  test('every whole number refuses what is none', () => {
    const numbers = settingFacts.filter(({ env }) => typeof Object(loadSettings(required))[keyOf(env)] === 'number')
    expect(numbers.length).toBeGreaterThan(15)
    for (const { env } of numbers) expect(problemOf({ [env]: 'x' }).startsWith(`${env} `)).toBe(true)
  })

  test.each([
    'uploadSlots: true',
    'uploadSlots: [5]',
    'flushIntervalMs:',
    'flushIntervalMs: null',
    'brokerId: {a: 1}',
    'rack: 5',
    'listen: 9092',
    'prefix: [a]',
    'autoCreateTopics: 1',
    'autoCreateTopics: "yes\\nno"',
  ])('in a file: %s', text => {
    const [key = ''] = text.split(':')
    expect(problem(() => fromFile(`dataDir: /data\n${text}\n`))).toContain(`(${key} in a file)`)
  })
})

describe('the file', () => {
  test('may be empty or hold any setting', () => {
    expect(fromFile('', required).dataDir).toBe('/data')
    expect(fromFile('# nothing\n', required).dataDir).toBe('/data')
    const text = 'dataDir: /d\nlisten: "127.0.0.1:0"\nputsPerSecond: 2.5\nlogLevel: warn\n'
    expect(fromFile(text)).toMatchObject({ dataDir: '/d', listen: { port: 0 }, putsPerSecond: 2.5, logLevel: 'warn' })
  })

  test('with an unknown key is refused, by that key', () => {
    expect(problem(() => fromFile('dataDir: /d\nuploadSlot: 3\n'))).toBe('uploadSlot: there is no such setting')
    expect(problem(() => fromFile('dataDir: /d\n"a\\nb": 3\n'))).toContain('there is no such setting')
    expect(problem(() => fromFile('KAFSCALE_DATA_DIR: /d\n', required))).toContain('KAFSCALE_DATA_DIR')
  })

  test.each(['[1, 2]', 'just text', 'a: [', 'a: 1\na: 2', '5'])(
    'that is no mapping of settings is refused: %j',
    text => {
      expect(problem(() => fromFile(text, required))).toMatch(/^KAFSCALE_CONFIG_FILE: /)
    },
  )

  test('that is not there is refused by its name', () => {
    const path = join(folder, 'none.yaml')
    expect(problem(() => loadSettings({ ...required, KAFSCALE_CONFIG_FILE: path }))).toContain(path)
    expect(problem(() => loadSettings({ ...required, KAFSCALE_CONFIG_FILE: folder }))).toMatch(
      /^KAFSCALE_CONFIG_FILE: /,
    )
  })
})

test('every setting has a variable of its own and says what it means', () => {
  expect(new Set(settingFacts.map(({ env }) => env)).size).toBe(settingFacts.length)
  for (const { env, description } of settingFacts) {
    expect(env).toMatch(/^KAFSCALE_[A-Z0-9_]+$/)
    expect(description.length).toBeGreaterThan(10)
  }
})

function keyOf(env: string): string {
  return settingFacts.find(facts => facts.env === env)?.key ?? ''
}
