/**
 * DescribeLogDirs (KIP-113): the bytes of each partition. There is one log directory: the place of the object store. Bytes
 * are those of the partition's records in objects, whether or not other partitions share them.
 */
import type { Catalog, Topic } from '../state/catalog.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponseTopic,
  newDescribeLogDirsResponse,
  newDescribeLogDirsResponsePartition,
  newDescribeLogDirsResponseResult,
  newDescribeLogDirsResponseTopic,
} from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

type LogDirsParts = Pick<Parts, 'replica' | 'settings' | 'diskSpace'>

export function describeLogDirs({ replica, settings, diskSpace }: LogDirsParts): Handler<'DescribeLogDirs'> {
  return async request => {
    const space = await diskSpace()
    return newDescribeLogDirsResponse({
      throttleTimeMs: 0,
      errorCode: errorCode.NONE,
      results: [
        newDescribeLogDirsResponseResult({
          errorCode: errorCode.NONE,
          logDir: settings.logDir,
          topics: wantedPartitions(replica.state.catalog, request).map(([topic, partitions]) =>
            sizes(topic, partitions),
          ),
          ...space,
        }),
      ],
    })
  }
}

/** All there are, or those of the ones asked for that there are, each once. */
function wantedPartitions(catalog: Catalog, { topics }: DescribeLogDirsRequest): [Topic, Iterable<number>][] {
  if (topics === null) return [...catalog.byName.values()].map(topic => [topic, topic.partitions.keys()])
  const wanted = new Map<Topic, Set<number>>()
  for (const { topic: name, partitions } of topics) {
    const topic = catalog.byName.get(name)
    if (topic === undefined) continue
    const known = partitions.filter(partition => topic.partitions[partition] !== undefined)
    if (known.length > 0) wanted.set(topic, new Set([...(wanted.get(topic) ?? []), ...known]))
  }
  return [...wanted]
}

function sizes(topic: Topic, partitions: Iterable<number>): DescribeLogDirsResponseTopic {
  return newDescribeLogDirsResponseTopic({
    name: topic.name,
    partitions: [...partitions].map(partitionIndex =>
      newDescribeLogDirsResponsePartition({
        partitionIndex,
        partitionSize: topic.partitions[partitionIndex]?.extents.bytes ?? 0,
        offsetLag: 0,
        isFutureKey: false,
      }),
    ),
  })
}
