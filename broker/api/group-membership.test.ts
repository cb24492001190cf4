import { describe, expect, test } from '@jest/globals'
import { callHandler } from '../../testing/call-handler.ts'
import { startCluster, subscription } from '../../testing/group-cluster.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type JoinGroupRequest,
  newHeartbeatRequest,
  newJoinGroupRequest,
  newLeaveGroupRequest,
  newLeaveGroupRequestMember,
  newSyncGroupRequest,
} from '../wire/messages.gen.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup } from './join-group.ts'
import { leaveGroup } from './leave-group.ts'
import { syncGroup } from './sync-group.ts'

const { NONE, MEMBER_ID_REQUIRED } = errorCode
const versions = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

const aJoin = (from: Partial<JoinGroupRequest> = {}) =>
  newJoinGroupRequest({
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 20_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('t') }],
    ...from,
  })

async function startGroup() {
  const broker = await (await startCluster()).broker({ settings: { initialRebalanceDelayMs: 0 } })
  const { clock } = broker
  const join = (version: number, from: Partial<JoinGroupRequest> = {}) =>
    clock.until(callHandler('JoinGroup', joinGroup(broker), version, aJoin(from)))
  const sync = (version: number, memberId: string, from: object = {}) => {
    const assignments = [{ memberId, assignment: Buffer.from('mine') }]
    const request = newSyncGroupRequest({ groupId: 'g', generationId: 1, memberId, assignments, ...from })
    return clock.until(callHandler('SyncGroup', syncGroup(broker), version, request))
  }
  return { ...broker, join, sync }
}

describe('JoinGroup', () => {
  test.each(versions(0, 9))('version %i leads to a membership', async version => {
    const { join, groups } = await startGroup()
    let answer = await join(version)
    if (version >= 4) {
      expect(answer).toMatchObject({ errorCode: MEMBER_ID_REQUIRED, protocolName: version >= 7 ? null : '' })
      answer = await join(version, { memberId: answer?.memberId ?? '' })
    }
    const { memberId = '' } = answer ?? {}
    expect(memberId).toMatch(/^test-/)
    expect(answer).toMatchObject({ errorCode: NONE, generationId: 1, leader: memberId, protocolName: 'range' })
    expect(answer?.protocolType).toBe(version >= 7 ? 'consumer' : null)
    expect(answer?.members).toEqual([{ memberId, groupInstanceId: null, metadata: subscription('t') }])
    const [member] = groups.live('g')?.members ?? []
    expect(member).toMatchObject({
      clientId: 'test',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: version === 0 ? 10_000 : 20_000,
    })
  })

  test('an error is told in every version', async () => {
    const { join } = await startGroup()
    for (const version of versions(0, 9)) {
      const answer = await join(version, { sessionTimeoutMs: 1 })
      expect(answer).toMatchObject({ errorCode: errorCode.INVALID_SESSION_TIMEOUT, generationId: -1, leader: '' })
    }
  })

  test('a leader that comes back is told to skip the assignment in version 9 only', async () => {
    for (const version of [8, 9]) {
      const { join, sync } = await startGroup()
      const groupInstanceId = 'one'
      const first = await join(version, { groupInstanceId })
      expect(await sync(3, first?.memberId ?? '', { groupInstanceId })).toMatchObject({ errorCode: NONE })
      const again = await join(version, { groupInstanceId })
      expect(again?.skipAssignment).toBe(version === 9)
      expect(again?.leader).toBe(version === 9 ? again?.memberId : first?.memberId)
      expect(again?.members).toHaveLength(version === 9 ? 1 : 0)
    }
  })
})

describe('SyncGroup', () => {
  test.each(versions(0, 5))('version %i answers the assignment', async version => {
    const { join, sync } = await startGroup()
    const joined = await join(0)
    const names = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
    const synced = await sync(version, joined?.memberId ?? '', names)
    expect(synced).toMatchObject({ errorCode: NONE, assignment: Buffer.from('mine') })
    expect(synced?.protocolName).toBe(version >= 5 ? 'range' : null)
  })

  test('must name its protocol from version 5', async () => {
    const { join, sync } = await startGroup()
    const { memberId = '' } = (await join(0)) ?? {}
    const refused = { errorCode: errorCode.INCONSISTENT_GROUP_PROTOCOL }
    expect(await sync(5, memberId)).toMatchObject(refused)
    expect(await sync(5, memberId, { protocolType: 'consumer' })).toMatchObject(refused)
    expect(await sync(5, memberId, { protocolType: 'consumer', protocolName: 'other' })).toMatchObject(refused)
    expect(await sync(4, memberId)).toMatchObject({ errorCode: NONE })
  })
})

test.each(versions(0, 4))('Heartbeat version %i is answered', async version => {
  const broker = await startGroup()
  const { memberId = '' } = (await broker.join(0)) ?? {}
  const beat = (generationId: number) =>
    callHandler('Heartbeat', heartbeat(broker), version, newHeartbeatRequest({ groupId: 'g', generationId, memberId }))
  expect(await beat(1)).toMatchObject({ errorCode: NONE })
  expect(await beat(2)).toMatchObject({ errorCode: errorCode.ILLEGAL_GENERATION })
})

describe('LeaveGroup', () => {
  test.each(versions(0, 5))('version %i lets a member go', async version => {
    const broker = await startGroup()
    const { clock } = broker
    const { memberId = '' } = (await broker.join(0)) ?? {}
    const leave = (id: string) => {
      const members = [newLeaveGroupRequestMember({ memberId: id })]
      const whom = version < 3 ? { memberId: id } : { members }
      const request = newLeaveGroupRequest({ groupId: 'g', ...whom })
      return clock.until(callHandler('LeaveGroup', leaveGroup(broker), version, request))
    }
    const refused = await leave('stranger')
    const code = version < 3 ? refused?.errorCode : refused?.members[0]?.errorCode
    expect(code).toBe(errorCode.UNKNOWN_MEMBER_ID)
    const left = await leave(memberId)
    expect(left?.errorCode).toBe(NONE)
    expect(left?.members).toEqual(version < 3 ? [] : [{ memberId, groupInstanceId: null, errorCode: NONE }])
    expect(broker.groups.list()).toMatchObject([{ state: 'Empty' }])
  })

  test('without a group id is an error of the request', async () => {
    const broker = await startGroup()
    const request = newLeaveGroupRequest({ groupId: '', members: [newLeaveGroupRequestMember({ memberId: 'x' })] })
    const answer = await callHandler('LeaveGroup', leaveGroup(broker), 4, request)
    expect(answer).toMatchObject({ errorCode: errorCode.INVALID_GROUP_ID, members: [] })
  })
})
