// kafkajs, kcat and Apache Kafka's tools over every protocol and mechanism, and what they are told when they show the wrong thing.

import { readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs'
import { run } from '../../tools/parts/command.ts'
import { available, kcat } from '../../tools/parts/parts.ts'
import { KafkaTools, kafkaToolsProgram } from '../clients/kafka-tools.ts'
import { suiteWith } from '../suite.ts'
import { type Login, printed } from './families.ts'
import { type Addresses, Secured } from './secured.ts'

jest.setTimeout(180_000)

const program = await available(kcat())

await suiteWith('authentication', kafkaToolsProgram(), toolsProgram => {
  let secured: Secured
  let ca: string
  let tools: KafkaTools

  /** Runs a tool of Apache Kafka with these client settings. */
  const properties = async (name: string, lines: readonly string[]): Promise<string> => {
    const path = join(secured.folder, `${name}.properties`)
    await writeFile(path, lines.join('\n'))
    return path
  }
  const javaTls = () => [`ssl.truststore.type=PEM`, `ssl.truststore.location=${secured.authority.cert}`]
  const javaScram = (mechanism: string, user: string, password: string) => [
    ...['security.protocol=SASL_SSL', `sasl.mechanism=${mechanism}`, ...javaTls()],
    `sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="${user}" password="${password}";`,
  ]

  beforeAll(async () => {
    secured = await Secured.start()
    ca = await readFile(secured.authority.cert, 'utf8')
    tools = new KafkaTools(toolsProgram, secured.addresses.PLAINTEXT)
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const credential = `${mechanism}=[password=bob-secret]`
      const outcome = await tools.run('kafka-configs', [
        ...['--alter', '--add-config', credential, '--entity-type', 'users', '--entity-name', 'bob'],
      ])
      expect(outcome).toMatchObject({ code: 0 })
    }
  })

  afterAll(async () => {
    await tools?.stop()
    await secured?.stop()
  })

  const kafkajs = (listener: keyof Addresses, more: Partial<KafkaConfig>) =>
    new Kafka({
      ...{ clientId: 'secured', brokers: [secured.addresses[listener]], logLevel: logLevel.NOTHING },
      ...{ retry: { retries: 0 }, ...more },
    })

  const seenBy = async (listener: keyof Addresses, more: Partial<KafkaConfig>): Promise<string> => {
    const admin = kafkajs(listener, more).admin()
    try {
      await admin.connect()
      return (await admin.describeCluster()).clusterId
    } finally {
      await admin.disconnect()
    }
  }

  const oauth = (token: () => Promise<string>): SASLOptions => ({
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => ({ value: await token() }),
  })

  describe('kafkajs', () => {
    const tls = () => ({ ssl: { ca: [ca] } })
    const scram = (mechanism: 'scram-sha-256' | 'scram-sha-512', password = 'bob-secret'): SASLOptions => ({
      ...{ mechanism, username: 'bob', password },
    })

    test('comes in with what each mechanism asks for', async () => {
      const clusterId = await seenBy('PLAINTEXT', {})
      const seen = await Promise.all([
        seenBy('SASL_PLAINTEXT', { sasl: { mechanism: 'plain', username: 'alice', password: 'alice-secret' } }),
        seenBy('SASL_SSL', { ...tls(), sasl: { mechanism: 'plain', username: 'alice', password: 'alice-secret' } }),
        seenBy('SASL_SSL', { ...tls(), sasl: scram('scram-sha-256') }),
        seenBy('SASL_SSL', { ...tls(), sasl: scram('scram-sha-512') }),
        seenBy('SASL_SSL', { ...tls(), sasl: oauth(() => secured.issuer.token('carol')) }),
      ])
      expect(new Set([clusterId, ...seen]).size).toBe(1)
    })

    test('comes in by its certificate', async () => {
      const [cert, key] = await Promise.all([readFile(secured.client.cert), readFile(secured.client.key)])
      const ssl = { ca: [ca], cert: String(cert), key: String(key) }
      expect(await seenBy('SSL', { ssl })).toBe(await seenBy('PLAINTEXT', {}))
    })

    test.each([
      ['a wrong password', () => ({ ...tls(), sasl: scram('scram-sha-512', 'wrong') })],
      [
        'a wrong password of PLAIN',
        () => ({ ...tls(), sasl: { mechanism: 'plain' as const, username: 'alice', password: 'x' } }),
      ],
      [
        'a user that is not known',
        () => ({ ...tls(), sasl: { mechanism: 'plain' as const, username: 'eve', password: 'x' } }),
      ],
      ['a token of nobody', () => ({ ...tls(), sasl: oauth(async () => 'e30.e30.e30') })],
      ['no authentication', () => tls()],
      ['no TLS', () => ({})],
    ])('is refused with %s', async (_, config) => {
      await expect(seenBy('SASL_SSL', config())).rejects.toThrow()
    })

    test('is refused without the certificate that is required', async () => {
      await expect(seenBy('SSL', { ssl: { ca: [ca] } })).rejects.toThrow()
    })
  })

  describe("Apache Kafka's tools", () => {
    test('are told what is wrong with a password, in the words of Apache Kafka', async () => {
      const own = new KafkaTools(toolsProgram, secured.addresses.SASL_SSL)
      const config = await properties('wrong', javaScram('SCRAM-SHA-512', 'bob', 'wrong'))
      const outcome = await own.run('kafka-topics', ['--list', '--command-config', config])
      await own.stop()
      expect(outcome.code).not.toBe(0)
      expect(outcome.stdout + outcome.stderr).toContain('due to invalid credentials with SASL mechanism SCRAM-SHA-512')
    })

    test('list and remove the mechanisms of a user', async () => {
      const user = ['--entity-type', 'users', '--entity-name', 'dave']
      await tools.run('kafka-configs', [
        '--alter',
        '--add-config',
        'SCRAM-SHA-256=[iterations=8192,password=x]',
        ...user,
      ])
      const listed = await tools.run('kafka-configs', ['--describe', ...user])
      expect(listed.stdout).toContain('SCRAM-SHA-256=iterations=8192')
      const removed = await tools.run('kafka-configs', ['--alter', '--delete-config', 'SCRAM-SHA-256', ...user])
      const after = await tools.run('kafka-configs', ['--describe', ...user])
      expect([removed.code, after.stdout]).toEqual([0, expect.not.stringContaining('SCRAM-SHA-256')])
    })
  })

  const withKcat = program.have ? test : test.skip
  withKcat('librdkafka comes in by SCRAM over TLS, and not with a wrong password', async () => {
    const kcatRuns = (password: string) =>
      run(program.have ? program.part : '', [
        ...[
          '-b',
          secured.addresses.SASL_SSL,
          '-L',
          '-X',
          'security.protocol=SASL_SSL',
          '-X',
          `ssl.ca.location=${secured.authority.cert}`,
        ],
        ...['-X', 'sasl.mechanisms=SCRAM-SHA-512', '-X', 'sasl.username=bob', '-X', `sasl.password=${password}`],
      ])
    expect(await kcatRuns('bob-secret')).toMatchObject({ code: 0 })
    expect((await kcatRuns('wrong')).code).not.toBe(0)
  })

  describe('the configuration that kafscale client-config prints', () => {
    const login = { mechanism: 'SCRAM-SHA-512', user: 'bob' } as const

    beforeAll(() => {
      process.env.KAFKA_PASSWORD = 'bob-secret'
    })

    afterAll(() => {
      delete process.env.KAFKA_PASSWORD
    })

    test("is one for Apache Kafka's tools", async () => {
      const own = new KafkaTools(toolsProgram, secured.addresses.SASL_SSL)
      const config = await properties('printed', [await printed('java', secured, login)])
      const outcome = await own.run('kafka-topics', ['--list', '--command-config', config])
      await own.stop()
      expect(outcome).toMatchObject({ code: 0 })
    })

    withKcat.each<[string, () => Login]>([
      ['by password', () => login],
      ['by certificate', () => ({ certificate: secured.client })],
    ])('is one for kcat, %s', async (_, of) => {
      const path = join(secured.folder, 'printed.conf')
      // As envsubst would do it.
      const text = (await printed('librdkafka', secured, of())).replace(/\$\{KAFKA_PASSWORD\}/, 'bob-secret')
      await writeFile(path, text)
      expect(await run(program.have ? program.part : '', ['-F', path, '-L'])).toMatchObject({ code: 0 })
    })
  })

  describe('a stranger', () => {
    const dial = (port: number): Promise<Socket> =>
      new Promise(resolve => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket))
        socket.on('error', () => {})
      })
    const portOf = (listener: keyof Addresses) => Number(secured.addresses[listener].split(':')[1])
    const ended = (socket: Socket): Promise<string> =>
      new Promise(resolve => {
        let bytes = 0
        socket.on('data', chunk => {
          bytes += chunk.length
        })
        socket.on('close', () => resolve(`closed after ${bytes} bytes`))
        void sleep(5000, undefined, { ref: false }).then(() => resolve('still open'))
      })

    test('gets nothing but the end for a request before authentication', async () => {
      const socket = await dial(portOf('SASL_PLAINTEXT'))
      // Metadata, version 1, of all topics.
      socket.write(Buffer.from('0000000e0003000100000001ffffffffffff', 'hex'))
      expect(await ended(socket)).toBe('closed after 0 bytes')
    })

    test('that speaks no TLS is let go of', async () => {
      const socket = await dial(portOf('SASL_SSL'))
      socket.write(Buffer.from('0000000e0003000100000001ffffffffffff', 'hex'))
      expect(await ended(socket)).toMatch(/^closed/)
    })
  })
})
