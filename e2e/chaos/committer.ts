// A group without members, whose offsets only grow: one client commits them and asks any broker's opinion of them.

import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode, errorName, isRetriable } from '../../broker/wire/errors.ts'
import {
  newFindCoordinatorRequest,
  newOffsetCommitRequest,
  newOffsetCommitRequestPartition,
  newOffsetCommitRequestTopic,
  newOffsetFetchRequest,
  newOffsetFetchRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import { Link } from './link.ts'
import { Progress } from './progress.ts'
import { type ChaosClient, type ClientError, now, type Place } from './workload.ts'

const PAUSE_MS = 150

/** A group's coordinator, looked for again after every failure. */
export class CoordinatorLink {
  readonly #group: string
  readonly #bootstrap: readonly Link[]
  readonly #links = new Map<number, Link>()
  #asked = 0

  constructor({ ports }: Pick<Place, 'ports'>, group: string) {
    this.#group = group
    this.#bootstrap = ports.map(port => new Link(port))
  }

  async find(): Promise<Link> {
    const link = this.#bootstrap[this.#asked++ % this.#bootstrap.length]
    if (link === undefined) throw new Error('there are no brokers')
    const request = newFindCoordinatorRequest({ coordinatorKeys: [this.#group], keyType: 0 })
    const { coordinators } = await link.call('FindCoordinator', 4, request)
    const [found] = coordinators
    if (found === undefined || found.errorCode !== errorCode.NONE) throw new Error('there is no coordinator')
    const known = this.#links.get(found.port) ?? new Link(found.port)
    this.#links.set(found.port, known)
    return known
  }

  close(): void {
    for (const link of [...this.#bootstrap, ...this.#links.values()]) link.close()
  }
}

/** Offsets committed of each partition; -1 where there is none. Undefined when the broker did not answer the question. */
export async function fetchCommitted(
  link: Link,
  group: string,
  { topic, partitions }: Pick<Place, 'topic' | 'partitions'>,
): Promise<ReadonlyMap<number, number> | undefined> {
  const topics = [newOffsetFetchRequestTopic({ name: topic, partitionIndexes: [...partitions] })]
  const answer = await link.call('OffsetFetch', 7, newOffsetFetchRequest({ groupId: group, topics }))
  if (answer.errorCode !== errorCode.NONE) return undefined
  const found = answer.topics[0]?.partitions ?? []
  if (found.some(({ errorCode: code }) => code !== errorCode.NONE)) return undefined
  return new Map(found.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]))
}

export class Committer implements ChaosClient {
  readonly role = 'committer'
  readonly name = 'committer'
  readonly progress = new Progress()
  readonly errors: ClientError[] = []
  readonly #place: Place
  readonly #coordinator: CoordinatorLink
  #offset = 0
  #stopped = false
  readonly #running: Promise<void>

  constructor(place: Place) {
    this.#place = place
    this.#coordinator = new CoordinatorLink(place, this.name)
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    this.#coordinator.close()
  }

  async #run(): Promise<void> {
    let link: Link | undefined
    while (!this.#stopped) {
      try {
        link ??= await this.#coordinator.find()
        const code = await this.#commit(link)
        if (code === errorCode.NONE) await this.#ask(link)
        else {
          link = undefined
          if (!isRetriable(code)) this.errors.push({ at: now(), message: errorName(code) ?? `error ${code}` })
        }
      } catch {
        link = undefined
      }
      await sleep(PAUSE_MS)
    }
  }

  async #commit(link: Link): Promise<number> {
    const { topic, partitions, log } = this.#place
    const offset = ++this.#offset
    const commits = partitions.map(partitionIndex =>
      newOffsetCommitRequestPartition({ partitionIndex, committedOffset: offset, committedMetadata: '' }),
    )
    const topics = [newOffsetCommitRequestTopic({ name: topic, partitions: commits })]
    const answer = await link.call('OffsetCommit', 8, newOffsetCommitRequest({ groupId: this.name, topics }))
    const codes = answer.topics.flatMap(one => one.partitions.map(({ errorCode: code }) => code))
    const failed = codes.find(code => code !== errorCode.NONE)
    if (failed !== undefined) return failed
    for (const partition of partitions) {
      log({ kind: 'commit', group: this.name, partition, offset, acknowledgedAt: now() })
    }
    this.progress.note(now())
    return errorCode.NONE
  }

  async #ask(link: Link): Promise<void> {
    const askedAt = now()
    const found = await fetchCommitted(link, this.name, this.#place)
    for (const [partition, offset] of found ?? []) {
      this.#place.log({ kind: 'committed', group: this.name, partition, offset, askedAt })
    }
  }
}
