import { expect, test } from '@jest/globals'
import { errorCode } from '../wire/errors.ts'
import { consumer, startCluster } from './testing.ts'

test('smoke', async () => {
  const cluster = await startCluster()
  const { groups, clock } = await cluster.broker()
  const a = consumer(groups, 'a')
  const joined = await clock.until(a.join())
  expect(joined).toMatchObject({ errorCode: errorCode.NONE, generation: 1 })
  const synced = await clock.until(a.sync([{ memberId: joined.memberId, assignment: Buffer.from('x') }]))
  expect(synced).toMatchObject({ errorCode: 0, assignment: Buffer.from('x') })
  expect(groups.list()).toEqual([{ groupId: 'g', protocolType: 'consumer', state: 'Stable' }])
})
