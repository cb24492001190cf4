/**
 * The commands of ledger entries. Each is a flexible message (KIP-482), so that a later release can add tagged fields
 * that an older one keeps, and versions that raise the feature level.
 */
import {
  array,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  message,
  shared,
  string,
  uuid,
} from '../../wire/schema/notation.ts'

const first = { versions: [0, 0], flexibleSince: 0 } as const

const acl = shared('AclBinding', {
  resourceType: int8(),
  patternType: int8(),
  resourceName: string(),
  principal: string(),
  host: string(),
  operation: int8(),
  permission: int8(),
})

/** What a session's info holds: which broker lives in it. */
export const brokerInfo = message('BrokerInfo', first, {
  brokerId: int32(),
  /** Highest feature level that its software can apply. */
  featureLevel: int16(),
  software: string(),
  rack: string({ nullableSince: 0 }),
  /** How clients of each listener reach it; by a `shared` one they reach any broker of the cluster. */
  listeners: array({ name: string(), host: string(), port: int32(), shared: bool() }),
})

/** What a broker tells the others of itself, beside the entries. */
export const progress = message('Progress', first, {
  /** Everything up to here is applied. */
  position: int64(),
  /** The state's digest as of the last event at or before each of some round positions, ascending. */
  audits: array({ position: int64(), digest: int64() }),
})

/** The envelope of an entry. */
export const entry = message('Entry', first, {
  /** Feature level that is needed to apply the commands. */
  featureLevel: int16(),
  /** The writer's clock, ms since 1970. */
  clock: int64(),
  commands: array({ type: int16(), commandVersion: int16(), body: bytes() }),
})

/** Type 1. Names the cluster; only the first one ever counts. */
export const initCluster = message('InitCluster', first, {
  clusterId: string(),
  /** First component of all object keys. */
  prefix: string(),
})

/** Type 2. Objects are durable: give their records offsets. The object numbers belong to the entry's session. */
export const append = message('Append', first, {
  objects: array({
    number: int64(),
    size: int32(),
    runs: array({
      topicId: uuid(),
      partition: int32(),
      position: int32(),
      /** Consecutive batches judged together: one batch of an idempotent producer, or any number of batches without one. */
      spans: array({
        length: int32(),
        records: int32(),
        maxTimestamp: int64(),
        producerId: int64({ default: -1 }),
        producerEpoch: int16({ default: -1 }),
        baseSequence: int32({ default: -1 }),
        /** Bit 0: transactional. */
        flags: int8(),
      }),
    }),
  }),
})

/** Type 3. */
export const createTopic = message('CreateTopic', first, {
  topicId: uuid(),
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  configs: array({ name: string(), value: string() }),
})

/** Type 4. */
export const deleteTopic = message('DeleteTopic', first, { topicId: uuid() })

/** Type 5. */
export const growTopic = message('GrowTopic', first, { topicId: uuid(), partitions: int32() })

/** Type 6. A null value takes the setting back to its default. */
export const alterConfigs = message('AlterConfigs', first, {
  resourceType: int8(),
  resourceName: string(),
  changes: array({ name: string(), value: string({ nullableSince: 0 }) }),
})

/** Type 7. Moves log starts up; moving one down does nothing. */
export const trim = message('Trim', first, {
  partitions: array({ topicId: uuid(), partition: int32(), logStartOffset: int64() }),
})

/** Type 8. Compaction: extents of a new object take the place of exactly the extents named, if these still stand. */
export const replace = message('Replace', first, {
  number: int64(),
  size: int32(),
  runs: array({
    topicId: uuid(),
    partition: int32(),
    /** The extents to be replaced, ascending and adjacent. */
    old: array({ baseOffset: int64(), object: int64(), position: int32() }),
    extents: array({ baseOffset: int64(), count: int32(), position: int32(), length: int32(), maxTimestamp: int64() }),
  }),
})

/** Type 9. Reserves a block of producer ids; the outcome names the first. */
export const allocateProducerIds = message('AllocateProducerIds', first, { count: int32() })

/** Type 10. The outcome of a rebalance: a group's generation with its members and their assignments. */
export const putGroup = message('PutGroup', first, {
  groupId: string(),
  /** The `version` of the group that the coordinator saw. */
  basedOn: int64(),
  protocolType: string(),
  protocol: string(),
  generation: int32(),
  leader: string(),
  members: array({
    memberId: string(),
    groupInstanceId: string({ nullableSince: 0 }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32(),
    sessionTimeoutMs: int32(),
    subscription: bytes(),
    assignment: bytes(),
  }),
})

/** Type 11. Removes a group that has no members, offsets included. */
export const deleteGroup = message('DeleteGroup', first, { groupId: string(), basedOn: int64() })

/** Type 12. */
export const commitOffsets = message('CommitOffsets', first, {
  groupId: string(),
  /** -1 for a commit outside of group management. */
  generation: int32(),
  memberId: string(),
  topics: array({
    name: string(),
    partitions: array({ partition: int32(), offset: int64(), leaderEpoch: int32(), metadata: string() }),
  }),
})

/** Type 13. */
export const deleteOffsets = message('DeleteOffsets', first, {
  groupId: string(),
  /** Only offsets committed at or before this state time, ms. */
  committedBy: int64(),
  topics: array({ name: string(), partitions: array(int32()) }),
})

/** Type 14. These dead objects were deleted from the store, and these closed sessions have left nothing there. */
export const forgetObjects = message('ForgetObjects', first, { handles: array(int64()), sessions: array(int64()) })

/** Type 15. Raises the level of commands that every later writer may use. */
export const raiseFeatureLevel = message('RaiseFeatureLevel', first, { level: int16() })

/** Type 16. Users' SCRAM credentials (KIP-554); a removal of what is not there does nothing. */
export const alterScram = message('AlterScram', first, {
  removals: array({ user: string(), mechanism: int8() }),
  upserts: array({
    user: string(),
    mechanism: int8(),
    iterations: int32(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
  }),
})

/** Type 17. Adds ACLs and removes others; the numbers are those of Kafka's protocol. */
export const alterAcls = message('AlterAcls', first, {
  additions: array(acl),
  removals: array(acl),
})

/** Type 18. Quotas of users, client ids and addresses (KIP-546); a null name stands for the default of its type. */
export const alterQuotas = message('AlterQuotas', first, {
  entries: array({
    entity: array({ type: string(), name: string({ nullableSince: 0 }) }),
    changes: array({ key: string(), value: float64(), remove: bool() }),
  }),
})
