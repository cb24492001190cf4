import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { World } from '../../testing/plausible-requests.ts'
import { errorCode } from '../wire/errors.ts'
import { newDescribeLogDirsRequest } from '../wire/messages.gen.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(() => world.broker.stop())

async function sizes(topics: { topic: string; partitions: number[] }[] | null) {
  const answer = await world.broker.answerTo('DescribeLogDirs', 5, newDescribeLogDirsRequest({ topics }))
  expect(answer).toMatchObject({
    errorCode: errorCode.NONE,
    results: [{ logDir: 'memory', errorCode: errorCode.NONE }],
  })
  const found = answer.results[0]?.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, partitionSize }): [string, number] => [
      `${name}-${partitionIndex}`,
      partitionSize,
    ]),
  )
  return new Map(found)
}

test('bytes of a partition are those of its records in the store', async () => {
  const found = await sizes(null)
  expect([...found.keys()]).toEqual(['t-0', 't-1'])
  expect(found.get('t-0')).toBe(world.broker.core.replica.state.catalog.byName.get('t')?.partitions[0]?.extents.bytes)
  expect(found.get('t-0')).toBeGreaterThan(60)
  expect(found.get('t-1')).toBe(0)
})

test('only partitions asked for are told of, each once', async () => {
  const wanted = [
    { topic: 't', partitions: [1, 1] },
    { topic: 't', partitions: [1] },
  ]
  expect([...(await sizes(wanted)).keys()]).toEqual(['t-1'])
})

test('what is not there is left out', async () => {
  const wanted = [
    { topic: 'unknown', partitions: [0] },
    { topic: 't', partitions: [2147483647, -1, 2] },
  ]
  expect((await sizes(wanted)).size).toBe(0)
  expect((await sizes([])).size).toBe(0)
})
