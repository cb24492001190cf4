// What ACLs hide stays hidden on every page: brokers with an authorizer, and users who may see some of what there is.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Consumer,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs'
import { systemClock } from '../broker/clock.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { askPage } from '../testing/asked-page.ts'
import { FolderBroker } from '../testing/folder-broker.ts'
import { scaledClusterSchema } from './scaled-cluster.ts'
import { ConsoleServer } from './server.ts'

const lagOf = (group: string, topic: string) => ({ group, topic, records: 5, seconds: 3, cause: 'Consumer' })
const SCALED = scaledClusterSchema.parse({
  metadata: { namespace: 'shop', name: 'orders' },
  spec: { scaling: { mode: 'Auto' } },
  status: {
    brokers: {},
    lag: {
      records: 5,
      seconds: 3,
      brokerBoundRecords: 0,
      groups: [lagOf('readers', 'open'), lagOf('readers', 'secret'), lagOf('mergers', 'open')],
    },
  },
})

const openConsole = (broker: FolderBroker, mechanism: 'PLAIN' | undefined): Promise<ConsoleServer> =>
  ConsoleServer.open({
    listen: { host: '127.0.0.1', port: 0 },
    hostNames: [],
    brokers: { bootstrap: [{ host: '127.0.0.1', port: broker.port }], timeoutMs: 10_000 },
    mechanism,
    metrics: [{ host: '127.0.0.1', port: broker.metricsPort }],
    scaledCluster: async () => SCALED,
    allowsChanges: true,
    clock: systemClock,
    log: createLogger('silent'),
  })

const ONLY_FOR_OTHERS = 'users who may Describe the cluster'

describe('a console where nobody signs in', () => {
  const pages = async (settings: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    const broker = await FolderBroker.start(settings)
    const server = await openConsole(broker, undefined)
    try {
      return [(await askPage(server.port, '/scaling')).text, (await askPage(server.port, '/cost')).text]
    } finally {
      await server.close()
      await broker.stop()
    }
  }

  test('shows what concerns the cluster where there is no authorizer', async () => {
    const [scaling = ''] = await pages({})
    expect([scaling.includes('Scaling of shop/orders'), scaling.includes(ONLY_FOR_OTHERS)]).toEqual([true, false])
  })

  test('shows nothing of it where ACLs give strangers nothing', async () => {
    const [scaling = '', cost = ''] = await pages({ KAFSCALE_AUTHORIZER: 'acl', KAFSCALE_SUPER_USERS: 'User:admin' })
    expect(scaling).toContain(ONLY_FOR_OTHERS)
    expect(scaling).not.toMatch(/readers|mergers|secret/)
    expect(cost).not.toContain('<table')
  })
})

describe('users who may see a part', () => {
  let folder: string
  let broker: FolderBroker
  let server: ConsoleServer
  let consumer: Consumer
  const headers: Record<string, string> = {}
  const page = async (path: string): Promise<string> => (await askPage(server.port, path, { headers })).text

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-visibility-'))
    const usersFile = join(folder, 'users.yaml')
    await writeFile(usersFile, 'admin: a\nbob: b\n')
    broker = await FolderBroker.start({
      KAFSCALE_AUTHORIZER: 'acl',
      KAFSCALE_SUPER_USERS: 'User:admin',
      KAFSCALE_LISTENER_SECURITY: JSON.stringify({
        PLAINTEXT: { protocol: 'SASL_PLAINTEXT', mechanisms: ['PLAIN'], usersFile },
      }),
    })
    server = await openConsole(broker, 'PLAIN')
    const kafka = new Kafka({
      brokers: [`127.0.0.1:${broker.port}`],
      logLevel: logLevel.NOTHING,
      sasl: { mechanism: 'plain', username: 'admin', password: 'a' },
    })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'open' }, { topic: 'secret' }, { topic: 'sealed' }] })
    const may = (resourceType: AclResourceTypes, resourceName: string) => ({
      resourceType,
      resourceName,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: 'User:bob',
      host: '*',
      operation: AclOperationTypes.DESCRIBE,
      permissionType: AclPermissionTypes.ALLOW,
    })
    const { CLUSTER, GROUP, TOPIC } = AclResourceTypes
    await admin.createAcls({ acl: [may(CLUSTER, 'kafka-cluster'), may(GROUP, 'readers'), may(TOPIC, 'open')] })
    consumer = kafka.consumer({ groupId: 'readers' })
    await consumer.connect()
    await consumer.subscribe({ topics: ['open', 'secret'] })
    const joined = new Promise<void>(resolve => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
    await consumer.run({ autoCommit: false, eachMessage: async () => {} })
    await joined
    await consumer.commitOffsets([{ topic: 'secret', partition: 0, offset: '0' }])
    await admin.disconnect()
    const { headers: answered } = await askPage(server.port, '/sign-in', { form: { user: 'bob', password: 'b' } })
    headers.cookie = String(answered['set-cookie']).split(';')[0] ?? ''
  })

  afterAll(async () => {
    await consumer?.disconnect()
    await server?.close()
    await broker?.stop()
    await rm(folder, { recursive: true })
  })

  test('see the group that they may see, with the topics that they may see', async () => {
    const shown = await page('/group?name=readers')
    expect(shown).toContain('href="/topics/open"')
    expect(shown).toContain('open: 0')
    expect(shown).not.toContain('secret')
  })

  test('see lag of what they may see, on the page of scaling', async () => {
    const shown = await page('/scaling')
    expect(shown).toContain('Scaling of shop/orders')
    expect(shown).toMatch(/readers<\/a><\/td><td><a href="\/topics\/open"/)
    expect(shown).not.toMatch(/secret|mergers/)
  })

  test('cannot put a group elsewhere on a topic that they may not see', async () => {
    const form = { topic: 'secret', to: 'latest' }
    const { status, text } = await askPage(server.port, '/group/reset?name=readers', { headers, form })
    expect([status, text.includes('secret')]).toEqual([409, false])
  })

  test('who signs in again is no longer known by the name of before', async () => {
    const form = { user: 'bob', password: 'b' }
    const signIn = async (cookie?: string): Promise<string> => {
      const sent = { form, headers: cookie === undefined ? {} : { cookie } }
      const { headers: answered } = await askPage(server.port, '/sign-in', sent)
      return String(answered['set-cookie']).split(';')[0] ?? ''
    }
    const status = async (cookie: string) => (await askPage(server.port, '/topics', { headers: { cookie } })).status
    const first = await signIn()
    expect(await status(first)).toBe(200)
    const second = await signIn(first)
    expect([await status(first), await status(second)]).toEqual([303, 200])
  })
})
