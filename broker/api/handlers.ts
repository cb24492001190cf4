/** All handlers, by the name of their API. */
import { alterClientQuotas } from './alter-client-quotas.ts'
import { alterConfigs } from './alter-configs.ts'
import { alterUserScramCredentials } from './alter-user-scram-credentials.ts'
import { apiVersions } from './api-versions.ts'
import { withAudit } from './audit.ts'
import { withAuthorization } from './authorization/with-authorization.ts'
import { createAcls } from './create-acls.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { deleteAcls } from './delete-acls.ts'
import { deleteGroups } from './delete-groups.ts'
import { deleteRecords } from './delete-records.ts'
import { deleteTopics } from './delete-topics.ts'
import { describeAcls } from './describe-acls.ts'
import { describeClientQuotas } from './describe-client-quotas.ts'
import { describeCluster } from './describe-cluster.ts'
import { describeConfigs } from './describe-configs.ts'
import { describeGroups } from './describe-groups.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { describeProducers } from './describe-producers.ts'
import { describeTopicPartitions } from './describe-topic-partitions.ts'
import { describeUserScramCredentials } from './describe-user-scram-credentials.ts'
import { fetch } from './fetch.ts'
import { findCoordinator } from './find-coordinator.ts'
import { withForwarding } from './forwarding.ts'
import type { Handlers } from './handler.ts'
import { heartbeat } from './heartbeat.ts'
import { incrementalAlterConfigs } from './incremental-alter-configs.ts'
import { initProducerId } from './init-producer-id.ts'
import { joinGroup } from './join-group.ts'
import { leaveGroup } from './leave-group.ts'
import { listConfigResources } from './list-config-resources.ts'
import { listGroups } from './list-groups.ts'
import { listOffsets } from './list-offsets.ts'
import { metadata } from './metadata.ts'
import { offsetCommit } from './offset-commit.ts'
import { offsetDelete } from './offset-delete.ts'
import { offsetFetch } from './offset-fetch.ts'
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import type { Parts } from './parts.ts'
import { produce } from './produce.ts'
import { withQuotas } from './quotas.ts'
import { saslAuthenticate, saslHandshake } from './sasl.ts'
import { syncGroup } from './sync-group.ts'
import { Turns } from './turns.ts'

export function allHandlers(parts: Parts): Handlers {
  const turns = new Turns()
  const handlers: Handlers = {
    Produce: produce(parts),
    Fetch: fetch(parts),
    ListOffsets: listOffsets(parts),
    Metadata: metadata(parts, turns),
    OffsetCommit: offsetCommit(parts),
    OffsetFetch: offsetFetch(parts),
    FindCoordinator: findCoordinator(parts),
    JoinGroup: joinGroup(parts),
    Heartbeat: heartbeat(parts),
    LeaveGroup: leaveGroup(parts),
    SyncGroup: syncGroup(parts),
    DescribeGroups: describeGroups(parts),
    ListGroups: listGroups(parts),
    SaslHandshake: saslHandshake,
    ApiVersions: apiVersions,
    CreateTopics: createTopics(parts, turns),
    DeleteTopics: deleteTopics(parts),
    DeleteRecords: deleteRecords(parts),
    InitProducerId: initProducerId(parts),
    OffsetForLeaderEpoch: offsetForLeaderEpoch(parts),
    DescribeConfigs: describeConfigs(parts),
    AlterConfigs: alterConfigs(parts, turns),
    DescribeLogDirs: describeLogDirs(parts),
    SaslAuthenticate: saslAuthenticate,
    CreatePartitions: createPartitions(parts, turns),
    DeleteGroups: deleteGroups(parts),
    IncrementalAlterConfigs: incrementalAlterConfigs(parts, turns),
    OffsetDelete: offsetDelete(parts),
    DescribeCluster: describeCluster(parts),
    DescribeProducers: describeProducers(parts),
    ListConfigResources: listConfigResources(parts),
    DescribeTopicPartitions: describeTopicPartitions(parts),
    DescribeUserScramCredentials: describeUserScramCredentials(parts),
    AlterUserScramCredentials: alterUserScramCredentials(parts),
    DescribeAcls: describeAcls(parts),
    DescribeClientQuotas: describeClientQuotas(parts),
    AlterClientQuotas: alterClientQuotas(parts),
    CreateAcls: createAcls(parts),
    DeleteAcls: deleteAcls(parts),
  }
  const forwarding = withForwarding(handlers, parts)
  const { replica, settings } = parts
  const guarded = settings.usesAcls ? withAuthorization(forwarding, replica, settings.autoCreateTopics) : forwarding
  return withAudit(withQuotas(guarded, parts), parts.audit)
}
