/**
 * The cluster state as bytes and back.
 *
 * Layout: magic "KFSSNAP1" | Snapshot message, version 0 | CRC-32C u32 of everything before it. A state that is decoded
 * equals the one encoded in all that `apply` and the queries can see; a test holds both side by side.
 */

import { crc32c } from '../wire/crc32c.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'
import { ClusterState } from './cluster-state.ts'
import {
  readSnapshot,
  type Snapshot,
  type SnapshotGroup,
  type SnapshotPartition,
  type SnapshotTopic,
  writeSnapshot,
} from './commands.gen.ts'
import { FEATURE_LEVEL, TooNew } from './commands.ts'
import { ExtentLog } from './extents.ts'
import type { DurableMember, Group } from './groups.ts'
import type { ObjectKind, StoredObject } from './objects.ts'
import type { PartitionLog } from './partition-log.ts'

const MAGIC = Buffer.from('KFSSNAP1', 'latin1')
const KINDS: readonly ObjectKind[] = ['wal', 'segment']

export function encodeSnapshot(state: ClusterState): Buffer {
  const writer = new Writer()
  writeSnapshot(writer, picture(state), 0)
  const body = Buffer.concat([MAGIC, ...writer.finish().buffers])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32c(body))
  return Buffer.concat([body, checksum])
}

/** Throws WireError when the bytes are not a whole snapshot, TooNew when it is of a feature level above the known one. */
export function decodeSnapshot(bytes: Buffer, knownLevel = FEATURE_LEVEL): ClusterState {
  const body = bytes.subarray(0, bytes.length - 4)
  if (bytes.length < MAGIC.length + 4 || !body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new WireError('not a snapshot of the cluster state')
  }
  if (crc32c(body) !== bytes.readUInt32BE(body.length)) throw new WireError('the snapshot is damaged')
  return restore(readSnapshot(new Reader(body, MAGIC.length), 0), knownLevel)
}

function picture(state: ClusterState): Snapshot {
  return {
    position: state.position,
    time: state.time,
    clusterId: state.clusterId,
    prefix: state.prefix,
    featureLevel: state.featureLevel,
    nextProducerId: state.nextProducerId,
    digest: state.digest,
    sessions: [...state.sessions.values()].map(({ epoch, lastNumber, info }) => ({ epoch, lastNumber, info })),
    closedSessions: [...state.closedSessions].map(([epoch, closedAt]) => ({ epoch, closedAt })),
    nextHandle: state.objects.nextHandle,
    objects: [...state.objects.live.values()].map(pictureOfObject),
    deadObjects: [...state.objects.dead.values()].map(({ object, position }) => ({
      ...pictureOfObject(object),
      position,
    })),
    topics: [...state.catalog.byId.values()].map(topic => ({
      topicId: topic.id,
      name: topic.name,
      replicationFactor: topic.replicationFactor,
      configs: settingsOf(topic.configs),
      partitions: topic.partitions.map(pictureOfPartition),
    })),
    configs: [...state.catalog.configs].map(([resource, settings]) => ({ resource, settings: settingsOf(settings) })),
    groups: [...state.groups.byId.values()].map(pictureOfGroup),
    scram: [...state.security.scram].flatMap(([user, mechanisms]) =>
      [...mechanisms].map(([mechanism, record]) => ({ user, mechanism, ...record })),
    ),
    acls: [...state.security.acls.values()],
    quotas: [...state.security.quotas.values()].map(({ entity, values }) => ({
      entity,
      values: [...values].map(([key, value]) => ({ key, value })),
    })),
  }
}

function pictureOfObject({ handle, kind, epoch, number, size }: StoredObject) {
  return { handle, kind: KINDS.indexOf(kind), epoch, number, size }
}

function settingsOf(settings: ReadonlyMap<string, string>): { name: string; value: string }[] {
  return [...settings].map(([name, value]) => ({ name, value }))
}

function pictureOfPartition(log: PartitionLog): SnapshotPartition {
  return {
    logStartOffset: log.logStartOffset,
    nextOffset: log.nextOffset,
    extents: log.extents.encode(),
    producers: [...log.producers.histories].map(([producerId, history]) => ({ producerId, ...history })),
  }
}

