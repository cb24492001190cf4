/** All handlers, by the name of their API. */
import { apiVersions } from './api-versions.ts'
import { deleteRecords } from './delete-records.ts'
import { describeCluster } from './describe-cluster.ts'
import { describeProducers } from './describe-producers.ts'
import { describeTopicPartitions } from './describe-topic-partitions.ts'
import { fetch } from './fetch.ts'
import { findCoordinator } from './find-coordinator.ts'
import type { Handlers } from './handler.ts'
import { initProducerId } from './init-producer-id.ts'
import { listOffsets } from './list-offsets.ts'
import { metadata } from './metadata.ts'
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import type { Parts } from './parts.ts'
import { produce } from './produce.ts'
import { saslAuthenticate, saslHandshake } from './sasl.ts'

export function allHandlers(parts: Parts): Handlers {
  return {
    Produce: produce(parts),
    Fetch: fetch(parts),
    ListOffsets: listOffsets(parts),
    Metadata: metadata(parts),
    FindCoordinator: findCoordinator(parts),
    SaslHandshake: saslHandshake,
    ApiVersions: apiVersions,
    DeleteRecords: deleteRecords(parts),
    InitProducerId: initProducerId(parts),
    OffsetForLeaderEpoch: offsetForLeaderEpoch(parts),
    SaslAuthenticate: saslAuthenticate,
    DescribeCluster: describeCluster(parts),
    DescribeProducers: describeProducers(parts),
    DescribeTopicPartitions: describeTopicPartitions(parts),
  }
}
