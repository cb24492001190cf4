// Against a real broker in this process.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { BrokerConnection } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { TopicAdmin } from './topic-admin.ts'

let broker: FolderBroker
let connection: BrokerConnection
let admin: TopicAdmin

beforeAll(async () => {
  broker = await FolderBroker.start()
  const address = { host: '127.0.0.1', port: broker.port, clientId: 'operator', clock: systemClock, timeoutMs: 5000 }
  connection = await BrokerConnection.open(address)
  admin = new TopicAdmin(connection)
})

afterAll(async () => {
  connection.close()
  await broker.stop()
})

test('a topic is created, described, grown, altered and deleted', async () => {
  const config = { 'retention.ms': '1000' }
  expect(await admin.execute([{ kind: 'create', name: 'One_1', partitions: 2, config }])).toEqual(new Map())
  expect((await admin.describe(['One_1', 'missing'])).get('One_1')).toMatchObject({ partitions: 2, config })
  const refusals = await admin.execute([
    { kind: 'grow', name: 'One_1', partitions: 5 },
    { kind: 'alter', name: 'One_1', set: { 'max.message.bytes': '2000' }, remove: ['retention.ms'] },
  ])
  expect(refusals).toEqual(new Map())
  expect((await admin.describe(['One_1'])).get('One_1')).toMatchObject({
    partitions: 5,
    config: { 'max.message.bytes': '2000' },
  })
  expect(
    await admin.execute([
      { kind: 'delete', name: 'One_1' },
      { kind: 'delete', name: 'gone' },
    ]),
  ).toEqual(new Map())
  expect((await admin.describe(['One_1'])).size).toBe(0)
})

test('looking for a topic does not create it', async () => {
  expect((await admin.describe(['looked-for'])).size).toBe(0)
  expect((await admin.describe(['looked-for'])).size).toBe(0)
})

test('refusals come by topic, in the words of the broker, and do not hold up the others', async () => {
  const refusals = await admin.execute([
    { kind: 'create', name: 'good', partitions: 1, config: {} },
    { kind: 'create', name: 'bad', partitions: 1, config: { 'no.such.key': '1' } },
    { kind: 'create', name: 'bad name', partitions: 1, config: {} },
  ])
  expect([...refusals.keys()].sort()).toEqual(['bad', 'bad name'])
  expect(refusals.get('bad')).toMatchObject({
    retriable: false,
    message: expect.stringMatching(/^INVALID_CONFIG: .*no\.such\.key/),
  })
  expect((await admin.describe(['good'])).size).toBe(1)
})

test('hundreds of topics take a few requests', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `many-${index}`)
  await admin.execute(names.map(name => ({ kind: 'create', name, partitions: 1, config: { 'retention.ms': '5' } })))
  const live = await admin.describe(names)
  expect(live.size).toBe(300)
  expect(new Set([...live.values()].map(({ config }) => config['retention.ms']))).toEqual(new Set(['5']))
})