function pictureOfGroup(group: Group): SnapshotGroup {
  return {
    ...group,
    members: [...group.members.values()],
    offsets: [...group.offsets].map(([topic, partitions]) => ({
      topic,
      partitions: [...partitions].map(([partition, offset]) => ({ partition, ...offset })),
    })),
  }
}

function restore(snapshot: Snapshot, knownLevel: number): ClusterState {
  if (snapshot.featureLevel > knownLevel) throw new TooNew(snapshot.featureLevel, knownLevel)
  const state = new ClusterState(knownLevel)
  state.position = snapshot.position
  state.time = snapshot.time
  state.clusterId = snapshot.clusterId
  state.prefix = snapshot.prefix
  state.featureLevel = snapshot.featureLevel
  state.nextProducerId = snapshot.nextProducerId
  state.digest = snapshot.digest
  for (const { epoch, lastNumber, info } of snapshot.sessions) {
    state.sessions.set(epoch, { epoch, lastNumber, info: Buffer.from(info) })
  }
  for (const { epoch, closedAt } of snapshot.closedSessions) state.closedSessions.set(epoch, closedAt)
  restoreObjects(state, snapshot)
  for (const topic of snapshot.topics) restoreTopic(state, topic)
  for (const { resource, settings } of snapshot.configs) {
    state.catalog.configs.set(resource, new Map(settings.map(({ name, value }) => [name, value])))
  }
  for (const group of snapshot.groups) restoreGroup(state, group)
  restoreSecurity(state, snapshot)
  return state
}

function restoreObjects(state: ClusterState, snapshot: Snapshot): void {
  state.objects.nextHandle = snapshot.nextHandle
  const restored = (object: Snapshot['objects'][number]): StoredObject => ({
    handle: object.handle,
    kind: KINDS[object.kind] ?? 'wal',
    epoch: object.epoch,
    number: object.number,
    size: object.size,
    extents: 0,
    liveBytes: 0,
  })
  for (const object of snapshot.objects) state.objects.live.set(object.handle, restored(object))
  for (const object of snapshot.deadObjects) {
    state.objects.dead.set(object.handle, { object: restored(object), position: object.position })
  }
}

function restoreTopic(state: ClusterState, snapshot: SnapshotTopic): void {
  const { topicId, name, partitions, replicationFactor } = snapshot
  const topic = state.catalog.create(topicId, name, partitions.length, replicationFactor)
  for (const config of snapshot.configs) topic.configs.set(config.name, config.value)
  for (const [index, log] of topic.partitions.entries()) {
    const partition = partitions[index]
    if (partition === undefined) continue
    log.restore(partition.logStartOffset, partition.nextOffset, ExtentLog.decode(partition.extents))
    for (const extent of log.extents) state.objects.retain(state.objects.get(extent.object), extent.length)
    for (const { producerId, epoch, lastTime, lastTimestamp, batches } of partition.producers) {
      log.producers.histories.set(producerId, { epoch, lastTime, lastTimestamp, batches: [...batches] })
    }
  }
}

function restoreSecurity({ security }: ClusterState, { scram, acls, quotas }: Snapshot): void {
  for (const credential of scram) security.putScram(credential)
  security.alterAcls({ additions: acls, removals: [] })
  for (const { entity, values } of quotas) {
    security.putQuotas(entity, new Map(values.map(({ key, value }) => [key, value])))
  }
}

function restoreGroup(state: ClusterState, snapshot: SnapshotGroup): void {
  const { members, offsets, ...facts } = snapshot
  state.groups.byId.set(snapshot.groupId, {
    ...facts,
    members: new Map(members.map(member => [member.memberId, ownBytes(member)])),
    offsets: new Map(
      offsets.map(({ topic, partitions }) => [topic, new Map(partitions.map(offset => [offset.partition, offset]))]),
    ),
  })
}

/** What was read is a slice of the whole snapshot, which must not live as long as the group. */
function ownBytes(member: DurableMember): DurableMember {
  return { ...member, subscription: Buffer.from(member.subscription), assignment: Buffer.from(member.assignment) }
}
