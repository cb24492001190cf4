import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { loadSettings, SettingsError } from './load-settings.ts'
import { type Settings, settingFacts } from './settings.ts'

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
      listen: { host: undefined, port: 19092 },
      metrics: { host: undefined, port: 19093 },
      dataDir: '/data',
      prefix: 'default',
      autoCreateTopics: true,
      logLevel: 'info',
    })
    const { rack, advertisedHost, advertisedPort, brokerId, putsPerSecond } = settings
    expect([rack, advertisedHost, advertisedPort, brokerId, putsPerSecond]).toEqual(Array(5).fill(undefined))
  })

  test('there is none for the place of the data (fault 7: a missing setting chose memory)', () => {
    expect(problem(() => loadSettings({}))).toMatch(/^KAFSCALE_DATA_DIR .*is required/)
    expect(problem(() => loadSettings({ KAFSCALE_DATA_DIR: '' }))).toMatch(/^KAFSCALE_DATA_DIR .*is required/)
  })
})

describe('the place of the data', () => {
  const etcd = { KAFSCALE_ETCD_ENDPOINTS: 'http://a:2379,http://b:2379' }
  const bucket = { KAFSCALE_S3_BUCKET: 'records' }
  const region = { KAFSCALE_S3_REGION: 'eu-central-1' }

  test('is a folder, or etcd and a bucket', () => {
    expect(loadSettings({ ...etcd, ...bucket, ...region })).toMatchObject({
      etcdEndpoints: ['http://a:2379', 'http://b:2379'],
      etcdPrefix: '/kafscale',
      s3Bucket: 'records',
    })
    expect(loadSettings({ ...etcd, ...bucket, KAFSCALE_S3_ENDPOINT: 'http://s3:7070' }).s3Region).toBeUndefined()
  })

  test.each([
    [{ ...required, ...etcd }, 'KAFSCALE_DATA_DIR and KAFSCALE_ETCD_ENDPOINTS exclude each other'],
    [{ ...required, ...bucket }, 'KAFSCALE_DATA_DIR and KAFSCALE_S3_BUCKET exclude each other'],
    [etcd, 'KAFSCALE_S3_BUCKET (s3Bucket in a file) is required'],
    [{ ...bucket, ...region }, 'KAFSCALE_ETCD_ENDPOINTS (etcdEndpoints in a file) is required'],
    [{ ...etcd, ...bucket }, 'KAFSCALE_S3_REGION (s3Region in a file) is required'],
    [{ ...etcd, ...bucket, KAFSCALE_S3_ACCESS_KEY: 'a' }, 'KAFSCALE_S3_REGION'],
    [{ ...etcd, ...bucket, ...region, KAFSCALE_S3_ACCESS_KEY: 'a' }, 'KAFSCALE_S3_SECRET_KEY'],
    [{ ...etcd, ...bucket, ...region, KAFSCALE_S3_SECRET_KEY: 'a' }, 'KAFSCALE_S3_ACCESS_KEY'],
    [{ ...etcd, ...bucket, ...region, KAFSCALE_ETCD_USERNAME: 'a' }, 'KAFSCALE_ETCD_PASSWORD'],
    [{ ...etcd, ...bucket, ...region, KAFSCALE_ETCD_KEY_FILE: 'a' }, 'KAFSCALE_ETCD_CERT_FILE'],
  ])('%j is not enough or too much', (environment, line) => {
    expect(problem(() => loadSettings(environment))).toContain(line)
  })
})

describe('listeners', () => {
  const listeners = { KAFSCALE_LISTENERS: 'INTERNAL://:9092,EXTERNAL://0.0.0.0:9094' }

  test('are named addresses', () => {
    const settings = loadSettings({
      ...required,
      ...listeners,
      KAFSCALE_ADVERTISED_LISTENERS: 'EXTERNAL://kafka.example:443',
      KAFSCALE_SHARED_LISTENERS: 'EXTERNAL',
    })
    expect(settings.listeners).toEqual([
      { name: 'INTERNAL', host: undefined, port: 9092 },
      { name: 'EXTERNAL', host: '0.0.0.0', port: 9094 },
    ])
    expect(settings.advertisedListeners).toEqual([{ name: 'EXTERNAL', host: 'kafka.example', port: 443 }])
    expect(settings.sharedListeners).toEqual(['EXTERNAL'])
  })

  test.each([
    [{ KAFSCALE_LISTENERS: 'A://:1,A://:2' }, 'each name once'],
    [{ KAFSCALE_LISTENERS: ':9092' }, 'must be NAME://HOST:PORT'],
    [{ KAFSCALE_LISTENERS: 'A://:99999' }, 'must be NAME://HOST:PORT'],
    [{ ...listeners, KAFSCALE_ADVERTISED_LISTENERS: 'OTHER://a:1' }, 'there is no listener OTHER'],
    [{ ...listeners, KAFSCALE_ADVERTISED_LISTENERS: 'EXTERNAL://:1' }, 'EXTERNAL needs a host and a port'],
    [{ ...listeners, KAFSCALE_SHARED_LISTENERS: 'OTHER' }, 'there is no listener OTHER'],
    [{ ...listeners, KAFSCALE_SHARED_LISTENERS: 'INTERNAL,EXTERNAL' }, 'one listener must not be shared'],
    [{ KAFSCALE_SHARED_LISTENERS: 'PLAINTEXT' }, 'one listener must not be shared'],
    [{ ...listeners, KAFSCALE_INTERNAL_LISTENER: 'X' }, 'there is no listener X'],
    [
      { ...listeners, KAFSCALE_SHARED_LISTENERS: 'EXTERNAL', KAFSCALE_INTERNAL_LISTENER: 'EXTERNAL' },
      'EXTERNAL is shared',
    ],
  ])('%j is refused', (environment, line) => {
    expect(problem(() => loadSettings({ ...required, ...environment }))).toContain(line)
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
