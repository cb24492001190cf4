// Two brokers of one cluster behind a shared listener; what one asks the other goes straight to its handlers.

import { beforeEach, describe, expect, test } from '@jest/globals'
import { startCores, type TestCore } from '../../testing/memory-cluster.ts'
import type { VirtualClock } from '../../testing/virtual-clock.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newOffsetCommitRequest,
  newOffsetCommitRequestPartition,
  newOffsetCommitRequestTopic,
} from '../wire/messages.gen.ts'
import { SHARED_BROKER_ID } from './brokers.ts'

let clock: VirtualClock
let first: TestCore
let second: TestCore

beforeEach(async () => {
  const { clock: virtual, cores } = await startCores(2)
  clock = virtual
  const [one, two] = cores
  if (one === undefined || two === undefined) throw new Error('there are not two brokers')
  first = one
  second = two
})

const groupIds = Array.from({ length: 12 }, (_, index) => `group-${index}`)

/** Commits for every group, all by one broker. */
async function commitAll(by: TestCore, listener: string): Promise<number[]> {
  const codes = groupIds.map(async groupId => {
    const partitions = [
      newOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }),
    ]
    const request = newOffsetCommitRequest({
      groupId,
      topics: [newOffsetCommitRequestTopic({ name: 't', partitions })],
    })
    const answer = await by.ask('OffsetCommit', 8, request, listener)
    return answer?.topics[0]?.partitions[0]?.errorCode ?? -1
  })
  return clock.until(Promise.all(codes))
}

const listOf = async (by: TestCore, listener: string): Promise<string[]> => {
  const answer = await clock.until(by.ask('ListGroups', 4, { statesFilter: [], typesFilter: [] }, listener))
  return (answer?.groups ?? []).map(({ groupId }) => groupId).sort()
}

describe('by a shared listener', () => {
  test('any broker takes commits for any group', async () => {
    expect(await commitAll(first, 'SHARED')).toEqual(groupIds.map(() => errorCode.NONE))
  })

  test('groups of all brokers are listed, described in the order asked for, and deleted', async () => {
    await commitAll(first, 'SHARED')
    expect(await listOf(first, 'SHARED')).toEqual([...groupIds].sort())
    const described = await clock.until(
      first.ask('DescribeGroups', 5, { groups: groupIds, includeAuthorizedOperations: false }, 'SHARED'),
    )
    expect(described?.groups.map(({ groupId, groupState }) => [groupId, groupState])).toEqual(
      groupIds.map(groupId => [groupId, 'Empty']),
    )
    const deleted = await clock.until(first.ask('DeleteGroups', 2, { groupsNames: groupIds }, 'SHARED'))
    expect(deleted?.results.map(({ groupId, errorCode: code }) => [groupId, code])).toEqual(
      groupIds.map(groupId => [groupId, errorCode.NONE]),
    )
    expect(await listOf(first, 'SHARED')).toEqual([])
  })

  test('clients see one broker, which leads everything and coordinates every group', async () => {
    const metadata = await clock.until(first.ask('Metadata', 9, first.wholeMetadata, 'SHARED'))
    expect(metadata?.brokers.map(({ nodeId, host }) => [nodeId, host])).toEqual([[SHARED_BROKER_ID, 'all.test']])
    expect(metadata?.topics[0]?.partitions[0]?.leaderId).toBe(SHARED_BROKER_ID)
  })

  test('a coordinator that does not answer is not available, which clients retry', async () => {
    first.cutPeers()
    const codes = new Set(await commitAll(first, 'SHARED'))
    expect(codes).toEqual(new Set([errorCode.NONE, errorCode.COORDINATOR_NOT_AVAILABLE]))
  })
})

describe('by a listener of its own', () => {
  test('a broker takes only the groups that it coordinates, and each group has exactly one such broker', async () => {
    const [one, other] = [await commitAll(first, 'PLAINTEXT'), await commitAll(second, 'PLAINTEXT')]
    for (const index of groupIds.keys()) {
      expect([one[index], other[index]].sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual([
        errorCode.NONE,
        errorCode.NOT_COORDINATOR,
      ])
    }
    expect([...(await listOf(first, 'PLAINTEXT')), ...(await listOf(second, 'PLAINTEXT'))].sort()).toEqual(
      [...groupIds].sort(),
    )
  })
})
