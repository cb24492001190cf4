/**
 * Every handler behind the guard that asks for what Apache Kafka asks for (KafkaApis, ControllerApis). It stands before
 * requests are passed on to other brokers, because they know who the client is only from here.
 */
import type { Replica } from '../../ledger/replica.ts'
import type { ApiName } from '../../wire/api.ts'
import type { Handler, Handlers } from '../handler.ts'
import * as cluster from './cluster.ts'
import * as groups from './groups.ts'
import type { Guard } from './guard.ts'
import * as records from './records.ts'
import * as topics from './topics.ts'

export function withAuthorization(handlers: Handlers, replica: Replica, createsTopics: boolean): Handlers {
  const catalog: records.CatalogOf = () => replica.state.catalog
  return {
    ...handlers,
    Produce: behind(handlers.Produce, records.guardProduce(catalog)),
    ListOffsets: behind(handlers.ListOffsets, records.guardListOffsets(catalog)),
    OffsetForLeaderEpoch: behind(handlers.OffsetForLeaderEpoch, records.guardOffsetForLeaderEpoch(catalog)),
    DeleteRecords: behind(handlers.DeleteRecords, records.guardDeleteRecords(catalog)),
    DescribeProducers: behind(handlers.DescribeProducers, records.guardDescribeProducers(catalog)),
    InitProducerId: behind(handlers.InitProducerId, records.guardInitProducerId),
    DescribeLogDirs: behind(handlers.DescribeLogDirs, records.guardDescribeLogDirs),
    JoinGroup: behind(handlers.JoinGroup, groups.guardJoinGroup),
    SyncGroup: behind(handlers.SyncGroup, groups.guardSyncGroup),
    Heartbeat: behind(handlers.Heartbeat, groups.guardHeartbeat),
    LeaveGroup: behind(handlers.LeaveGroup, groups.guardLeaveGroup),
    FindCoordinator: behind(handlers.FindCoordinator, groups.guardFindCoordinator),
    DescribeGroups: behind(handlers.DescribeGroups, groups.guardDescribeGroups),
    ListGroups: behind(handlers.ListGroups, groups.guardListGroups),
    DeleteGroups: behind(handlers.DeleteGroups, groups.guardDeleteGroups),
    OffsetCommit: behind(handlers.OffsetCommit, groups.guardOffsetCommit(catalog)),
    OffsetFetch: behind(handlers.OffsetFetch, groups.guardOffsetFetch(catalog)),
    OffsetDelete: behind(handlers.OffsetDelete, groups.guardOffsetDelete),
    Metadata: behind(handlers.Metadata, topics.guardMetadata(catalog, createsTopics)),
    DescribeTopicPartitions: behind(handlers.DescribeTopicPartitions, topics.guardDescribeTopicPartitions),
    CreateTopics: behind(handlers.CreateTopics, topics.guardCreateTopics),
    DeleteTopics: behind(handlers.DeleteTopics, topics.guardDeleteTopics(catalog)),
    CreatePartitions: behind(handlers.CreatePartitions, topics.guardCreatePartitions),
    DescribeConfigs: behind(handlers.DescribeConfigs, cluster.guardDescribeConfigs),
    AlterConfigs: behind(handlers.AlterConfigs, cluster.guardAlterConfigs),
    IncrementalAlterConfigs: behind(handlers.IncrementalAlterConfigs, cluster.guardIncrementalAlterConfigs),
    ListConfigResources: behind(handlers.ListConfigResources, cluster.guardListConfigResources),
    DescribeCluster: behind(handlers.DescribeCluster, cluster.guardDescribeCluster),
    DescribeUserScramCredentials: behind(
      handlers.DescribeUserScramCredentials,
      cluster.guardDescribeUserScramCredentials,
    ),
    DescribeClientQuotas: behind(handlers.DescribeClientQuotas, cluster.guardDescribeClientQuotas),
    AlterClientQuotas: behind(handlers.AlterClientQuotas, cluster.guardAlterClientQuotas),
    DescribeAcls: behind(handlers.DescribeAcls, cluster.guardDescribeAcls),
    CreateAcls: behind(handlers.CreateAcls, cluster.guardCreateAcls),
    DeleteAcls: behind(handlers.DeleteAcls, cluster.guardDeleteAcls),
    AlterUserScramCredentials: behind(handlers.AlterUserScramCredentials, cluster.guardAlterUserScramCredentials),
  }
}

function behind<Name extends ApiName>(handler: Handler<Name> | undefined, guard: Guard<Name>): Handler<Name> {
  if (handler === undefined) throw new Error('a guard without a handler')
  return guard(handler)
}
