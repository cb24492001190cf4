// The loss of etcd, member by member and all at once, with real members, a real broker and a real bucket: one member joins
// again by itself; after the loss of all, everything up to the newest checkpoint is there, and the rest is told of and kept.

import { afterEach, expect, test } from '@jest/globals'
import { Kafka, logLevel } from 'kafkajs'
import { etcd as programs } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { ManagedCluster } from './managed-cluster.ts'

const LIMIT_MS = 300_000
const TOPIC = 'orders'

await suiteWith('a managed etcd that loses its data', programs(), etcd => {
  let cluster: ManagedCluster | undefined

  afterEach(async () => {
    await cluster?.stop()
    cluster = undefined
  })

  async function start(checkpointIntervalMs: number): Promise<ManagedCluster> {
    const started = await ManagedCluster.start({ etcd })
    cluster = started
    await started.apply({
      brokers: { replicas: 1, config: { checkpointIntervalMs, flushIntervalMs: 1 } },
      etcd: { managed: { replicas: 3 } },
    })
    await brokerReady(started)
    const admin = kafka(started).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2 }] })
    await admin.disconnect()
    return started
  }

  test(
    'a member that lost its data leaves and joins again, and the others go on',
    async () => {
      const started = await start(1000)
      await produce(started, 'before', 10)
      await started.node.loseData('orders-etcd-1')
      await produce(started, 'meanwhile', 10)
      await started.membersReady(3)
      expect(started.node.pod('orders-etcd-1')?.words[0]?.message).toContain('"joined"')
      const member = started.member(0)
      expect((await member.members()).map(({ name }) => name).sort()).toEqual([
        'orders-etcd-0',
        'orders-etcd-1',
        'orders-etcd-2',
      ])
      member.close()
      expect(started.status?.etcd?.life).toMatchObject({ number: 1, state: 'running' })
      await started.until('the event', () => started.events('EtcdMemberReplaced').length > 0)
      expect(started.events('EtcdMemberReplaced')).toEqual([expect.stringContaining('orders-etcd-1')])
      // Now the majority needs the member that came back.
      await started.node.loseData('orders-etcd-2')
      await started.membersReady(3)
      expect((await consume(started, 20)).size).toBe(20)
    },
    LIMIT_MS,
  )

  test(
    'after the loss of all members everything up to the newest checkpoint is there, though the snapshot is older',
    async () => {
      const started = await start(500)
      await produce(started, 'before', 20)
      await snapshot(started)
      await produce(started, 'after', 20)
      await checkpointed(started)
      await started.node.loseData('orders-etcd-0', 'orders-etcd-1', 'orders-etcd-2')
      await restored(started)
      expect((await consume(started, 40)).size).toBe(40)
      await produce(started, 'new', 5)
      const all = await consume(started, 45)
      expect(all.size).toBe(45)
      await started.until('somebody has looked for a loss', () => started.status?.etcd?.restored?.objects !== undefined)
      expect(started.status?.etcd?.restored).toMatchObject({ objects: 0, records: 0 })
      expect(started.condition('RecordsLost')?.reason).toBe('NothingLost')
    },
    LIMIT_MS,
  )

  test(
    'the spec can ask for a snapshot, which never goes back behind the newest checkpoint; with the cluster go its objects',
    async () => {
      const started = await start(500)
      await produce(started, 'before', 5)
      await snapshot(started)
      const key = started.status?.etcd?.lastSnapshot?.key
      await produce(started, 'after', 5)
      await checkpointed(started)
      const brokers = { replicas: 1, config: { checkpointIntervalMs: 500, flushIntervalMs: 1 } }
      const etcd = { managed: { replicas: 3, restoreFrom: key } }
      await started.apply({ brokers, etcd, deletionPolicy: 'Delete' })
      await restored(started)
      expect((await consume(started, 10)).size).toBe(10)
      expect(started.condition('BucketReady')?.reason).toBe('BucketReady')
      await started.delete()
      await started.until('the end of the cluster', () => !started.exists)
      expect(await started.objects('shop.orders/')).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'what was acknowledged after snapshot and checkpoint is missing, told of with numbers, and kept',
    async () => {
      const started = await start(3_600_000)
      await produce(started, 'before', 20)
      await snapshot(started)
      await produce(started, 'after', 7)
      await started.node.loseData('orders-etcd-0', 'orders-etcd-1', 'orders-etcd-2')
      await restored(started)
      const found = await consume(started, 20)
      expect([...found].filter(value => value.startsWith('before')).length).toBe(20)
      const condition = await started.until('the loss is told of', () => {
        const known = started.condition('RecordsLost')
        return known?.reason === 'RecordsMissing' ? known : undefined
      })
      expect(condition).toMatchObject({ status: 'True' })
      // Clients go on, and what they miss shows at the first look.
      await started.until('the word', () => started.condition('Ready')?.reason === 'RecordsMissing')
      expect(started.condition('Ready')?.status).toBe('True')
      expect(started.status?.etcd?.restored).toMatchObject({ records: 7 })
      // New records get keys of their own, and offsets after those that are known.
      await produce(started, 'new', 5)
      expect((await consume(started, 25)).size).toBe(25)
      // The objects with the missing records outlast the upkeep of the new life.
      await new Promise(resolve => setTimeout(resolve, 5000))
      expect(await started.objects('shop.orders/lost/')).toHaveLength(1)
      expect((await started.lostKeys()).length).toBeGreaterThan(0)
    },
    LIMIT_MS,
  )
})

