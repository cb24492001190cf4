import { describe, expect, test } from '@jest/globals'
import { Metrics } from '../../broker/observe/metrics.ts'
import { brokerSample, loadBetween, storeBetween } from './broker-sample.ts'

interface Page {
  readonly started?: number
  readonly cpu?: number
  readonly active?: number
  readonly idle?: number
  readonly bytesIn?: number
  readonly refused?: number
}

const page = ({ started = 1, cpu = 0, active = 0, idle = 0, bytesIn = 0, refused = 0 }: Page): string => `
kafscale_build_info{version="0.1.0",node="v24"} 1
process_start_time_seconds ${started}
process_cpu_seconds_total ${cpu}
kafscale_event_loop_active_seconds_total ${active}
kafscale_event_loop_idle_seconds_total ${idle}
kafscale_topic_bytes_in_total{topic="a"} ${bytesIn}
kafscale_topic_bytes_in_total{topic="b"} ${bytesIn}
kafscale_connections{listener="PLAINTEXT"} 4
kafscale_connections{listener="SHARED"} 3
nodejs_eventloop_lag_p99_seconds 0.25
kafscale_s3_requests_total{operation="PutObject",status="200"} 100
kafscale_s3_requests_total{operation="PutObject",status="503"} ${refused}
kafscale_object_store_duration_seconds_sum{verb="put"} ${active}
kafscale_object_store_duration_seconds_count{verb="put"} 10
`
const sample = (facts: Page, at: number) => {
  const found = brokerSample(page(facts), at)
  if (found === undefined) throw new Error('no sample')
  return found
}

test('the page of a real broker is understood', async () => {
  const metrics = new Metrics('1.2.3')
  metrics.readFrom({ connections: () => [{ listener: 'A', count: 2 }] })
  metrics.produced('t', 1000, 1)
  const found = brokerSample(await metrics.scrape(), 0)
  expect(found).toMatchObject({ version: '1.2.3', bytesIn: 1000, bytesOut: 0, connections: 2 })
  for (const one of [found?.cpu, found?.loopActive, found?.loopIdle, found?.started]) expect(one).toBeGreaterThan(0)
})

test('a page of something else is none', () => {
  expect(brokerSample('up 1\n', 0)).toBeUndefined()
  expect(brokerSample('<html></html>', 0)).toBeUndefined()
})

describe('two looks', () => {
  test('give shares and rates', () => {
    const load = loadBetween(sample({}, 0), sample({ cpu: 3, active: 6, idle: 4, bytesIn: 50_000 }, 10_000), 0.5)
    expect(load).toEqual({
      eventLoop: 0.6,
      cpu: 0.6,
      ingressBytesPerSecond: 10_000,
      egressBytesPerSecond: 0,
      connections: 7,
      fetchQueueSeconds: 0.24,
    })
  })

  test('say nothing when the process started anew, or at the same moment', () => {
    expect(loadBetween(sample({ cpu: 1 }, 0), sample({ cpu: 9, started: 2 }, 10_000), 1)).toBeUndefined()
    expect(loadBetween(sample({}, 5), sample({}, 5), 1)).toBeUndefined()
  })

  test('say nothing of a counter that went back, as when a topic is deleted', () => {
    const load = loadBetween(sample({ bytesIn: 10 }, 0), sample({ bytesIn: 5, active: 1, idle: 1 }, 1000), 1)
    expect(load).toMatchObject({ ingressBytesPerSecond: undefined, eventLoop: 0.5 })
  })

  test('tell how the object store was', () => {
    expect(storeBetween(sample({}, 0), sample({ refused: 5 }, 1000))).toEqual({
      requests: 5,
      refused: 5,
      meanSeconds: undefined,
    })
  })
})
