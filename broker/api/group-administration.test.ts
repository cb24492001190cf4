import { describe, expect, test } from '@jest/globals'
import { callHandler } from '../../testing/call-handler.ts'
import { consumer, startCluster, subscription } from '../../testing/group-cluster.ts'
import { errorCode } from '../wire/errors.ts'
import { newDeleteGroupsRequest, newDescribeGroupsRequest, newListGroupsRequest } from '../wire/messages.gen.ts'
import { GROUP_OPERATIONS, OPERATIONS_OMITTED } from './authorized-operations.ts'
import { deleteGroups } from './delete-groups.ts'
import { describeGroups } from './describe-groups.ts'
import { listGroups } from './list-groups.ts'

const { NONE } = errorCode
const versions = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

/** Group `g` is stable with one static member, `rebalancing` collects joins, `simple` has only an offset. */
async function startGroups() {
  const broker = await (await startCluster()).broker()
  const { clock, groups } = broker
  const a = consumer(groups, 'a', { groupInstanceId: 'one' })
  await clock.until(a.join())
  await clock.until(a.sync([{ memberId: a.memberId, assignment: Buffer.from('all of it') }]))
  void groups.join('rebalancing', { ...a.joinAs, memberId: '', groupInstanceId: null })
  const topics = [{ name: 't', partitions: [{ partition: 0, offset: 1, leaderEpoch: -1, metadata: '' }] }]
  const outside = { generation: -1, memberId: '', groupInstanceId: null }
  await clock.until(groups.commit({ groupId: 'simple', ...outside, topics }))
  return { ...broker, a }
}

describe('DescribeGroups', () => {
  test.each(versions(0, 6))('version %i shows groups in their states', async version => {
    const broker = await startGroups()
    const request = newDescribeGroupsRequest({ groups: ['g', 'rebalancing', 'simple', 'nobody'] })
    const answer = await callHandler('DescribeGroups', describeGroups(broker), version, request)
    const [stable, rebalancing, simple, nobody] = answer?.groups ?? []
    expect(stable).toMatchObject({ errorCode: NONE, groupId: 'g', groupState: 'Stable' })
    expect(stable).toMatchObject({ protocolType: 'consumer', protocolData: 'range' })
    expect(stable?.members).toEqual([
      {
        memberId: broker.a.memberId,
        groupInstanceId: version >= 4 ? 'one' : null,
        clientId: 'a',
        clientHost: '/127.0.0.1',
        memberMetadata: subscription('t'),
        memberAssignment: Buffer.from('all of it'),
      },
    ])
    expect(rebalancing).toMatchObject({ groupState: 'PreparingRebalance', protocolType: 'consumer', protocolData: '' })
    expect(rebalancing?.members).toMatchObject([{ memberMetadata: Buffer.alloc(0), memberAssignment: Buffer.alloc(0) }])
    expect(simple).toMatchObject({ errorCode: NONE, groupState: 'Empty', protocolType: '', members: [] })
    const notFound = version >= 6 ? errorCode.GROUP_ID_NOT_FOUND : NONE
    expect(nobody).toMatchObject({ errorCode: notFound, groupState: 'Dead', members: [] })
    expect(nobody?.errorMessage).toBe(version >= 6 ? 'Group nobody not found.' : null)
  })

  test('tells what may be done with a group when asked', async () => {
    const broker = await startGroups()
    for (const includeAuthorizedOperations of [true, false]) {
      const request = newDescribeGroupsRequest({ groups: ['g', 'simple', 'nobody'], includeAuthorizedOperations })
      const answer = await callHandler('DescribeGroups', describeGroups(broker), 6, request)
      const allowed = includeAuthorizedOperations ? GROUP_OPERATIONS : OPERATIONS_OMITTED
      expect(answer?.groups.map(group => group.authorizedOperations)).toEqual([allowed, allowed, OPERATIONS_OMITTED])
    }
  })

  test('does not call a group empty whose members are with another coordinator now', async () => {
    const broker = await startGroups()
    broker.groups.stop()
    const request = newDescribeGroupsRequest({ groups: ['g'] })
    const answer = await callHandler('DescribeGroups', describeGroups(broker), 6, request)
    expect(answer?.groups).toMatchObject([{ errorCode: errorCode.NOT_COORDINATOR, groupState: '' }])
  })
})

describe('ListGroups', () => {
  const list = async (version: number, filters: { statesFilter?: string[]; typesFilter?: string[] } = {}) => {
    const request = newListGroupsRequest(filters)
    return (await callHandler('ListGroups', listGroups(await startGroups()), version, request))?.groups ?? []
  }
  const named = (groups: Awaited<ReturnType<typeof list>>) => groups.map(({ groupId }) => groupId).sort()

  test.each(versions(0, 5))('version %i lists every group', async version => {
    const groups = await list(version)
    expect(named(groups)).toEqual(['g', 'rebalancing', 'simple'])
    expect(groups.find(({ groupId }) => groupId === 'g')).toMatchObject({
      protocolType: 'consumer',
      groupState: version >= 4 ? 'Stable' : '',
      groupType: version >= 5 ? 'classic' : '',
    })
  })

  test('filters by state and type, whatever their case', async () => {
    expect(named(await list(4, { statesFilter: ['stable', 'EMPTY'] }))).toEqual(['g', 'simple'])
    expect(named(await list(4, { statesFilter: ['Unheard'] }))).toEqual([])
    expect(named(await list(5, { typesFilter: ['Classic'] }))).toEqual(['g', 'rebalancing', 'simple'])
    expect(named(await list(5, { typesFilter: ['consumer'] }))).toEqual([])
    expect(named(await list(5, { statesFilter: ['Stable'], typesFilter: ['share', 'classic'] }))).toEqual(['g'])
  })
})

test.each(versions(0, 2))('DeleteGroups version %i deletes what has no members', async version => {
  const broker = await startGroups()
  const request = newDeleteGroupsRequest({ groupsNames: ['g', 'rebalancing', 'simple', 'nobody'] })
  const answer = await broker.clock.until(callHandler('DeleteGroups', deleteGroups(broker), version, request))
  const { NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND } = errorCode
  expect(answer?.results.map(({ errorCode: code }) => code)).toEqual([
    NON_EMPTY_GROUP,
    NON_EMPTY_GROUP,
    NONE,
    GROUP_ID_NOT_FOUND,
  ])
  expect(broker.groups.list().map(({ groupId }) => groupId)).toEqual(['g', 'rebalancing'])
})
