// What one look at a broker's metrics shows, and what two looks together say of its load. Counters tell of a process since
// its start: nothing follows from two looks between which it started anew, or from a counter that went back.

import type { BrokerLoad } from '../scaling/observation.ts'
import { type Series, seriesOf } from './exposition.ts'

/** Seconds and bytes since the start of the process. What the page does not have is undefined. */
export interface BrokerSample {
  /** Monotonic time of the look, ms. */
  readonly at: number
  /** Seconds since 1970: it names the process. */
  readonly started: number | undefined
  readonly version: string | undefined
  readonly cpu: number | undefined
  readonly loopActive: number | undefined
  readonly loopIdle: number | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly connections: number
  /** Seconds for which the thread let what was ready wait, 99th percentile since the last look. */
  readonly queue: number | undefined
  /** Requests to the S3 service, and those that it answered with "slow down". */
  readonly storeRequests: number
  readonly storeRefused: number
  /** Seconds of all requests to the object store together, and their number. */
  readonly storeSeconds: number
  readonly storeCount: number
}

const WANTED = new Set([
  'kafscale_build_info',
  'kafscale_connections',
  'kafscale_event_loop_active_seconds_total',
  'kafscale_event_loop_idle_seconds_total',
  'kafscale_object_store_duration_seconds_count',
  'kafscale_object_store_duration_seconds_sum',
  'kafscale_s3_requests_total',
  'kafscale_topic_bytes_in_total',
  'kafscale_topic_bytes_out_total',
  'nodejs_eventloop_lag_p99_seconds',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
])

/** The timer by which Node measures that wait ticks at this pace, and counts it in. */
const TICK_SECONDS = 0.01
const SLOW_DOWN = new Set(['429', '503'])

/** Undefined when the page is not that of a broker. */
export function brokerSample(page: string, at: number): BrokerSample | undefined {
  const found = seriesOf(page, WANTED)
  const all = (name: string): readonly Series[] => found.get(name) ?? []
  const one = (name: string): number | undefined => all(name)[0]?.value
  const total = (name: string, counts: (series: Series) => boolean = () => true): number =>
    all(name)
      .filter(counts)
      .reduce((sum, { value }) => sum + value, 0)
  const [build] = all('kafscale_build_info')
  if (build === undefined) return undefined
  const queue = one('nodejs_eventloop_lag_p99_seconds')
  return {
    at,
    started: one('process_start_time_seconds'),
    version: build.labels.version,
    cpu: one('process_cpu_seconds_total'),
    loopActive: one('kafscale_event_loop_active_seconds_total'),
    loopIdle: one('kafscale_event_loop_idle_seconds_total'),
    bytesIn: total('kafscale_topic_bytes_in_total'),
    bytesOut: total('kafscale_topic_bytes_out_total'),
    connections: total('kafscale_connections'),
    queue: queue === undefined ? undefined : Math.max(0, queue - TICK_SECONDS),
    storeRequests: total('kafscale_s3_requests_total'),
    storeRefused: total('kafscale_s3_requests_total', ({ labels }) => SLOW_DOWN.has(labels.status ?? '')),
    storeSeconds: total('kafscale_object_store_duration_seconds_sum'),
    storeCount: total('kafscale_object_store_duration_seconds_count'),
  }
}

export type Load = Omit<BrokerLoad, 'name' | 'ready'>

/** `cores` is what the broker is promised of the CPU. Undefined when the two are not of one process. */
export function loadBetween(before: BrokerSample, after: BrokerSample, cores: number): Load | undefined {
  const seconds = (after.at - before.at) / 1000
  if (seconds <= 0 || before.started !== after.started) return undefined
  const grown = (read: (sample: BrokerSample) => number | undefined): number | undefined => {
    const [from, to] = [read(before), read(after)]
    return from === undefined || to === undefined || to < from ? undefined : to - from
  }
  const per = (amount: number | undefined, of: number): number | undefined =>
    amount === undefined || of <= 0 ? undefined : amount / of
  const active = grown(sample => sample.loopActive)
  const idle = grown(sample => sample.loopIdle)
  return {
    eventLoop: active === undefined || idle === undefined ? undefined : per(active, active + idle),
    cpu: per(
      grown(sample => sample.cpu),
      seconds * cores,
    ),
    ingressBytesPerSecond: per(
      grown(sample => sample.bytesIn),
      seconds,
    ),
    egressBytesPerSecond: per(
      grown(sample => sample.bytesOut),
      seconds,
    ),
    connections: after.connections,
    fetchQueueSeconds: after.queue,
  }
}

export interface StoreView {
  readonly requests: number
  readonly refused: number
  /** Seconds that a request took, on average; undefined when there was none. */
  readonly meanSeconds: number | undefined
}

/** What the object store was like between two looks. */
export function storeBetween(before: BrokerSample, after: BrokerSample): StoreView | undefined {
  const requests = after.storeRequests - before.storeRequests
  const count = after.storeCount - before.storeCount
  if (before.started !== after.started || requests < 0 || count < 0) return undefined
  const meanSeconds = count === 0 ? undefined : (after.storeSeconds - before.storeSeconds) / count
  return { requests, refused: after.storeRefused - before.storeRefused, meanSeconds }
}
