/** Many of everything: connections, partitions, members of a group. */
import { Kafka, logLevel } from 'kafkajs'
import { buildBatch } from '../broker/wire/batch-builder.ts'
import {
  newFindCoordinatorRequest,
  newHeartbeatRequest,
  newJoinGroupRequest,
  newJoinGroupRequestProtocol,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
  newSyncGroupRequest,
  newSyncGroupRequestAssignment,
} from '../broker/wire/messages.gen.ts'
import { cpuSeconds, type Peer, residentMb } from './peers.ts'
import { RawClient } from './raw-client.ts'
import { percentile, table } from './table.ts'

const CONNECTIONS = 1000
const SECONDS = 10
const PARTITIONS = 2000
const MEMBERS = 200
const TOPIC = 'bench-load'

export async function load(peers: readonly Peer[]): Promise<string> {
  const tables: string[] = []
  const connections: (string | number)[][] = []
  const partitions: (string | number)[][] = []
  const groups: (string | number)[][] = []
  for (const peer of peers) {
    const idle = await residentMb(peer.pid)
    partitions.push([peer.name, ...(await manyPartitions(peer))])
    connections.push([peer.name, idle, ...(await manyConnections(peer))])
    groups.push([peer.name, await manyMembers(peer), await residentMb(peer.pid)])
  }
  tables.push(
    `${CONNECTIONS} connections, each one record of 100 bytes a second, acks=all, ${SECONDS} s:\n`,
    table(['', 'idle MB', 'p50 ms', 'p99 ms', 'records/s', 'CPU of one core', 'MB'], connections),
    `\nA topic of ${PARTITIONS} partitions:\n`,
    table(['', 'create ms', 'describe ms'], partitions),
    `\nA group of ${MEMBERS} members:\n`,
    table(['', 'ms until all are assigned', 'MB'], groups),
  )
  return tables.join('\n')
}

async function manyPartitions(peer: Peer): Promise<number[]> {
  const kafka = new Kafka({ brokers: [peer.bootstrap], logLevel: logLevel.NOTHING, requestTimeout: 60_000 })
  const admin = kafka.admin()
  await admin.connect()
  const began = performance.now()
  await admin.createTopics({ timeout: 60_000, topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] })
  const created = performance.now()
  await admin.fetchTopicMetadata({ topics: [TOPIC] })
  const described = performance.now()
  await admin.disconnect()
  return [created - began, described - created]
}

async function manyConnections(peer: Peer): Promise<number[]> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawClient.connect(peer.host, peer.port)))
  const value = Buffer.alloc(100, 'x')
  const samples: number[] = []
  const before = await cpuSeconds(peer.pid)
  const began = performance.now()
  const produce = async (client: RawClient, index: number): Promise<void> => {
    const records = [buildBatch({ records: [{ value }], timestamp: Date.now() })]
    const partitionData = [newProduceRequestPartition({ index, records })]
    const topicData = [newProduceRequestTopic({ name: TOPIC, partitionData })]
    const sent = performance.now()
    await client.call('Produce', 9, newProduceRequest({ acks: -1, timeoutMs: 30_000, topicData }))
    samples.push(performance.now() - sent)
  }
  await Promise.all(
    clients.map(async (client, index) => {
      await pause((index / CONNECTIONS) * 1000)
      for (let second = 0; second < SECONDS; second++) {
        const next = began + (second + 1) * 1000 + (index / CONNECTIONS) * 1000
        await produce(client, index % PARTITIONS)
        await pause(next - performance.now())
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  const cpu = ((await cpuSeconds(peer.pid)) - before) / seconds
  const memory = await residentMb(peer.pid)
  for (const client of clients) client.close()
  return [percentile(samples, 0.5), percentile(samples, 0.99), samples.length / seconds, cpu, memory]
}

/** All join at once; the time until each has its assignment of one generation. */
async function manyMembers(peer: Peer): Promise<number> {
  const first = await RawClient.connect(peer.host, peer.port)
  for (;;) {
    const found = await first.call('FindCoordinator', 2, newFindCoordinatorRequest({ key: 'bench-group' }))
    if (found.errorCode === 0) break
    await pause(200)
  }
  first.close()
  const clients = await Promise.all(Array.from({ length: MEMBERS }, () => RawClient.connect(peer.host, peer.port)))
  const began = performance.now()
  await Promise.all(clients.map(joinUntilAssigned))
  const ms = performance.now() - began
  for (const client of clients) client.close()
  return ms
}

async function joinUntilAssigned(client: RawClient): Promise<void> {
  const group = { groupId: 'bench-group' }
  let memberId = ''
  for (;;) {
    const joined = await client.call(
      'JoinGroup',
      5,
      newJoinGroupRequest({
        ...group,
        memberId,
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 60_000,
        protocolType: 'bench',
        protocols: [newJoinGroupRequestProtocol({ name: 'all', metadata: Buffer.alloc(8) })],
      }),
    )
    memberId = joined.memberId
    if (joined.errorCode !== 0) continue
    const assignments =
      joined.leader === memberId
        ? joined.members.map(member =>
            newSyncGroupRequestAssignment({ memberId: member.memberId, assignment: Buffer.alloc(8) }),
          )
        : []
    const { generationId } = joined
    const synced = await client.call(
      'SyncGroup',
      3,
      newSyncGroupRequest({ ...group, memberId, generationId, assignments }),
    )
    if (synced.errorCode !== 0) continue
    const beat = await client.call('Heartbeat', 3, newHeartbeatRequest({ ...group, memberId, generationId }))
    if (beat.errorCode === 0) return
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.max(0, ms)))
}
