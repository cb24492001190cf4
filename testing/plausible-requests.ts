/**
 * For every API that the broker serves: requests that a client could send, in any version. `good` ones succeed and fill as
 * many fields of the response as they can; `bad` ones name what does not exist or make no sense.
 *
 * World: topic `t` with two partitions and a record in the first; consumer group `g` with one static member and an offset.
 */

import { type ApiName, apis, type RequestOf } from '../broker/wire/api.ts'
import { buildBatch } from '../broker/wire/batch-builder.ts'
import { errorCode } from '../broker/wire/errors.ts'
import * as wire from '../broker/wire/messages.gen.ts'
import { ZERO_UUID } from '../broker/wire/uuid.ts'
import { subscription } from './group-cluster.ts'
import { MemoryBroker } from './memory-broker.ts'

const UNKNOWN_ID = 'AAAAAAAAAAEAAAAAAAAAAg'
const HUGE = 2147483647

export interface Exchange<Name extends ApiName> {
  readonly good: (world: World, version: number) => RequestOf<Name> | Promise<RequestOf<Name>>
  readonly bad: (world: World, version: number) => readonly RequestOf<Name>[]
  /** Error codes that the answer to the good request has. */
  readonly errors?: readonly number[]
}

export interface Member {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

export class World {
  readonly broker: MemoryBroker
  readonly topicId: string
  readonly member: Member
  static #names = 0

  static async start(): Promise<World> {
    const broker = await MemoryBroker.start()
    const created = await broker.answerTo('CreateTopics', 7, createTopic('t'))
    const world = new World(broker, created.topics[0]?.topicId ?? ZERO_UUID, await newMember(broker, 'g'))
    await broker.ask('Produce', 13, produce([{ name: 't', topicId: world.topicId }], 0))
    await broker.ask('OffsetCommit', 9, commit(world.member, 't', world.topicId))
    return world
  }

  private constructor(broker: MemoryBroker, topicId: string, member: Member) {
    this.broker = broker
    this.topicId = topicId
    this.member = member
  }

  newName(): string {
    return `new-${++World.#names}`
  }

  async newTopic(): Promise<{ name: string; topicId: string }> {
    const name = this.newName()
    const { topics } = await this.broker.answerTo('CreateTopics', 7, createTopic(name))
    return { name, topicId: topics[0]?.topicId ?? ZERO_UUID }
  }

  /** The only member of a new group, in its first generation. */
  newMember(): Promise<Member> {
    return newMember(this.broker, this.newName())
  }

