/** What handlers work with. Made by the composition root; handlers take what they need of it. */
import type { Clock } from '../clock.ts'
import type { FetchBudget } from '../data/fetch-budget.ts'
import type { FetchSessions } from '../data/fetch-sessions.ts'
import type { Ingest } from '../data/ingest.ts'
import type { LogReader } from '../data/log-reader.ts'
import type { LongPolls } from '../data/long-poll.ts'
import type { TimestampIndex } from '../data/timestamp-index.ts'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { Replica } from '../ledger/replica.ts'
import type { Quotas } from '../security/quotas.ts'
import type { AuditNote } from './audit.ts'
import type { Peers } from './forwarding.ts'

/** The settings that handlers act on; broker.ts fills them from the broker's settings. */
export interface ApiSettings {
  readonly brokerId: number
  /** Whether clients may only do what ACLs allow them. */
  readonly usesAcls: boolean
  readonly autoCreateTopics: boolean
  readonly autoCreatePartitions: number
  readonly maxPartitionsPerTopic: number
  readonly maxPartitions: number
  /** What DescribeLogDirs calls the place of the data. */
  readonly logDir: string
  /** Settings of this broker under Kafka's names, as far as they have one. */
  readonly brokerConfigs: ReadonlyMap<string, string>
}

/** Of the place of the data, in bytes; -1 where that cannot be told. */
export interface DiskSpace {
  readonly totalBytes: number
  readonly usableBytes: number
}

/** Counts what goes in and out by topic. */
export interface Traffic {
  produced(topic: string, bytes: number, records: number): void
  fetched(topic: string, bytes: number, records: number): void
  /** The topic is gone: what was counted for it may be forgotten. */
  forgetTopic(topic: string): void
}

export interface Parts {
  readonly settings: ApiSettings
  readonly clock: Clock
  readonly replica: Replica
  readonly ingest: Ingest
  readonly reader: LogReader
  readonly timestamps: TimestampIndex
  readonly longPolls: LongPolls
  readonly fetchSessions: FetchSessions
  readonly fetchBudget: FetchBudget
  readonly groups: GroupCoordinator
  readonly peers: Peers
  readonly quotas: Quotas
  /** Told who changed what. */
  readonly audit: (note: AuditNote) => void
  readonly traffic: Traffic
  readonly diskSpace: () => Promise<DiskSpace>
  /** A new topic id: sixteen random bytes as base64url, never one of Kafka's reserved ones. */
  readonly newTopicId: () => string
}
