/** The cluster state as one message: the body of a snapshot object. */
import {
  array,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  message,
  shared,
  string,
  uint32,
  uuid,
} from '../../wire/schema/notation.ts'

const setting = shared('Setting', { name: string(), value: string() })

const storedObject = {
  handle: int64(),
  /** 0 = WAL, 1 = segment. */
  kind: int8(),
  epoch: int64(),
  number: int64(),
  size: int32(),
}

export const snapshot = message(
  'Snapshot',
  { versions: [0, 0], flexibleSince: 0 },
  {
    position: int64(),
    time: int64(),
    clusterId: string(),
    prefix: string(),
    featureLevel: int16(),
    nextProducerId: int64(),
    digest: uint32(),
    sessions: array({ epoch: int64(), lastNumber: int64(), info: bytes() }),
    closedSessions: array({ epoch: int64(), closedAt: int64() }),
    nextHandle: int64(),
    objects: array(storedObject),
    deadObjects: array({ ...storedObject, position: int64() }),
    topics: array({
      topicId: uuid(),
      name: string(),
      replicationFactor: int16(),
      configs: array(setting),
      partitions: array({
        logStartOffset: int64(),
        nextOffset: int64(),
        /** Columns as ExtentLog.encode writes them. */
        extents: bytes(),
        producers: array({
          producerId: int64(),
          epoch: int16(),
          lastTime: int64(),
          lastTimestamp: int64(),
          batches: array({ firstSequence: int32(), lastSequence: int32(), baseOffset: int64() }, { name: 'Batch' }),
        }),
      }),
    }),
    configs: array({ resource: string(), settings: array(setting) }),
    groups: array({
      groupId: string(),
      version: int64(),
      committer: int64({ tag: 0, default: 0 }),
      protocolType: string(),
      protocol: string(),
      generation: int32(),
      leader: string(),
      emptySince: int64(),
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
      offsets: array({
        topic: string(),
        partitions: array({
          partition: int32(),
          offset: int64(),
          leaderEpoch: int32(),
          metadata: string(),
          committedAt: int64(),
        }),
      }),
    }),
    scram: array(
      { user: string(), mechanism: int8(), iterations: int32(), salt: bytes(), storedKey: bytes(), serverKey: bytes() },
      { tag: 0 },
    ),
    acls: array(
      {
        resourceType: int8(),
        patternType: int8(),
        resourceName: string(),
        principal: string(),
        host: string(),
        operation: int8(),
        permission: int8(),
      },
      { tag: 1 },
    ),
    quotas: array(
      {
        entity: array({ type: string(), name: string({ nullableSince: 0 }) }),
        values: array({ key: string(), value: float64() }),
      },
      { tag: 2 },
    ),
  },
)