  /** A group without members that has an offset. */
  async newOffsets(): Promise<string> {
    const groupId = this.newName()
    await this.broker.ask('OffsetCommit', 9, commit({ groupId, memberId: '', generationId: -1 }, 't', this.topicId))
    return groupId
  }
}

export const exchanges: { readonly [Name in ApiName]?: Exchange<Name> } = {
  Produce: {
    good: ({ topicId }) => produce([{ name: 't', topicId }], 0),
    bad: ({ topicId }) => [
      produce([{ name: 'unknown', topicId: UNKNOWN_ID }], 0),
      produce([{ name: 't', topicId }], HUGE),
      produce([{ name: 't', topicId }], -1),
      produce([{ name: 't', topicId }], 0, corrupt(batch())),
      produce([{ name: 't', topicId }], 0, Buffer.alloc(0)),
      produce([{ name: 't', topicId }], 0, null),
      { ...produce([{ name: 't', topicId }], 0), acks: 7 },
      produce([], 0),
    ],
  },
  Fetch: {
    good: (world, version) => fetch(world, version, {}),
    bad: (world, version) => [
      fetch(world, version, { name: 'unknown', topicId: UNKNOWN_ID }),
      fetch(world, version, { partition: HUGE }),
      fetch(world, version, { partition: -1 }),
      fetch(world, version, { fetchOffset: 1_000_000 }),
      fetch(world, version, { fetchOffset: -1 }),
      fetch(world, version, { currentLeaderEpoch: 9 }),
      ...(version >= 7 ? [{ ...fetch(world, version, {}), sessionId: 99, sessionEpoch: 3 }] : []),
      ...(version >= 12 ? [fetch(world, version, { lastFetchedEpoch: 9 })] : []),
    ],
  },
  ListOffsets: {
    good: (_, version) => listOffsets('t', [0], version),
    bad: (_, version) => [
      ...[-1, -2, -3, -4, -5, -6, -7].map(timestamp => listOffsets('t', [timestamp], version)),
      listOffsets('unknown', [-1], version),
      listOffsets('t', [-1, -2], version),
      listOffsets('t', [-1], version, HUGE),
    ],
  },
  Metadata: {
    good: ({ topicId }, version) =>
      wire.newMetadataRequest({
        topics: [{ name: version >= 12 ? null : 't', topicId: version >= 12 ? topicId : ZERO_UUID }],
        includeTopicAuthorizedOperations: version >= 8,
        includeClusterAuthorizedOperations: version >= 8 && version <= 10,
      }),
    bad: (_, version) => [
      wire.newMetadataRequest({ topics: [{ name: 'unknown', topicId: ZERO_UUID }] }),
      wire.newMetadataRequest({ topics: [{ name: 'in/valid', topicId: ZERO_UUID }] }),
      wire.newMetadataRequest({ topics: [] }),
      ...(version >= 1 ? [wire.newMetadataRequest({ topics: null })] : []),
      ...(version >= 10 ? [wire.newMetadataRequest({ topics: [{ name: null, topicId: UNKNOWN_ID }] })] : []),
    ],
  },
  OffsetCommit: {
    good: ({ member, topicId }) => commit(member, 't', topicId),
    bad: ({ member, topicId }) => [
      commit(member, 'unknown', UNKNOWN_ID),
      commit(member, 't', topicId, HUGE),
      commit({ ...member, memberId: 'unknown' }, 't', topicId),
      commit({ ...member, groupId: '' }, 't', topicId),
    ],
  },
  OffsetFetch: {
    good: ({ topicId }, version) => offsetFetch('g', { name: 't', topicId }, [0], version),
    bad: (_, version) => [
      offsetFetch('unknown', { name: 'unknown', topicId: UNKNOWN_ID }, [0], version),
      offsetFetch('g', { name: 'unknown', topicId: UNKNOWN_ID }, [HUGE, -1], version),
      ...(version >= 2 ? [offsetFetch('g', null, [], version)] : []),
    ],
  },
  FindCoordinator: {
    good: (_, version) =>
      version >= 4
        ? wire.newFindCoordinatorRequest({ coordinatorKeys: ['g', 'h'] })
        : wire.newFindCoordinatorRequest({ key: 'g' }),
    bad: (_, version) => [
      ...(version >= 1 ? [wire.newFindCoordinatorRequest({ key: version < 4 ? 'x' : '', keyType: 9 })] : []),
      ...(version >= 4 ? [wire.newFindCoordinatorRequest({ keyType: 1, coordinatorKeys: [''] })] : []),
    ],
  },
  JoinGroup: {
    good: async (world, version) => {
      const groupId = world.newName()
      const first = joinGroup(groupId, '')
      if (version < 4) return first
      const { memberId } = await world.broker.answerTo('JoinGroup', version, first)
      return joinGroup(groupId, memberId)
    },
    bad: ({ member }) => [
      joinGroup('', ''),
      joinGroup(member.groupId, 'unknown'),
      { ...joinGroup('new', ''), sessionTimeoutMs: 1 },
      { ...joinGroup('new', ''), protocols: [] },
    ],
  },
  Heartbeat: {
    good: ({ member }) => wire.newHeartbeatRequest(member),
    bad: ({ member }) => [
      wire.newHeartbeatRequest({ ...member, generationId: 99 }),
      wire.newHeartbeatRequest({ ...member, groupId: 'unknown' }),
    ],
  },
  LeaveGroup: {
    good: async (world, version) => leave(await world.newMember(), version),
    bad: ({ member }, version) => [
      leave({ ...member, memberId: 'unknown' }, version),
      leave({ ...member, groupId: '' }, version),
    ],
  },
  SyncGroup: {
    good: ({ member }, version) => {
      const names = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
      return wire.newSyncGroupRequest({ ...member, ...names, assignments: [] })
    },
    bad: ({ member }) => [wire.newSyncGroupRequest({ ...member, generationId: 99, assignments: [] })],
  },
  DescribeGroups: {
    good: (_, version) => wire.newDescribeGroupsRequest({ groups: ['g'], includeAuthorizedOperations: version >= 3 }),
    bad: () => [
      wire.newDescribeGroupsRequest({ groups: ['unknown', ''] }),
      wire.newDescribeGroupsRequest({ groups: [] }),
    ],
  },
  ListGroups: {
    good: (_, version) => wire.newListGroupsRequest({ typesFilter: version >= 5 ? ['classic'] : [] }),
    bad: (_, version) => [wire.newListGroupsRequest({ statesFilter: version >= 4 ? ['Confused'] : [] })],
  },
  SaslHandshake: {
    good: () => wire.newSaslHandshakeRequest({ mechanism: 'PLAIN' }),
    bad: () => [wire.newSaslHandshakeRequest({ mechanism: '' })],
    errors: [errorCode.ILLEGAL_SASL_STATE],
  },
  ApiVersions: {
    good: () => wire.newApiVersionsRequest({ clientSoftwareName: 'test', clientSoftwareVersion: '1.0' }),
    bad: () => [wire.newApiVersionsRequest({ clientSoftwareName: '?', clientSoftwareVersion: '' })],
  },
  CreateTopics: {
    good: world => createTopic(world.newName()),
    bad: () => [
      createTopic('t'),
      createTopic('in/valid'),
      createTopic('new', { numPartitions: HUGE }),
      createTopic('new', { configs: [{ name: 'no.such', value: '1' }] }),
      wire.newCreateTopicsRequest({ topics: [], validateOnly: false }),
    ],
  },
  DeleteTopics: {
    good: async (world, version) => {
      const { name, topicId } = await world.newTopic()
      return deleteTopic(version >= 6 ? { name: null, topicId } : { name, topicId: ZERO_UUID }, version)
    },
    bad: (_, version) => [
      deleteTopic({ name: 'unknown', topicId: ZERO_UUID }, version),
      ...(version >= 6 ? [deleteTopic({ name: null, topicId: UNKNOWN_ID }, version)] : []),
      ...(version >= 6 ? [deleteTopic({ name: 't', topicId: UNKNOWN_ID }, version)] : []),
    ],
  },
  DeleteRecords: {
    good: () => deleteRecords('t', 0, 0),
    bad: () => [deleteRecords('unknown', 0, 0), deleteRecords('t', HUGE, 0), deleteRecords('t', 0, 1_000_000)],
  },
  InitProducerId: {
    good: () => wire.newInitProducerIdRequest({ transactionalId: null, transactionTimeoutMs: HUGE }),
    bad: () => [wire.newInitProducerIdRequest({ transactionalId: '', transactionTimeoutMs: 0 })],
  },
  OffsetForLeaderEpoch: {
    good: () => leaderEpoch('t', 0, 0),
    bad: () => [leaderEpoch('unknown', 0, 0), leaderEpoch('t', HUGE, 0), leaderEpoch('t', 0, 99)],
  },
  DescribeConfigs: {
    good: (_, version) =>
      wire.newDescribeConfigsRequest({
        resources: [2, 4, 4, 16, 32].map((resourceType, index) => ({
          resourceType,
          resourceName: ['t', '1', '', 'metrics', 'g'][index] ?? '',
          configurationKeys: null,
        })),
        includeSynonyms: true,
        includeDocumentation: version >= 3,
      }),
    bad: () => [
      wire.newDescribeConfigsRequest({
        resources: [2, 2, 4, 4, 8, 16, 32, 99].map((resourceType, index) => ({
          resourceType,
          resourceName: ['unknown', 'in/valid', '7', 'x', '1', '', '', ''][index] ?? '',
          configurationKeys: ['retention.ms'],
        })),
        includeSynonyms: false,
      }),
    ],
  },
  AlterConfigs: {
    good: () => alterConfigs([{ name: 'retention.ms', value: '100000' }]),
    bad: () => [alterConfigs([{ name: 'no.such', value: '1' }]), alterConfigs([{ name: 'retention.ms', value: null }])],
  },
  DescribeLogDirs: {
    good: () => wire.newDescribeLogDirsRequest({ topics: null }),
    bad: () => [
      wire.newDescribeLogDirsRequest({ topics: [{ topic: 'unknown', partitions: [0] }] }),
      wire.newDescribeLogDirsRequest({ topics: [{ topic: 't', partitions: [HUGE, -1, 0, 0] }] }),
    ],
  },
  SaslAuthenticate: {
    good: () => wire.newSaslAuthenticateRequest({ authBytes: Buffer.from('\0u\0p') }),
    bad: () => [wire.newSaslAuthenticateRequest({ authBytes: Buffer.alloc(0) })],
    errors: [errorCode.ILLEGAL_SASL_STATE],
  },
  CreatePartitions: {
    good: async world => createPartitions((await world.newTopic()).name, 3),
    bad: () => [createPartitions('unknown', 3), createPartitions('t', HUGE), createPartitions('t', -1)],
  },
  DeleteGroups: {
    good: async world => wire.newDeleteGroupsRequest({ groupsNames: [await world.newOffsets()] }),
    bad: () => [wire.newDeleteGroupsRequest({ groupsNames: ['unknown', 'g', ''] })],
  },
  IncrementalAlterConfigs: {
    good: () => incrementalAlterConfigs(0, 'cleanup.policy', 'compact'),
    bad: () => [incrementalAlterConfigs(2, 'retention.ms', '1'), incrementalAlterConfigs(9, 'retention.ms', '1')],
  },
  OffsetDelete: {
    good: async world => offsetDelete(await world.newOffsets(), 't', 0),
    bad: () => [offsetDelete('unknown', 't', 0), offsetDelete('g', 't', HUGE)],
  },
  DescribeCluster: {
    good: () => wire.newDescribeClusterRequest({ includeClusterAuthorizedOperations: true }),
    bad: (_, version) => [
      wire.newDescribeClusterRequest({
        includeClusterAuthorizedOperations: false,
        endpointType: version >= 1 ? 2 : 1,
        includeFencedBrokers: version >= 2,
      }),
    ],
  },
  DescribeProducers: {
    good: () => wire.newDescribeProducersRequest({ topics: [{ name: 't', partitionIndexes: [0] }] }),
    bad: () => [
      wire.newDescribeProducersRequest({ topics: [{ name: 'unknown', partitionIndexes: [0] }] }),
      wire.newDescribeProducersRequest({ topics: [{ name: 't', partitionIndexes: [HUGE, -1] }] }),
    ],
  },
  ListConfigResources: {
    good: () => wire.newListConfigResourcesRequest({}),
    bad: (_, version) => [wire.newListConfigResourcesRequest({ resourceTypes: version >= 1 ? [99] : [] })],
  },
  DescribeClientQuotas: {
    good: () => wire.newDescribeClientQuotasRequest({ components: [], strict: false }),
    bad: () => [
      ...[
        { entityType: 'planet', matchType: 1, match: null },
        { entityType: 'user', matchType: 0, match: null },
      ].map(component => wire.newDescribeClientQuotasRequest({ components: [component], strict: true })),
    ],
  },
  AlterClientQuotas: {
    good: () => alterQuota('user', 'producer_byte_rate', 1e12),
    bad: () => [
      alterQuota('planet', 'producer_byte_rate', 1),
      alterQuota('user', 'producer_byte_rate', -1),
      alterQuota('user', 'producer_byte_rate', 0.5),
      alterQuota('user', 'connection_creation_rate', 1),
      alterQuota('ip', 'producer_byte_rate', 1),
      wire.newAlterClientQuotasRequest({ entries: [{ entity: [], ops: [] }], validateOnly: true }),
    ],
  },
  DescribeAcls: {
    good: () => wire.newDescribeAclsRequest(aclFilter(1)),
    bad: () => [wire.newDescribeAclsRequest(aclFilter(0)), wire.newDescribeAclsRequest(aclFilter(99))],
  },
  CreateAcls: {
    good: () => createAcl({}),
    bad: () => [
      createAcl({ resourceType: 1 }),
      createAcl({ resourceType: 4 }),
      createAcl({ resourcePatternType: 1 }),
      createAcl({ operation: 1 }),
      createAcl({ permissionType: 1 }),
      createAcl({ resourceName: '' }),
      createAcl({ principal: 'nobody' }),
      createAcl({ host: '10.0.0.0/99' }),
    ],
  },
  DeleteAcls: {
    good: () => wire.newDeleteAclsRequest({ filters: [aclFilter(1)] }),
    bad: () => [wire.newDeleteAclsRequest({ filters: [aclFilter(0)] })],
  },
  DescribeUserScramCredentials: {
    good: () => wire.newDescribeUserScramCredentialsRequest({ users: null }),
    bad: () => [
      wire.newDescribeUserScramCredentialsRequest({ users: [{ name: 'nobody' }] }),
      wire.newDescribeUserScramCredentialsRequest({ users: [{ name: 'u' }, { name: 'u' }] }),
    ],
  },
  AlterUserScramCredentials: {
    good: () => alterScram('u', 2, 4096),
    bad: () => [
      alterScram('', 1, 4096),
      alterScram('u', 0, 4096),
      alterScram('u', 1, 4095),
      alterScram('u', 1, 16_385),
      wire.newAlterUserScramCredentialsRequest({ deletions: [{ name: 'nobody', mechanism: 1 }], upsertions: [] }),
    ],
  },
  DescribeTopicPartitions: {
    good: () => wire.newDescribeTopicPartitionsRequest({ topics: [{ name: 't' }], responsePartitionLimit: 1 }),
    bad: () => [
      wire.newDescribeTopicPartitionsRequest({ topics: [{ name: 'unknown' }], responsePartitionLimit: -1 }),
      wire.newDescribeTopicPartitionsRequest({ topics: [], cursor: { topicName: 't', partitionIndex: HUGE } }),
      wire.newDescribeTopicPartitionsRequest({
        topics: [{ name: 't' }],
        cursor: { topicName: 't', partitionIndex: -1 },
      }),
    ],
  },
}

/** A static member (KIP-345), because its instance id is a field that old versions do not have. */
async function newMember(broker: MemoryBroker, groupId: string): Promise<Member> {
  const joined = await broker.answerTo('JoinGroup', 5, { ...joinGroup(groupId, ''), groupInstanceId: 'instance' })
  const { memberId, generationId } = joined
  const member = { groupId, memberId, generationId }
  const assignments = [{ memberId, assignment: Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]) }]
  const names = { groupInstanceId: 'instance', protocolType: 'consumer', protocolName: 'range' }
  await broker.ask('SyncGroup', 5, wire.newSyncGroupRequest({ ...member, ...names, assignments }))
  return member
}

