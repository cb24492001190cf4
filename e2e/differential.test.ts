// The same questions to a real Apache Kafka and to the broker under test, compared answer by answer. A difference must
// be listed with its reason in differences.ts. Against Apache Kafka itself (KAFSCALE_E2E_TARGET=apache) there must be
// none at all, which shows that the comparison is sound.

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { Admin } from '@platformatic/kafka'
import { KafkaTools, kafkaToolsProgram } from './clients/kafka-tools.ts'
import { probed, probeProgram } from './clients/probe.ts'
import { toolCalls } from './clients/tool-calls.ts'
import { type Answer, type BrokerNames, type Difference, differences, probeAnswer, toolAnswer } from './comparison.ts'
import { judged, KNOWN_DIFFERENCES } from './differences.ts'
import { suiteWith } from './suite.ts'
import { startTarget, type Target, targetName } from './target.ts'

jest.setTimeout(240_000)

/** What testing/apache-kafka.ts sets, so that no difference of settings hides one of behaviour. */
const LIKE_THE_REFERENCE = { KAFSCALE_BROKER_ID: '1', KAFSCALE_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' }

await suiteWith('the same answers as Apache Kafka', Promise.all([probeProgram(), kafkaToolsProgram()]), programs => {
  const [probe, toolsProgram] = programs
  let targets: Target[] = []
  const found: Difference[] = []

  beforeAll(async () => {
    targets = await Promise.all([startTarget('apache'), startTarget(targetName, LIKE_THE_REFERENCE)])
  }, 180_000)

  afterAll(async () => {
    await Promise.all(targets.map(target => target.stop()))
  }, 60_000)

  test('to the Java client', async () => {
    const ask = async ({ bootstrap }: Target): Promise<Answer[]> => {
      const broker = await namesOf(bootstrap)
      return (await probed(probe, bootstrap)).map(step => probeAnswer(step, broker))
    }
    await expectSame(ask)
  })

  test('to the command line tools', async () => {
    const ask = async ({ bootstrap }: Target): Promise<Answer[]> => {
      const broker = await namesOf(bootstrap)
      const tools = new KafkaTools(toolsProgram, bootstrap)
      try {
        return (await toolCalls(tools)).map(({ step, outcome }) => toolAnswer(step, outcome, broker))
      } finally {
        await tools.stop()
      }
    }
    await expectSame(ask)
  })

  const expectSame = async (ask: (target: Target) => Promise<Answer[]>) => {
    const [reference = [], other = []] = await Promise.all(targets.map(ask))
    expect(reference.length).toBeGreaterThan(50)
    const here = differences(reference, other)
    found.push(...here)
    const known = targetName === 'apache' ? [] : KNOWN_DIFFERENCES
    expect(judged(here, known).unexplained.map(shown)).toEqual([])
  }

  const againstOurs = targetName === 'apache' ? test.skip : test
  againstOurs('and every listed difference is still there', () => {
    const unused = judged(found, KNOWN_DIFFERENCES).unused
    expect(unused.map(({ step, path, reason }) => `${step} ${path}: ${reason}`)).toEqual([])
  })
})

async function namesOf(bootstrap: string): Promise<BrokerNames> {
  const admin = new Admin({ clientId: 'differential', bootstrapBrokers: [bootstrap] })
  const { brokers } = await admin.metadata({ topics: [] })
  await admin.close()
  return { bootstrap, id: [...brokers.keys()][0] ?? -1 }
}

function shown({ step, kind, path, reference, other }: Difference): string {
  return `${step} | ${kind} | ${path} | Apache Kafka: ${reference ?? 'nothing'} | here: ${other ?? 'nothing'}`
}
