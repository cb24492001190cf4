/**
 * Topics and dynamic configurations as the ledger knows them.
 *
 * A topic is known by its id; a name belongs to one topic at a time, and a topic that is deleted and created again has
 * another id (KIP-516), so nothing addressed to the old one can reach the new one. Maps keep ledger order, which is the
 * same on every broker.
 */
import { PartitionLog } from './partition-log.ts'

export interface Topic {
  readonly id: string
  readonly name: string
  /** What the creator asked for. Data lives in the object store; this is only shown to clients. */
  readonly replicationFactor: number
  readonly partitions: PartitionLog[]
  /** Settings that differ from the defaults. */
  readonly configs: Map<string, string>
}

export class Catalog {
  readonly byId = new Map<string, Topic>()
  readonly byName = new Map<string, Topic>()
  /** Dynamic configurations of everything but topics: `type/name` -> key -> value. */
  readonly configs = new Map<string, Map<string, string>>()
  /** Names that are the same once dots are underscores, as they are in the names of metrics. */
  readonly #twins = new Map<string, Set<string>>()
  partitionCount = 0
  /** Changes whenever any setting does. */
  configVersion = 0

  create(id: string, name: string, partitions: number, replicationFactor: number): Topic {
    const topic: Topic = { id, name, replicationFactor, partitions: [], configs: new Map() }
    this.byId.set(id, topic)
    this.byName.set(name, topic)
    if (hasTwins(name)) this.#twinsOf(name).add(name)
    this.grow(topic, partitions)
    return topic
  }

  grow(topic: Topic, partitions: number): void {
    for (let index = topic.partitions.length; index < partitions; index++) {
      topic.partitions.push(new PartitionLog(topic.id, topic.name, index))
      this.partitionCount++
    }
  }

  delete(topic: Topic): void {
    this.byId.delete(topic.id)
    this.byName.delete(topic.name)
    if (hasTwins(topic.name)) this.#forgetTwin(topic.name)
    this.partitionCount -= topic.partitions.length
  }

  /** A topic that Kafka would not let live beside a new one of this name, because metrics could not tell them apart. */
  twinOf(name: string): string | undefined {
    if (!hasTwins(name)) return undefined
    for (const twin of this.#twins.get(folded(name)) ?? []) if (twin !== name) return twin
    return undefined
  }

  partition(topicId: string, partition: number): PartitionLog | undefined {
    return this.byId.get(topicId)?.partitions[partition]
  }

  /** The dynamic settings of a resource: a live map for topics, empty when there are none. */
  configsOf(resourceType: number, name: string): ReadonlyMap<string, string> {
    if (resourceType === RESOURCE_TOPIC) return this.byName.get(name)?.configs ?? NO_CONFIGS
    return this.configs.get(`${resourceType}/${name}`) ?? NO_CONFIGS
  }

  setConfig(resourceType: number, name: string, key: string, value: string | null): void {
    const settings = this.#writableConfigs(resourceType, name)
    if (settings === undefined) return
    this.configVersion++
    if (value === null) settings.delete(key)
    else settings.set(key, value)
    if (settings.size === 0 && resourceType !== RESOURCE_TOPIC) this.configs.delete(`${resourceType}/${name}`)
  }

  #twinsOf(name: string): Set<string> {
    const key = folded(name)
    const known = this.#twins.get(key)
    if (known !== undefined) return known
    const twins = new Set<string>()
    this.#twins.set(key, twins)
    return twins
  }

  #forgetTwin(name: string): void {
    const twins = this.#twinsOf(name)
    twins.delete(name)
    if (twins.size === 0) this.#twins.delete(folded(name))
  }

  #writableConfigs(resourceType: number, name: string): Map<string, string> | undefined {
    if (resourceType === RESOURCE_TOPIC) return this.byName.get(name)?.configs
    const key = `${resourceType}/${name}`
    const known = this.configs.get(key)
    if (known !== undefined) return known
    const settings = new Map<string, string>()
    this.configs.set(key, settings)
    return settings
  }
}

function hasTwins(name: string): boolean {
  return /[._]/.test(name)
}

function folded(name: string): string {
  return name.replaceAll('.', '_')
}

const NO_CONFIGS: ReadonlyMap<string, string> = new Map()

/** ConfigResource types of Kafka's protocol. */
export const RESOURCE_TOPIC = 2
export const RESOURCE_BROKER = 4
export const RESOURCE_CLIENT_METRICS = 16
export const RESOURCE_GROUP = 32
