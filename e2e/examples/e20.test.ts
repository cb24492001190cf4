// E20, the Spring Boot application, as a process beside a broker: REST, retries and dead letters, metrics, and what it says
// while the broker is away.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { z } from 'zod'
import { freePorts } from '../../testing/ports.ts'
import { builtExample } from '../../tools/examples/build.ts'
import { BrokerProcess } from '../faults/broker-process.ts'
import { suiteWith } from '../suite.ts'
import { FIRST_MEMBER_AT_ONCE, Program } from './program.ts'
import { TopicClient } from './topic-client.ts'

jest.setTimeout(300_000)

const TOPIC = 'orders-springboot'

const sent = z.object({ id: z.string(), topic: z.string(), partition: z.number(), offset: z.number() })
const processed = z.array(z.object({ id: z.string(), product: z.string(), attempts: z.number(), topic: z.string() }))
const deadLetters = z.array(
  z.object({ key: z.string().nullable(), value: z.string(), reason: z.string(), topic: z.string() }),
)

await suiteWith('E20', builtExample('E20_spring-boot-kafscale-demo'), example => {
  let folder: string
  let broker: BrokerProcess
  let port: number
  let program: Program | undefined

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-e20-'))
    const files = { logFile: join(folder, 'broker.log'), dataDir: join(folder, 'data') }
    broker = await BrokerProcess.create({
      ...files,
      settings: { ...FIRST_MEMBER_AT_ONCE, KAFSCALE_BROKER_HOST: 'localhost' },
    })
    await broker.start()
  }, 120_000)

  afterAll(async () => {
    await program?.child.stop()
    await broker?.stop()
    await rm(folder, { recursive: true, force: true })
  }, 60_000)

  const bootstrap = (): string => `localhost:${broker.port}`

  const ask = async (path: string, order?: object): Promise<{ status: number; text: string }> => {
    const post = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(order) }
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, order === undefined ? {} : post)
    return { status: answer.status, text: await answer.text() }
  }
  const get = async (path: string): Promise<unknown> => JSON.parse((await ask(path)).text)

  const started = async (...args: string[]): Promise<Program> => {
    const [free = 0] = await freePorts(1)
    port = free
    const jvm = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-jar', example.jar, `--server.port=${port}`, ...args]
    const options = { logFile: join(folder, `${port}.log`), env: { KAFSCALE_BOOTSTRAP_SERVERS: bootstrap() } }
    program = await Program.start('E20', example, jvm, options)
    await program.does('to be healthy', healthy)
    return program
  }
  const healthy = (): Promise<boolean> =>
    ask('/api/health').then(
      ({ status }) => status === 200,
      () => false,
    )

  const order = async (product: string, quantity = 1): Promise<z.infer<typeof sent>> => {
    const { status, text } = await ask('/api/orders', { product, quantity })
    expect([status, text]).toEqual([201, expect.stringContaining('"offset"')])
    return sent.parse(JSON.parse(text))
  }
  const orders = async () => processed.parse(await get('/api/orders'))
  const dead = async () => deadLetters.parse(await get('/api/orders/dead-letters'))

  describe('with the defaults of its clients', () => {
    let application: Program

    beforeAll(async () => {
      application = await started()
    })

    test('says that it is healthy as the tutorial shows', async () => {
      expect(await ask('/api/health')).toEqual({
        status: 200,
        text: `{"status":"healthy","broker":"localhost:${broker.port}"}`,
      })
    })

    test('sends orders through the topic and lists them, of every partition', async () => {
      // They go to the partitions by their ids; that one of three gets none of forty does not happen.
      const many: z.infer<typeof sent>[] = []
      for (let quantity = 1; quantity <= 40; quantity++) many.push(await order('widget', quantity))
      expect([...new Set(many.map(({ partition }) => partition))].sort()).toEqual([0, 1, 2])
      const listed = async () => new Map((await orders()).map(found => [found.id, found]))
      await application.does('to list the orders', async () => {
        const found = await listed()
        return many.every(({ id }) => found.has(id))
      })
      for (const { id, topic } of many) {
        expect((await listed()).get(id)).toMatchObject({ product: 'widget', attempts: 1, topic })
      }
    })

    test('tries an order again by the retry topic, and gives up by the dead-letter topic', async () => {
      const [flaky, broken] = [await order('flaky widget'), await order('broken widget')]
      await application.does('to give up', async () => (await dead()).some(({ key }) => key === broken.id))
      await application.does('to succeed', async () => (await orders()).some(({ id }) => id === flaky.id))
      expect((await orders()).find(({ id }) => id === flaky.id)).toMatchObject({ attempts: 2, topic: `${TOPIC}-retry` })
      const [letter] = (await dead()).filter(({ key }) => key === broken.id)
      expect(letter).toMatchObject({
        topic: `${TOPIC}-dlt`,
        reason: expect.stringContaining('no broken widget at attempt 3'),
      })
    })

    test('puts what is no order aside at once', async () => {
      await new TopicClient(bootstrap()).write(TOPIC, [{ key: 'poison', value: 'no JSON' }])
      await application.does('to put it aside', async () => (await dead()).some(({ key }) => key === 'poison'))
      expect((await dead()).find(({ key }) => key === 'poison')?.value).toBe('no JSON')
    })

    test('refuses orders that are none', async () => {
      const refused = await ask('/api/orders', { product: 'widget', quantity: 0 })
      expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('quantity must be at least 1')])
    })

    test('shows the cluster, a page and metrics', async () => {
      expect(await get('/api/cluster-info')).toMatchObject({
        bootstrap: bootstrap(),
        nodes: [{ host: 'localhost', port: broker.port }],
        topics: expect.arrayContaining([TOPIC, `${TOPIC}-dlt`, `${TOPIC}-retry`]),
      })
      expect(JSON.parse((await ask('/api/test-connection', {})).text)).toMatchObject({ connected: true })
      const page = await ask('/')
      expect([page.status, page.text]).toEqual([200, expect.stringContaining('<title>Orders</title>')])
      expect((await ask('/actuator/prometheus')).text).toMatch(/^kafka_producer_record_send_total\{[^}]*\} [1-9]/m)
      expect(await get('/actuator/health')).toMatchObject({ status: 'UP' })
    })

    test('says so while the broker is away, and goes on by itself', async () => {
      await broker.stop()
      const { status, text } = await ask('/api/health')
      expect([status, JSON.parse(text)]).toEqual([
        503,
        { status: 'unhealthy', broker: bootstrap(), reason: expect.stringMatching(/./) },
      ])
      expect(JSON.parse((await ask('/api/test-connection', {})).text)).toMatchObject({ connected: false })
      // The client keeps what it cannot send yet, and sends it when the broker is back.
      const [, { id }] = await Promise.all([broker.start(), order('patient widget')])
      await application.does('to be healthy again', healthy)
      await application.does('to list it', async () => (await orders()).some(found => found.id === id))
    })

    test('ends when it is told to', async () => {
      expect(await application.child.stop(60_000)).toBe(143)
    })
  })

  test('works with idempotence switched off', async () => {
    const application = await started('--spring.kafka.producer.properties.enable.idempotence=false')
    const { id } = await order('widget')
    await application.does('to list the order', async () => (await orders()).some(found => found.id === id))
    await application.child.stop()
  })

  test('is described in its README as it is', async () => {
    const readme = await readFile(join(example.folder, 'README.md'), 'utf8')
    expect(readme).toContain('{"status":"healthy","broker":"localhost:39092"}')
    expect(readme).toContain('http://localhost:8093/')
  })
})
