// ACLs and quotas, set by Apache Kafka's own tools and felt by real clients.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { KafkaTools, kafkaToolsProgram, type ToolName, type ToolOutcome } from '../clients/kafka-tools.ts'
import { suiteWith } from '../suite.ts'
import { Secured } from './secured.ts'

jest.setTimeout(180_000)

await suiteWith('authorization', kafkaToolsProgram(), toolsProgram => {
  let secured: Secured
  let tools: KafkaTools
  const clients: { disconnect(): Promise<void> }[] = []

  beforeAll(async () => {
    secured = await Secured.start({
      KAFSCALE_AUTHORIZER: 'acl',
      // Who comes in without a name is the operator of this test.
      KAFSCALE_SUPER_USERS: 'User:ANONYMOUS;User:admin',
    })
    tools = new KafkaTools(toolsProgram, secured.addresses.PLAINTEXT)
    await good('kafka-topics', '--create', '--topic', 'open', '--partitions', '1')
    await good('kafka-topics', '--create', '--topic', 'secret', '--partitions', '1')
    await acl(
      '--add',
      '--allow-principal',
      'User:alice',
      '--operation',
      'Read',
      '--operation',
      'Write',
      '--topic',
      'open',
    )
    await acl(
      '--add',
      '--allow-principal',
      'User:alice',
      '--operation',
      'Read',
      '--group',
      'team-',
      '--resource-pattern-type',
      'prefixed',
    )
  })

  afterAll(async () => {
    await Promise.all(clients.map(client => client.disconnect()))
    await tools?.stop()
    await secured?.stop()
  })

  const good = async (tool: ToolName, ...args: string[]): Promise<ToolOutcome> => {
    const outcome = await tools.run(tool, args)
    expect({ args, ...outcome }).toMatchObject({ code: 0 })
    return outcome
  }
  const acl = (...args: string[]) => good('kafka-acls', ...args)

  const as = (user: string) =>
    new Kafka({
      ...{ clientId: 'app', brokers: [secured.addresses.SASL_PLAINTEXT], logLevel: logLevel.NOTHING },
      ...{ retry: { retries: 0 }, sasl: { mechanism: 'plain', username: user, password: `${user}-secret` } },
    })
  const producerOf = async (user: string): Promise<Producer> => {
    const producer = as(user).producer({ allowAutoTopicCreation: false })
    clients.push(producer)
    await producer.connect()
    return producer
  }
  const value = (bytes = 1) => ({ messages: [{ value: 'v'.repeat(bytes) }] })

  test('a user writes and reads where it may, and is refused elsewhere', async () => {
    const producer = await producerOf('alice')
    await producer.send({ topic: 'open', ...value() })
    await expect(producer.send({ topic: 'secret', ...value() })).rejects.toThrow(/not authorized/i)
    const consumer = as('alice').consumer({ groupId: 'team-a' })
    clients.push(consumer)
    await consumer.connect()
    await consumer.subscribe({ topic: 'open', fromBeginning: true })
    const read = new Promise<string>(resolve => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) })
    })
    expect(await read).toBe('v')
  })

  test('a group that is not its own is closed to it', async () => {
    const consumer = as('alice').consumer({ groupId: 'others' })
    clients.push(consumer)
    await consumer.connect()
    await consumer.subscribe({ topic: 'open' })
    const crashed = new Promise<string>(resolve => {
      consumer.on('consumer.crash', ({ payload }) => resolve(payload.error.message))
    })
    await consumer.run({ eachMessage: async () => {} })
    // kafkajs hides the code behind a sentence of its own.
    expect(await crashed).toMatch(/not authorized|find group coordinator/i)
  })

  test('names of topics do not leak', async () => {
    const admin = as('alice').admin()
    clients.push(admin)
    await admin.connect()
    expect(await admin.listTopics()).toEqual(['open'])
    const outcomes = ['secret', 'none-such'].map(topic =>
      admin.fetchTopicMetadata({ topics: [topic] }).then(
        () => 'told',
        (cause: Error) => cause.message.replaceAll(topic, 'TOPIC'),
      ),
    )
    const [secret, none] = await Promise.all(outcomes)
    expect([secret, secret]).toEqual([expect.stringMatching(/not authorized/i), none])
  })

  test('what is taken back counts on connections that are open', async () => {
    await acl('--add', '--allow-principal', 'User:alice', '--operation', 'Write', '--topic', 'secret')
    const producer = await producerOf('alice')
    await producer.send({ topic: 'secret', ...value() })
    await acl('--remove', '--force', '--allow-principal', 'User:alice', '--operation', 'Write', '--topic', 'secret')
    await expect(producer.send({ topic: 'secret', ...value() })).rejects.toThrow(/not authorized/i)
  })

  test('the tool lists what it has set', async () => {
    const { stdout } = await acl('--list', '--principal', 'User:alice')
    expect(stdout).toContain('resourceType=TOPIC, name=open, patternType=LITERAL')
    expect(stdout).toContain('principal=User:alice, host=*, operation=WRITE, permissionType=ALLOW')
    expect(stdout).toContain('resourceType=GROUP, name=team-, patternType=PREFIXED')
  })

  test('what was changed and refused is written down, and no secret with it', async () => {
    const user = ['--entity-type', 'users', '--entity-name', 'erin']
    await good('kafka-configs', '--alter', '--add-config', 'SCRAM-SHA-512=[password=erin-secret]', ...user)
    const lines = secured.log().split('\n')
    const notes = (text: string) => lines.filter(line => line.includes(text))
    expect(notes('"audit":"change"')).toContainEqual(
      expect.stringMatching(/"api":"AlterUserScramCredentials".*"subjects":\["erin"\]/),
    )
    expect(notes('"audit":"change"')).toContainEqual(expect.stringMatching(/"api":"CreateAcls".*User:alice on open/))
    expect(notes('"audit":"authorization"')).toContainEqual(expect.stringMatching(/User:alice.*secret/))
    for (const secret of ['erin-secret', 'alice-secret', 'admin-secret', 'PRIVATE KEY'])
      expect(notes(secret)).toEqual([])
  })

  describe('a quota', () => {
    test('holds a producer back, and is listed and taken away by the tool', async () => {
      const entity = ['--entity-type', 'users', '--entity-name', 'alice']
      await good('kafka-configs', '--alter', '--add-config', 'producer_byte_rate=20000', ...entity)
      expect((await good('kafka-configs', '--describe', ...entity)).stdout).toContain('producer_byte_rate=20000')
      const producer = await producerOf('alice')
      const began = performance.now()
      // Ten seconds' worth goes at once; twelve do not.
      for (let n = 0; n < 12; n++) await producer.send({ topic: 'open', ...value(20_000) })
      await producer.send({ topic: 'open', ...value() })
      expect(performance.now() - began).toBeGreaterThan(1500)
      await good('kafka-configs', '--alter', '--delete-config', 'producer_byte_rate', ...entity)
      expect((await good('kafka-configs', '--describe', ...entity)).stdout).not.toContain('producer_byte_rate')
    })
  })
})
