/** For tests of groups: brokers that share a ledger in memory and a virtual clock, and consumers that call them. */

import { GroupCoordinator, type GroupSettings } from '../broker/groups/coordinator.ts'
import type { Joined, JoinRequest, Synced, SyncRequest } from '../broker/groups/requests.ts'
import { type LedgerFaults, MemoryLedger, noFaults } from '../broker/ledger/memory.ts'
import { Replica } from '../broker/ledger/replica.ts'
import { writeConsumerProtocolSubscription } from '../broker/wire/messages.gen.ts'
import { Writer } from '../broker/wire/writer.ts'
import { VirtualClock } from './virtual-clock.ts'

export const settings: GroupSettings = {
  initialRebalanceDelayMs: 3000,
  minSessionTimeoutMs: 6000,
  maxSessionTimeoutMs: 1_800_000,
  maxSize: 10,
  offsetsRetentionMs: 604_800_000,
}

export interface TestBroker {
  readonly replica: Replica
  readonly groups: GroupCoordinator
  readonly clock: VirtualClock
}

export interface TestCluster {
  readonly clock: VirtualClock
  readonly ledger: MemoryLedger
  /** Starts a broker with a coordinator that has met no group yet. */
  broker(options?: { faults?: LedgerFaults; settings?: Partial<GroupSettings> }): Promise<TestBroker>
}

/** A cluster with topic `t` of four partitions. */
export async function startCluster(): Promise<TestCluster> {
  const clock = new VirtualClock()
  const ledger = new MemoryLedger()
  let memberIds = 0
  let brokers = 0
  const broker: TestCluster['broker'] = async ({ faults = noFaults, settings: own = {} } = {}) => {
    const replica = await clock.until(
      Replica.start({
        ledger: ledger.connect(clock, faults),
        clock,
        brokerId: undefined,
        describe: () => Buffer.alloc(0),
        loadSnapshot: () => Promise.reject(new Error('there is no checkpoint')),
        onLost: () => {},
      }),
    )
    if (brokers++ === 0) await clock.until(createTopic(replica, 't', 4))
    const newMemberId = (name: string) => `${name}-${++memberIds}`
    return {
      replica,
      clock,
      groups: new GroupCoordinator({ replica, clock, newMemberId, settings: { ...settings, ...own } }),
    }
  }
  return { clock, ledger, broker }
}

export async function createTopic(replica: Replica, name: string, partitions: number): Promise<void> {
  const topicId = Buffer.from(name.padEnd(16, '.')).toString('base64url')
  const body = { topicId, name, partitions, replicationFactor: 1, configs: [] }
  await replica.submit({ type: 'createTopic', body })
}

export function subscription(...topics: string[]): Buffer {
  const writer = new Writer()
  writer.int16(1)
  const message = { topics, userData: null, ownedPartitions: [], generationId: -1, rackId: null }
  writeConsumerProtocolSubscription(writer, message, 1)
  return Buffer.concat(writer.finish().buffers)
}

/** A client of one group that remembers what it was told, as a consumer does. */
export class TestConsumer {
  readonly groups: GroupCoordinator
  readonly groupId: string
  readonly joinAs: JoinRequest
  memberId = ''
  generation = -1
  leader = ''

  constructor(groups: GroupCoordinator, groupId: string, joinAs: JoinRequest) {
    this.groups = groups
    this.groupId = groupId
    this.joinAs = joinAs
  }

  get identity() {
    return { memberId: this.memberId, groupInstanceId: this.joinAs.groupInstanceId, generation: this.generation }
  }

  async join(change: Partial<JoinRequest> = {}): Promise<Joined> {
    const joined = await this.groups.join(this.groupId, { ...this.joinAs, memberId: this.memberId, ...change })
    this.memberId = joined.memberId
    this.generation = joined.generation
    this.leader = joined.leader
    return joined
  }

  sync(assignments: SyncRequest['assignments'] = [], change: Partial<SyncRequest> = {}): Promise<Synced> {
    const protocol = { protocolType: null, protocol: null }
    return this.groups.sync(this.groupId, { ...this.identity, ...protocol, assignments, ...change })
  }

  heartbeat(): number {
    return this.groups.heartbeat(this.groupId, this.identity)
  }

  leave(): Promise<number | readonly number[]> {
    return this.groups.leave(this.groupId, [{ ...this.identity, reason: null }])
  }

  commit(offset: number, partition = 0): Promise<number> {
    const topics = [{ name: 't', partitions: [{ partition, offset, leaderEpoch: -1, metadata: '' }] }]
    return this.groups.commit({ groupId: this.groupId, ...this.identity, topics })
  }
}

/** Joins group `g` as a client that is not asked to come back with a member id, unless told otherwise. */
export function consumer(groups: GroupCoordinator, clientId: string, change: Partial<JoinRequest> = {}): TestConsumer {
  return new TestConsumer(groups, 'g', {
    memberId: '',
    groupInstanceId: null,
    clientId,
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('t') }],
    reason: null,
    needsMemberId: false,
    canSkipAssignment: false,
    ...change,
  })
}
