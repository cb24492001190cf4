import { describe, expect, test } from '@jest/globals'
import { CLIENTS, clientConfig } from './client-config.ts'
import { clientConfigCommand } from './client-config-command.ts'
import type { ClientFacts } from './client-facts.ts'
import { UsageError } from './usage.ts'

const SCRAM: ClientFacts = {
  ...{ bootstrap: 'k.example:9093', protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-512', user: 'alice' },
  ...{ ca: 'ca.pem', cert: undefined, key: undefined },
}

test('a Java client takes its password from the environment', () => {
  const config = clientConfig('java', SCRAM)
  expect(config.split('\n')).toContain('security.protocol=SASL_SSL')
  expect(config).toMatch(/username="alice" password="\$\{env:KAFKA_PASSWORD\}";/)
  expect(config).toContain('config.providers=env')
})

test('Spring Boot, Flink and Spark have their own ways to write the same', () => {
  expect(clientConfig('spring', SCRAM)).toMatch(
    /^# .*\nspring:\n {2}kafka:\n {4}bootstrap-servers: "k\.example:9093"\n {4}properties:\n {6}security\.protocol: "SASL_SSL"/,
  )
  expect(clientConfig('flink', SCRAM)).toContain("'properties.sasl.mechanism' = 'SCRAM-SHA-512',")
  expect(clientConfig('spark', SCRAM)).toContain('.option("kafka.sasl.mechanism", "SCRAM-SHA-512")')
  expect(clientConfig('spark', SCRAM)).toContain('username=\\"alice\\"')
})

test('a cluster in clear needs no more than its address', () => {
  const plain: ClientFacts = { ...SCRAM, protocol: 'PLAINTEXT', mechanism: undefined, user: undefined, ca: undefined }
  expect(clientConfig('java', plain)).toBe('bootstrap.servers=k.example:9093\n')
  expect(clientConfig('librdkafka', plain)).toBe('bootstrap.servers=k.example:9093\n')
  expect(clientConfig('spring', plain)).toBe('spring:\n  kafka:\n    bootstrap-servers: "k.example:9093"\n')
})

test('an IPv6 address is text in YAML too', () => {
  expect(clientConfig('spring', { ...SCRAM, bootstrap: '[::1]:9093' })).toContain('bootstrap-servers: "[::1]:9093"\n')
})

test.each(['java', 'spring', 'flink', 'spark'] as const)('%s tells how a password is put into quotes', kind => {
  expect(clientConfig(kind, SCRAM)).toMatch(/^(#|--|\/\/) KAFKA_PASSWORD .* need a backslash before them\.\n/)
})

test.each(CLIENTS)('%s is told where its secrets are, and none of them', kind => {
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const) {
    const config = clientConfig(kind, { ...SCRAM, mechanism })
    expect(config).toContain('KAFKA_PASSWORD')
    expect(config.includes('KAFKA_TOKEN_URL')).toBe(mechanism === 'OAUTHBEARER')
  }
})

test('the id of a client that gets tokens may come from the environment too', () => {
  const tokens: ClientFacts = { ...SCRAM, mechanism: 'OAUTHBEARER', user: undefined }
  for (const kind of CLIENTS) expect(clientConfig(kind, tokens)).toContain('KAFKA_CLIENT_ID')
})

test('whatever a name has in it stays within its quotes', () => {
  const odd = { ...SCRAM, user: String.raw`a"\b'é` }
  // A file of properties takes a backslash away, then JAAS another one.
  expect(clientConfig('java', odd)).toContain(String.raw`username="a\\"\\\\b'\u00e9"`)
  expect(clientConfig('flink', odd)).toContain(String.raw`username="a\"\\b''é"`)
  expect(clientConfig('spark', odd)).toContain(String.raw`username=\"a\\\"\\\\b'é\"`)
  for (const kind of ['kafkajs', 'platformatic', 'aiokafka', 'confluent-kafka'] as const) {
    expect(clientConfig(kind, odd)).toContain(String.raw`"a\"\\b'é"`)
  }
  expect(clientConfig('kafkajs', { ...odd, mechanism: 'OAUTHBEARER' })).toContain(String.raw`a"\\b'é:`)
})

describe('on the command line', () => {
  const settings = {
    KAFSCALE_DATA_DIR: '/data',
    KAFSCALE_LISTENERS: 'CLIENTS://:9093',
    KAFSCALE_ADVERTISED_LISTENERS: 'CLIENTS://kafka.example:443',
    KAFSCALE_LISTENER_SECURITY: 'CLIENTS: {protocol: SASL_SSL, certFile: c, keyFile: k, mechanisms: [SCRAM-SHA-512]}',
  }
  const command = (...args: string[]) => clientConfigCommand(args, settings)

  test('a listener of a broker tells everything but the user', () => {
    expect(command('--for', 'librdkafka', '--listener', 'CLIENTS', '--user', 'bob').split('\n')).toEqual([
      'bootstrap.servers=kafka.example:443',
      'security.protocol=sasl_ssl',
      'sasl.mechanism=SCRAM-SHA-512',
      'sasl.username=bob',
      expect.stringMatching(/^sasl\.password=\$\{KAFKA_PASSWORD\}$/),
      '',
    ])
  })

  test('an IPv6 address that a listener advertises has brackets', () => {
    const told = { ...settings, KAFSCALE_ADVERTISED_LISTENERS: 'CLIENTS://[2001:db8::1]:9092' }
    const config = clientConfigCommand(['--for', 'librdkafka', '--listener', 'CLIENTS', '--user', 'bob'], told)
    expect(config).toContain('bootstrap.servers=[2001:db8::1]:9092\n')
  })

  test('brokers may have blanks around them, and are written without', () => {
    expect(command('--for', 'kafkajs', '--bootstrap', 'a:1, b:2,')).toContain('brokers: ["a:1","b:2"]')
  })

  test.each([
    [[], '--for must be one of'],
    [['--for', 'cobol'], '--for must be one of'],
    [['--for', 'java'], '--bootstrap'],
    [['--for', 'java', '--listener', 'NONE'], 'no listener NONE'],
    [['--for', 'java', '--listener', 'CLIENTS'], '--user is required'],
    [['--for', 'java', '--bootstrap', 'a:1', '--protocol', 'SASL_SSL'], '--mechanism is required'],
    [['--for', 'java', '--bootstrap', 'a:1', '--mechanism', 'PLAIN'], 'of no use'],
    [['--for', 'kafkajs', '--bootstrap', 'a:1', '--cert', 'c'], '--key is required'],
    [['--for', 'java', '--bootstrap', 'a:1', '--cert', 'c', '--key', 'k'], 'takes no --key'],
    [['--for', 'java', '--bootstrap', 'a:1,b'], '--bootstrap must be HOST:PORT, and is b'],
    [['--for', 'java', '--bootstrap', 'a:1', '--ca', 'a\nb'], '--ca must not have control characters'],
    [['--for', 'java', '--bootstrap', 'a:1', '--user', ['$', '{env:A}'].join('')], 'a value would be looked up'],
    [['--for', 'librdkafka', '--bootstrap', 'a:1', '--ca', '$HOME/ca'], '--ca must not have $H in it'],
    [['--for', 'kafkajs', '--bootstrap', '[::1]:1'], 'no IPv6 addresses'],
    [['--what'], 'Unknown option'],
  ])('%j is refused with a sentence', (args, text) => {
    expect(() => command(...args)).toThrow(UsageError)
    expect(() => command(...args)).toThrow(text)
  })
})