function batch(): Buffer {
  const records = [{ key: Buffer.from('k'), value: Buffer.from('v') }]
  return buildBatch({ records, timestamp: Date.UTC(2026, 0, 1), producerId: 0, producerEpoch: 0, baseSequence: 0 })
}

function corrupt(bytes: Buffer): Buffer {
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  return bytes
}

function produce(
  topics: { name: string; topicId: string }[],
  index: number,
  records: Buffer | null = batch(),
): wire.ProduceRequest {
  const topicData = topics.map(topic =>
    wire.newProduceRequestTopic({ ...topic, partitionData: [{ index, records: records === null ? null : [records] }] }),
  )
  return wire.newProduceRequest({ acks: -1, timeoutMs: 1000, topicData })
}

interface FetchChange {
  readonly name?: string
  readonly topicId?: string
  readonly partition?: number
  readonly fetchOffset?: number
  readonly currentLeaderEpoch?: number
  readonly lastFetchedEpoch?: number
}

function fetch(world: World, version: number, change: FetchChange): wire.FetchRequest {
  const { name = 't', topicId = world.topicId, ...partition } = change
  const partitions = [
    wire.newFetchRequestPartition({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...partition }),
  ]
  return wire.newFetchRequest({
    maxWaitMs: 10,
    minBytes: 1,
    isolationLevel: 1,
    sessionEpoch: version >= 7 ? 0 : -1,
    topics: [wire.newFetchRequestTopic({ topic: name, topicId, partitions })],
    rackId: 'zone-a',
  })
}

