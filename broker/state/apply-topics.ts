/** Commands on topics: create, delete, grow, configure, trim. */
import { errorCode } from '../wire/errors.ts'
import type { Topic } from './catalog.ts'
import type { ClusterState } from './cluster-state.ts'
import type { Command } from './commands.ts'
import { type Changes, DONE, type Outcome, refused } from './outcome.ts'

type TopicCommand = Extract<Command, { type: 'createTopic' | 'deleteTopic' | 'growTopic' | 'alterConfigs' | 'trim' }>

export function applyTopicCommand(state: ClusterState, command: TopicCommand, changes: Changes): Outcome {
  const { catalog } = state
  switch (command.type) {
    case 'createTopic': {
      const { topicId, name, partitions, replicationFactor, configs } = command.body
      if (catalog.byName.has(name) || catalog.byId.has(topicId)) return refused(errorCode.TOPIC_ALREADY_EXISTS)
      const topic = catalog.create(topicId, name, partitions, replicationFactor)
      for (const config of configs) topic.configs.set(config.name, config.value)
      return DONE
    }
    case 'deleteTopic': {
      const topic = catalog.byId.get(command.body.topicId)
      if (topic === undefined) return refused(errorCode.UNKNOWN_TOPIC_ID)
      deleteTopic(state, topic, changes)
      return DONE
    }
    case 'growTopic': {
      const topic = catalog.byId.get(command.body.topicId)
      if (topic === undefined) return refused(errorCode.UNKNOWN_TOPIC_ID)
      if (command.body.partitions <= topic.partitions.length) return refused(errorCode.INVALID_PARTITIONS)
      catalog.grow(topic, command.body.partitions)
      return DONE
    }
    case 'alterConfigs':
      for (const { name, value } of command.body.changes) {
        catalog.setConfig(command.body.resourceType, command.body.resourceName, name, value)
      }
      return DONE
    case 'trim':
      for (const { topicId, partition, logStartOffset } of command.body.partitions) {
        const log = catalog.partition(topicId, partition)
        if (log === undefined) continue
        log.trimTo(logStartOffset, extent => state.objects.release(extent, state.position))
        changes.trimmed.add(log)
      }
      return DONE
  }
}

function deleteTopic(state: ClusterState, topic: Topic, changes: Changes): void {
  state.catalog.delete(topic)
  for (const log of topic.partitions) {
    log.clear(extent => state.objects.release(extent, state.position))
    changes.trimmed.add(log)
  }
  state.groups.forgetTopic(topic.name)
  changes.deletedTopics.push(topic.name)
}
