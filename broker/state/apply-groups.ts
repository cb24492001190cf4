/** Commands on consumer groups. */
import { errorCode } from '../wire/errors.ts'
import type { ClusterState } from './cluster-state.ts'
import type { CommitOffsets, DeleteOffsets, PutGroup } from './commands.gen.ts'
import type { Command } from './commands.ts'
import { DONE, type Outcome, refused } from './outcome.ts'

type GroupCommand = Extract<Command, { type: 'putGroup' | 'deleteGroup' | 'commitOffsets' | 'deleteOffsets' }>

/** `epoch`: the session that the command came from. */
export function applyGroupCommand(state: ClusterState, command: GroupCommand, epoch: number): Outcome {
  switch (command.type) {
    case 'putGroup':
      return putGroup(state, command.body)
    case 'deleteGroup': {
      const group = state.groups.byId.get(command.body.groupId)
      if (group === undefined) return refused(errorCode.GROUP_ID_NOT_FOUND)
      if (group.members.size > 0 || group.version !== command.body.basedOn) return refused(errorCode.NON_EMPTY_GROUP)
      state.groups.byId.delete(command.body.groupId)
      return DONE
    }
    case 'commitOffsets':
      return commitOffsets(state, command.body, epoch)
    case 'deleteOffsets':
      return deleteOffsets(state, command.body)
  }
}

function putGroup(state: ClusterState, put: PutGroup): Outcome {
  const known = state.groups.byId.get(put.groupId)
  if ((known?.version ?? 0) !== put.basedOn) return refused(errorCode.NOT_COORDINATOR)
  const group = known ?? state.groups.getOrCreate(put.groupId, state.time)
  group.version = state.position
  group.protocolType = put.protocolType
  group.protocol = put.protocol
  group.generation = put.generation
  group.leader = put.leader
  if (put.members.length === 0 && group.members.size > 0) group.emptySince = state.time
  group.members.clear()
  for (const member of put.members) {
    // What was read is a slice of the whole entry, which must not live as long as the group.
    const subscription = Buffer.from(member.subscription)
    const assignment = Buffer.from(member.assignment)
    group.members.set(member.memberId, { ...member, subscription, assignment })
  }
  return DONE
}

function commitOffsets(state: ClusterState, commit: CommitOffsets, epoch: number): Outcome {
  const code = state.groups.checkCommit(commit)
  if (code !== errorCode.NONE) return refused(code)
  const committer = state.groups.byId.get(commit.groupId)?.committer ?? 0
  // A group moves to a younger coordinator when that one joins, and to an older one only when its own has gone.
  if (committer > epoch && state.sessions.has(committer)) return refused(errorCode.NOT_COORDINATOR)
  const group = state.groups.getOrCreate(commit.groupId, state.time)
  group.committer = epoch
  for (const { name, partitions } of commit.topics) {
    // A topic that was deleted meanwhile must not leave offsets to a later topic of the same name.
    if (!state.catalog.byName.has(name)) continue
    for (const { partition, offset, leaderEpoch, metadata } of partitions) {
      state.groups.commit(group, name, partition, { offset, leaderEpoch, metadata, committedAt: state.time })
    }
  }
  return DONE
}

function deleteOffsets(state: ClusterState, command: DeleteOffsets): Outcome {
  const group = state.groups.byId.get(command.groupId)
  if (group === undefined) return refused(errorCode.GROUP_ID_NOT_FOUND)
  for (const { name, partitions } of command.topics) {
    for (const partition of partitions) state.groups.deleteOffset(group, name, partition, command.committedBy)
  }
  // Without topics it is the expiry that asks: does anything keep the group? A commit before this command does.
  const isNothing = group.members.size === 0 && group.offsets.size === 0
  if (command.topics.length === 0 && isNothing) state.groups.byId.delete(command.groupId)
  return DONE
}