function listOffsets(name: string, timestamps: number[], version: number, partitionIndex = 0): wire.ListOffsetsRequest {
  const isolationLevel = version >= 2 ? 1 : 0
  const topics = timestamps.map(timestamp => ({
    name,
    partitions: [wire.newListOffsetsRequestPartition({ partitionIndex, timestamp })],
  }))
  return wire.newListOffsetsRequest({ replicaId: -1, isolationLevel, topics })
}

function commit(member: Member, name: string, topicId: string, partitionIndex = 0): wire.OffsetCommitRequest {
  const { groupId, memberId, generationId } = member
  const partition = wire.newOffsetCommitRequestPartition({
    partitionIndex,
    committedOffset: 1,
    committedMetadata: 'note',
  })
  const topics = [wire.newOffsetCommitRequestTopic({ name, topicId, partitions: [partition] })]
  return wire.newOffsetCommitRequest({ groupId, memberId, generationIdOrMemberEpoch: generationId, topics })
}

function offsetFetch(
  groupId: string,
  topic: { name: string; topicId: string } | null,
  partitionIndexes: number[],
  version: number,
): wire.OffsetFetchRequest {
  const topics = topic === null ? null : [{ ...topic, partitionIndexes }]
  const requireStable = version >= 7
  if (version >= 8) {
    return wire.newOffsetFetchRequest({ groups: [wire.newOffsetFetchRequestGroup({ groupId, topics })], requireStable })
  }
  const named = topics?.map(({ name }) => ({ name, partitionIndexes })) ?? null
  return wire.newOffsetFetchRequest({ groupId, topics: named, requireStable })
}