const kafka = (cluster: ManagedCluster): Kafka =>
  new Kafka({
    brokers: [`127.0.0.1:${cluster.node.ports.of('orders-broker-0', 9092)}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 30, initialRetryTime: 200, maxRetryTime: 2000 },
  })

const brokerReady = (cluster: ManagedCluster): Promise<unknown> =>
  cluster.until('the broker', () => cluster.node.pod('orders-broker-0')?.isReady() ?? false)

/** One request each, so that there are several objects. */
async function produce(cluster: ManagedCluster, name: string, count: number): Promise<void> {
  const producer = kafka(cluster).producer()
  await producer.connect()
  for (let index = 0; index < count; index++) {
    await producer.send({ topic: TOPIC, acks: -1, messages: [{ value: `${name}-${index}` }] })
  }
  await producer.disconnect()
}

/** All values from the beginning; resolves when so many different ones have come. */
async function consume(cluster: ManagedCluster, count: number): Promise<Set<string>> {
  const consumer = kafka(cluster).consumer({ groupId: `readers-${Math.random()}` })
  const found = new Set<string>()
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void found.add(String(message.value)) })
  await cluster.until(`${count} records`, () => found.size >= count)
  await consumer.disconnect()
  return found
}

async function snapshot(cluster: ManagedCluster): Promise<void> {
  const words = await cluster.node.runJob('orders-etcd-snapshot')
  expect(words.message).toContain('"sha256"')
  await cluster.until('the snapshot in the status', () => cluster.status?.etcd?.lastSnapshot !== undefined)
  expect(cluster.condition('EtcdBackedUp')?.reason).toBe('SnapshotHealthy')
}

/** A checkpoint of everything so far is in the bucket. */
async function checkpointed(cluster: ManagedCluster): Promise<void> {
  const member = cluster.member(0)
  const head = (await member.status()).revision
  member.close()
  // Checkpoints have the revision of the last command in them: with one more there will be one that is not before the head.
  const admin = kafka(cluster).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: `after-${head}` }] })
  await admin.disconnect()
  await cluster.until('a checkpoint', async () => {
    const keys = await cluster.objects('shop.orders/snapshot/')
    return keys.some(key => Number(/(\d+)-\d+$/.exec(key)?.[1]) >= head)
  })
}

async function restored(cluster: ManagedCluster): Promise<void> {
  await cluster.until('the second life', () => cluster.status?.etcd?.life?.number === 2)
  await cluster.until('it runs', () => cluster.status?.etcd?.life?.state === 'running')
  await brokerReady(cluster)
}
