/**
 * Which APIs and versions clients are told of. An API stands here only when every version of its range works.
 *
 * Produce is announced from version 0 although requests below 3 are refused: librdkafka takes a broker without it for
 * one that knows no message format 2 (KIP-896 lists the exception).
 */
import { type ApiName, apis } from '../wire/api.ts'

export interface AdvertisedRange {
  readonly key: number
  readonly name: ApiName
  readonly first: number
  readonly last: number
}

const FIRST_ANNOUNCED_PRODUCE = 0

const NAMES: readonly ApiName[] = [
  'Produce',
  'Fetch',
  'ListOffsets',
  'Metadata',
  'OffsetCommit',
  'OffsetFetch',
  'FindCoordinator',
  'JoinGroup',
  'Heartbeat',
  'LeaveGroup',
  'SyncGroup',
  'DescribeGroups',
  'ListGroups',
  'SaslHandshake',
  'ApiVersions',
  'CreateTopics',
  'DeleteTopics',
  'DeleteRecords',
  'InitProducerId',
  'OffsetForLeaderEpoch',
  'DescribeConfigs',
  'AlterConfigs',
  'DescribeLogDirs',
  'SaslAuthenticate',
  'CreatePartitions',
  'DeleteGroups',
  'IncrementalAlterConfigs',
  'OffsetDelete',
  'DescribeCluster',
  'DescribeProducers',
  'ListConfigResources',
  'DescribeTopicPartitions',
  'DescribeUserScramCredentials',
  'AlterUserScramCredentials',
  'DescribeClientQuotas',
  'AlterClientQuotas',
  'DescribeAcls',
  'CreateAcls',
  'DeleteAcls',
]

export const advertised: readonly AdvertisedRange[] = NAMES.map(name => {
  const { key, firstVersion, lastVersion } = apis[name]
  return { key, name, first: name === 'Produce' ? FIRST_ANNOUNCED_PRODUCE : firstVersion, last: lastVersion }
})

const NAME_SET: ReadonlySet<ApiName> = new Set(NAMES)

export function isAdvertised(name: ApiName): boolean {
  return NAME_SET.has(name)
}
