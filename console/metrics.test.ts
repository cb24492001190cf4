import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { LOOK_EVERY_MS, type MetricsView, MetricsWatch } from './metrics.ts'

let server: Server
let port: number
let page: string
let status: number
let clock: VirtualClock
let watch: MetricsWatch

beforeEach(async () => {
  clock = new VirtualClock()
  status = 200
  server = createServer((_, response) => response.writeHead(status).end(page))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = address !== null && typeof address === 'object' ? address.port : 0
})

afterEach(async () => {
  watch.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const pageOf = (bytes: number, dollars = 0) => `# TYPE kafscale_topic_bytes_in_total counter
kafscale_topic_bytes_in_total{topic="a"} ${bytes}
kafscale_topic_bytes_in_total{topic="b"} ${bytes}
kafscale_s3_request_dollars_total{class="put"} ${dollars}
kafscale_s3_requests_total{operation="PutObject",status="200"} 7
kafscale_group_lag_seconds{group="g",topic="a"} 12.5
kafscale_build_info{version="9.9.9",node="24"} 1
`

/** One look after the other, each done before the next. */
async function looks(done: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !done(); i++) {
    await new Promise(resolve => setTimeout(resolve, 5))
    if (done()) return
    await clock.advance(LOOK_EVERY_MS)
  }
}

const start = (): void => {
  watch = new MetricsWatch({ clock, addresses: [{ host: '127.0.0.1', port }] })
}

function view(): MetricsView {
  if (watch.view === undefined) throw new Error('there are no metrics')
  return watch.view
}

test('rates are what counters grew by between two looks', async () => {
  page = pageOf(1000, 1)
  start()
  await looks(() => view().brokers.length === 1)
  expect(view().history).toEqual([])
  const before = clock.now()
  page = pageOf(6000, 2)
  await looks(() => view().history.some(({ bytesIn }) => bytesIn > 0))
  const point = view().history.find(({ bytesIn }) => bytesIn > 0)
  // Two topics; on a slow machine more time may pass between two looks.
  expect(point?.bytesIn).toBeGreaterThan(0)
  expect(point?.bytesIn).toBeLessThanOrEqual((2 * 5000) / (LOOK_EVERY_MS / 1000))
  expect(clock.now()).toBeGreaterThan(before)
  expect(view().spending.requests).toEqual(new Map([['PutObject', 7]]))
  expect(view().lagSeconds).toEqual(new Map([['g\na', 12.5]]))
  expect(view().brokers).toMatchObject([{ version: '9.9.9', problem: undefined }])
})

test('a broker that began anew gives no wrong rate', async () => {
  page = pageOf(1_000_000)
  start()
  await looks(() => view().brokers.length === 1)
  page = pageOf(10)
  await looks(() => view().history.length >= 3)
  expect(view().history.every(({ bytesIn }) => bytesIn === 0)).toBe(true)
})

test('a broker that does not answer is named with why', async () => {
  page = ''
  status = 500
  start()
  await looks(() => view().brokers.length === 1)
  expect(view().brokers[0]?.problem).toContain('HTTP 500')
})

test('without addresses there is nothing to see', () => {
  watch = new MetricsWatch({ clock, addresses: [] })
  expect(watch.view).toBeUndefined()
})