function joinGroup(groupId: string, memberId: string): wire.JoinGroupRequest {
  const protocols = [{ name: 'range', metadata: subscription('t') }]
  return wire.newJoinGroupRequest({
    groupId,
    memberId,
    sessionTimeoutMs: 1_800_000,
    rebalanceTimeoutMs: 1000,
    protocolType: 'consumer',
    protocols,
  })
}

function leave({ groupId, memberId }: Member, version: number): wire.LeaveGroupRequest {
  return version >= 3
    ? wire.newLeaveGroupRequest({ groupId, members: [wire.newLeaveGroupRequestMember({ memberId })] })
    : wire.newLeaveGroupRequest({ groupId, memberId })
}

function createTopic(name: string, change: Partial<wire.CreateTopicsRequestTopic> = {}): wire.CreateTopicsRequest {
  const topic = { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [], ...change }
  return wire.newCreateTopicsRequest({ topics: [topic], validateOnly: false })
}

function deleteTopic(topic: wire.DeleteTopicsRequestTopic, version: number): wire.DeleteTopicsRequest {
  const named = version >= 6 ? { topics: [topic] } : { topicNames: [topic.name ?? ''] }
  return wire.newDeleteTopicsRequest({ ...named, timeoutMs: 1000 })
}

function deleteRecords(name: string, partitionIndex: number, offset: number): wire.DeleteRecordsRequest {
  return wire.newDeleteRecordsRequest({ topics: [{ name, partitions: [{ partitionIndex, offset }] }], timeoutMs: 1000 })
}

