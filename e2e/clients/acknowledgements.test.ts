// Producers that change what is acknowledged: acks 0, 1 and all without idempotence, and idempotence where the
// library has it off by default. Whatever the setting, every record is there once and in order.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { Agent, type AgentProgram } from '../../testing/clients/agent.ts'
import { comparable, EVERYTHING, fromStart, inOffsetOrder, sampleRecords } from '../../testing/clients/records.ts'
import { suiteWith } from '../suite.ts'
import { startTarget, type Target } from '../target.ts'
import { javaAgent } from './java-agent.ts'
import { nodeAgent } from './node-agent.ts'
import { pythonAgent } from './python-agent.ts'

jest.setTimeout(60_000)

let target: Target

beforeAll(async () => {
  target = await startTarget()
}, 120_000)

afterAll(async () => {
  await target?.stop()
}, 60_000)

// The libraries' common ground; the stories have the corners.
const LIMITS = { ...EVERYTHING, nullHeaders: false, nothingAtAll: false }
const SETTINGS = [
  { acks: 0, idempotence: false },
  { acks: 1, idempotence: false },
  { acks: -1, idempotence: false },
  { acks: -1, idempotence: true },
] as const

function acknowledgementStories(program: AgentProgram): void {
  let agent: Agent

  beforeAll(() => {
    agent = new Agent(program, target.bootstrap)
  })

  afterAll(async () => {
    await agent.stop()
  })

  test.each(SETTINGS)('acks=$acks, idempotence=$idempotence', async ({ acks, idempotence }) => {
    const topic = `acks-${randomUUID()}`
    await agent.call('createTopic', { topic, partitions: 3, configs: {} })
    await untilEnd(agent, topic, 0)
    const rounds = ['first', 'second', 'third'].map(seed => sampleRecords(30, 3, LIMITS, seed))
    for (const records of rounds) {
      const acknowledged = await agent.call('produce', { topic, codec: 'none', records, acks, idempotence })
      const offsets = acknowledged.map(({ offset }) => offset)
      if (acks === 0) expect(offsets.filter(offset => offset >= 0)).toEqual([])
      else expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0)
      // Nobody says when a record of acks=0 has arrived.
      await untilEnd(agent, topic, 10 * (rounds.indexOf(records) + 1))
    }
    const read = await agent.call('read', { topic, from: fromStart(3), count: 90 })
    expect(comparable(inOffsetOrder(read))).toEqual(comparable(rounds.flat()))
    await untilEnd(agent, topic, 30)
  })
}

/** Waits until all three partitions end at this offset; going beyond it is an error. */
async function untilEnd(agent: Agent, topic: string, end: number): Promise<void> {
  for (let patience = 100; ; patience--) {
    const marks = await agent.call('watermarks', { topic, partitions: [0, 1, 2] }).catch(() => [])
    const ends = marks.map(({ high }) => high)
    if (ends.length === 3 && ends.every(one => one === end)) return
    if (patience === 0 || ends.some(one => one > end)) throw new Error(`partitions end at ${ends}, not at ${end}`)
    await sleep(100)
  }
}

await suiteWith('kafkajs', Promise.resolve(nodeAgent('kafkajs-agent.ts')), acknowledgementStories)
await suiteWith('@platformatic/kafka', Promise.resolve(nodeAgent('platformatic-agent.ts')), acknowledgementStories)
await suiteWith('kafka-clients 4.4.0', javaAgent('4.4.0'), acknowledgementStories)
await suiteWith('confluent-kafka', pythonAgent('confluent_agent.py'), acknowledgementStories)
await suiteWith('aiokafka', pythonAgent('aiokafka_agent.py'), acknowledgementStories)
