import { expect, test } from '@jest/globals'
import { consumer, createTopic, startCluster } from '../../testing/group-cluster.ts'
import { groupLag } from './lag.ts'

test('the lag of a group is what its partitions hold behind its commits', async () => {
  const { groups, replica, clock } = await (await startCluster()).broker()
  const { state } = replica
  expect([...groupLag(state, clock.now())]).toEqual([])
  await clock.until(createTopic(replica, 'u', 2))
  const ends = { t: [100, 50, 20, 7], u: [9, 9] }
  for (const [name, offsets] of Object.entries(ends)) {
    for (const [partition, nextOffset] of offsets.entries()) {
      const log = state.catalog.byName.get(name)?.partitions[partition]
      if (log !== undefined) log.nextOffset = nextOffset
    }
  }
  const tool = consumer(groups, 'tool')
  // One is up to date, one beyond the end (records were lost or it was set by hand), one was never committed.
  for (const [partition, offset] of [40, 50, 30].entries()) await clock.until(tool.commit(offset, partition))
  expect([...groupLag(state, clock.now())]).toEqual([{ group: 'g', topic: 't', sum: 60, max: 60, ageMs: 0 }])
  await clock.until(tool.commit(20, 1))
  expect([...groupLag(state, clock.now())]).toEqual([{ group: 'g', topic: 't', sum: 90, max: 60, ageMs: 0 }])
})