function leaderEpoch(topic: string, partition: number, epoch: number): wire.OffsetForLeaderEpochRequest {
  const wanted = wire.newOffsetForLeaderEpochRequestPartition({ partition, leaderEpoch: epoch })
  return wire.newOffsetForLeaderEpochRequest({ topics: [{ topic, partitions: [wanted] }] })
}

function alterConfigs(configs: { name: string; value: string | null }[]): wire.AlterConfigsRequest {
  const resources = [{ resourceType: 2, resourceName: 't', configs }]
  return wire.newAlterConfigsRequest({ resources, validateOnly: false })
}

function incrementalAlterConfigs(
  configOperation: number,
  name: string,
  value: string,
): wire.IncrementalAlterConfigsRequest {
  const resources = [{ resourceType: 2, resourceName: 't', configs: [{ name, configOperation, value }] }]
  return wire.newIncrementalAlterConfigsRequest({ resources, validateOnly: true })
}

function createPartitions(name: string, count: number): wire.CreatePartitionsRequest {
  const topics = [{ name, count, assignments: null }]
  return wire.newCreatePartitionsRequest({ topics, timeoutMs: 1000, validateOnly: false })
}

function aclFilter(resourceTypeFilter: number) {
  const anybody = { principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 }
  return { resourceTypeFilter, resourceNameFilter: null, patternTypeFilter: 1, ...anybody }
}

