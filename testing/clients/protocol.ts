// How a test talks to a client agent: a program, in the client library's own language, that does with the library what
// it is asked to do. One JSON object per line: requests on the agent's stdin, answers and events on its stdout.
//
//   -> {"id":1,"call":"committed","args":{"group":"g","topic":"t","partitions":[0]}}
//   <- {"id":1,"result":[{"partition":0,"offset":7}]}      or  {"id":1,"error":{"name":"...","message":"..."}}
//   <- {"event":"assigned","partitions":[0,1]}             at any time between `join` and `leave`
//
// An agent uses its library's default settings; what differs is said in the request (codec, acks, session time-out)
// or is what a test needs to see anything at all (start at the earliest offset). One agent has at most one group
// member at a time. When stdin ends, the agent ends. The environment variable CLIENT_CONFIG may name a file with more
// configuration, for all clients of the agent, as `kafscale client-config` prints it for the library.

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Bytes are base64; a null key or value is not an empty one. Headers keep order and duplicates. */
export interface RecordJson {
  partition: number
  key: string | null
  value: string | null
  headers: [name: string, value: string | null][]
  /** Milliseconds since 1970. */
  timestamp: number
}

export interface ReadRecordJson extends RecordJson {
  offset: number
}

export interface PartitionOffset {
  partition: number
  offset: number
}

/** `offset` null: there is none (nothing committed, no record that late). */
export interface PartitionMaybeOffset {
  partition: number
  offset: number | null
}

export interface ProduceArgs {
  topic: string
  codec: Codec
  records: RecordJson[]
  /** Absent: the library's default. */
  acks?: 0 | 1 | -1
  idempotence?: boolean
}

export interface DescribedPartition {
  partition: number
  leader: number
  replicas: number[]
  isr: number[]
}

export interface DescribedMember {
  clientId: string
  partitions: number[]
}

export interface DescribedGroup {
  /** As the library spells it, in capitals without separators: `STABLE`, `PREPARINGREBALANCE`. */
  state: string
  members: DescribedMember[]
}

/** Every call that an agent may know: its arguments and its result. */
export interface Calls {
  produce: { args: ProduceArgs; result: PartitionOffset[] }
  /** Reads exactly `count` records from the given offsets, outside of any test's group. */
  read: { args: { topic: string; from: PartitionOffset[]; count: number }; result: ReadRecordJson[] }
  watermarks: {
    args: { topic: string; partitions: number[] }
    result: { partition: number; low: number; high: number }[]
  }
  /** First offsets whose timestamp is at least `timestamp`. */
  offsetsForTime: {
    args: { topic: string; partitions: number[]; timestamp: number }
    result: PartitionMaybeOffset[]
  }
  /** Becomes a member of a group; answered before the assignment arrives. */
  join: { args: { group: string; topic: string; sessionTimeoutMs?: number }; result: null }
  /** Closes the member the way the library closes by default. */
  leave: { args: Record<string, never>; result: null }
  commit: { args: { group: string; topic: string; offsets: PartitionOffset[] }; result: null }
  committed: { args: { group: string; topic: string; partitions: number[] }; result: PartitionMaybeOffset[] }
  createTopic: { args: { topic: string; partitions: number; configs: Record<string, string> }; result: null }
  topics: { args: Record<string, never>; result: string[] }
  describeTopic: { args: { topic: string }; result: DescribedPartition[] }
  growTopic: { args: { topic: string; partitions: number }; result: null }
  deleteTopic: { args: { topic: string }; result: null }
  topicConfigs: { args: { topic: string }; result: Record<string, string | null> }
  setTopicConfigs: { args: { topic: string; configs: Record<string, string> }; result: null }
  deleteRecords: { args: { topic: string; before: PartitionOffset[] }; result: null }
  groups: { args: Record<string, never>; result: string[] }
  describeGroup: { args: { group: string }; result: DescribedGroup }
  deleteGroup: { args: { group: string }; result: null }
}

export type CallName = keyof Calls

export type AgentEvent =
  /** The member's whole assignment after a change. */
  { event: 'assigned'; partitions: number[] } | { event: 'record'; record: ReadRecordJson }