function createAcl(change: Partial<wire.CreateAclsRequestCreation>): wire.CreateAclsRequest {
  const resource = { resourceType: 2, resourceName: 't', resourcePatternType: 3 }
  const creation = { ...resource, principal: 'User:a', host: '*', operation: 3, permissionType: 3, ...change }
  return wire.newCreateAclsRequest({ creations: [creation] })
}

function alterQuota(entityType: string, key: string, value: number): wire.AlterClientQuotasRequest {
  const entry = { entity: [{ entityType, entityName: 'a' }], ops: [{ key, value, remove: false }] }
  return wire.newAlterClientQuotasRequest({ entries: [entry], validateOnly: false })
}

function alterScram(name: string, mechanism: number, iterations: number): wire.AlterUserScramCredentialsRequest {
  const upsertion = { name, mechanism, iterations, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(64, 1) }
  return wire.newAlterUserScramCredentialsRequest({ deletions: [], upsertions: [upsertion] })
}

function offsetDelete(groupId: string, name: string, partitionIndex: number): wire.OffsetDeleteRequest {
  return wire.newOffsetDeleteRequest({ groupId, topics: [{ name, partitions: [{ partitionIndex }] }] })
}

/** Versions of an API that its codec knows. */
export function versionsOf(name: ApiName): number[] {
  const { firstVersion, lastVersion } = apis[name]
  return Array.from({ length: lastVersion - firstVersion + 1 }, (_, index) => firstVersion + index)
}

/** Every error code other than NONE in a message, at any depth. */
export function errorsIn(message: unknown): number[] {
  if (Array.isArray(message)) return message.flatMap(errorsIn)
  if (typeof message !== 'object' || message === null || Buffer.isBuffer(message)) return []
  return Object.entries(message).flatMap(([name, value]) =>
    name === 'errorCode' && typeof value === 'number' ? (value === errorCode.NONE ? [] : [value]) : errorsIn(value),
  )
}
