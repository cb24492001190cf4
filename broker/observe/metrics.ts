// The broker's Prometheus metrics: every name, label and meaning is here, and docs/metrics.md is generated from it.
// The number of time series is bounded: labels are API names, error names and the like, and topic and group labels
// stop at a limit. What the broker knows anyhow (lag, connections, caches) is asked for when Prometheus scrapes.

import { performance } from 'node:perf_hooks'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Label value for topics and groups beyond the limit. No topic can have this name. */
export const otherLabel = '(other)'

/** What is read at scrape time; a part that is not there yet is left out. */
export interface MetricSources {
  /** Records that each group has not committed yet, per topic: all partitions together, and the worst one. */
  groupLag(): Iterable<{
    readonly group: string
    readonly topic: string
    readonly sum: number
    readonly max: number
    /** Of the oldest record that is not committed. */
    readonly ageMs: number
  }>
  groupMembers(): Iterable<{ readonly group: string; readonly members: number }>
  connections(): Iterable<{ readonly listener: string; readonly count: number }>
  /** What each listener with TLS shows counts between these; milliseconds since 1970. */
  certificates(): Iterable<{ readonly listener: string; readonly startsAt: number; readonly endsAt: number }>
  /** Bytes of produce requests that have not been answered, and how many connections wait for the budget. */
  produceBudget(): { readonly used: number; readonly waiting: number }
  /** Bytes of fetch answers in progress. */
  fetchBudget(): number
  cache(): { readonly bytes: number; readonly hits: number; readonly misses: number }
  state(): {
    readonly topics: number
    readonly partitions: number
    readonly groups: number
    readonly position: number
    readonly brokers: number
    readonly objects: number
    readonly deadObjects: number
    readonly liveBytes: number
  }
  /** Others may have taken this broker's place without its knowledge. */
  isCutOff(): boolean
}

export interface MetricLimits {
  readonly topics: number
  /** Pairs of group and topic. */
  readonly groupTopics: number
}

/** What S3 asks for by the thousand: writing and listing, and reading. Deleting is free. */
export interface Prices {
  readonly put: number
  readonly get: number
}

const COST_CLASSES: Readonly<Record<string, keyof Prices>> = { put: 'put', list: 'put', get: 'get', head: 'get' }

export type StoreVerb = 'put' | 'get' | 'size' | 'list' | 'delete'

const requestSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const storageSeconds = [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export class Metrics {
  readonly registry = new Registry()
  readonly #limits: MetricLimits
  readonly #topics = new Set<string>()
  #prices: Prices = { put: 0, get: 0 }
  #sources: Partial<MetricSources> = {}

  readonly #requests = this.#counter('kafscale_requests_total', 'Kafka requests answered', ['api'])
  readonly #requestErrors = this.#counter('kafscale_request_errors_total', 'Error codes in answers to Kafka requests', [
    'api',
    'error',
  ])
  readonly #requestSeconds = this.#histogram(
    'kafscale_request_duration_seconds',
    'Time from the start of a request to its answer, long polls included',
    ['api'],
    requestSeconds,
  )
  readonly #topicBytesIn = this.#counter('kafscale_topic_bytes_in_total', 'Bytes of record batches produced', ['topic'])
  readonly #topicBytesOut = this.#counter('kafscale_topic_bytes_out_total', 'Bytes of record batches fetched', [
    'topic',
  ])
  readonly #topicRecordsIn = this.#counter('kafscale_topic_records_in_total', 'Records produced', ['topic'])
  readonly #topicRecordsOut = this.#counter(
    'kafscale_topic_records_out_total',
    'Records fetched, all those of the batches that were sent',
    ['topic'],
  )
  readonly #ledgerEntries = this.#counter('kafscale_ledger_entries_total', 'Ledger entries appended by this broker', [])
  readonly #ledgerBytes = this.#counter(
    'kafscale_ledger_bytes_total',
    'Bytes of ledger entries appended by this broker',
    [],
  )
  readonly #ledgerErrors = this.#counter('kafscale_ledger_append_errors_total', 'Ledger appends that failed', [])
  readonly #ledgerSeconds = this.#histogram(
    'kafscale_ledger_append_duration_seconds',
    'Time until an entry is durable in the ledger',
    [],
    storageSeconds,
  )
  readonly #storeRequests = this.#counter('kafscale_object_store_requests_total', 'Object store requests', ['verb'])
  readonly #storeErrors = this.#counter('kafscale_object_store_errors_total', 'Object store requests that failed', [
    'verb',
    'error',
  ])
  readonly #storeSeconds = this.#histogram(
    'kafscale_object_store_duration_seconds',
    'Time of an object store request; a put ends when the object is durable',
    ['verb'],
    storageSeconds,
  )
  readonly #storeHttp = this.#counter(
    'kafscale_s3_requests_total',
    'HTTP requests to the S3 service, repeated and hedged ones included: what is paid for',
    ['operation', 'status'],
  )
  readonly #storeBytes = this.#counter(
    'kafscale_object_store_bytes_total',
    'Bytes put into and got from the object store',
    ['verb'],
  )
  readonly #groupLag = this.#gauge(
    'kafscale_group_lag',
    'Records not yet committed by the group, all partitions of the topic',
    ['group', 'topic'],
  )
  readonly #groupLagMax = this.#gauge(
    'kafscale_group_lag_max',
    'Records not yet committed by the group in the partition of the topic that is furthest behind',
    ['group', 'topic'],
  )
  readonly #groupLagSeconds = this.#gauge(
    'kafscale_group_lag_seconds',
    'Age of the oldest record that the group has not committed in the topic, by its timestamp, within one object',
    ['group', 'topic'],
  )
  readonly #groupMembers = this.#gauge('kafscale_group_members', 'Members of the group; 0 when nobody reads', ['group'])
  readonly #lagMax = this.#gauge(
    'kafscale_consumer_lag_max',
    'The largest lag of any group in any partition, in records',
    [],
  )
  readonly #connections = this.#gauge('kafscale_connections', 'Open client connections', ['listener'])
  readonly #certificateExpiry = this.#gauge(
    'kafscale_certificate_expiry_timestamp_seconds',
    'When the certificate that a listener shows ends, or the first of those that it sends with it; seconds since 1970',
    ['listener'],
  )
  readonly #certificateStart = this.#gauge(
    'kafscale_certificate_start_timestamp_seconds',
    'Since when that certificate counts; seconds since 1970',
    ['listener'],
  )
  readonly #budgetUsed = this.#gauge('kafscale_produce_bytes_in_flight', 'Bytes of produce requests in progress', [])
  readonly #budgetWaiting = this.#gauge(
    'kafscale_produce_connections_waiting',
    'Connections held back because too many produce bytes are in flight',
    [],
  )
  readonly #cacheBytes = this.#gauge('kafscale_cache_bytes', 'Bytes in the block cache', [])
  readonly #cacheHits = this.#counter('kafscale_cache_hits_total', 'Blocks read from the cache', [])
  readonly #cacheMisses = this.#counter('kafscale_cache_misses_total', 'Blocks read from the object store', [])
  readonly #stateTopics = this.#gauge('kafscale_topics', 'Topics in the cluster', [])
  readonly #statePartitions = this.#gauge('kafscale_partitions', 'Partitions in the cluster', [])
  readonly #stateGroups = this.#gauge('kafscale_groups', 'Consumer groups in the cluster', [])
  readonly #statePosition = this.#gauge('kafscale_ledger_position', 'Ledger position that this broker has applied', [])
  readonly #loopActive = this.#counter(
    'kafscale_event_loop_active_seconds_total',
    'Time that the thread of the broker was at work',
    [],
  )
  readonly #loopIdle = this.#counter(
    'kafscale_event_loop_idle_seconds_total',
    'Time that the thread of the broker waited for something to do',
    [],
  )
  readonly #fetchBytes = this.#gauge('kafscale_fetch_bytes_in_flight', 'Bytes of fetch answers in progress', [])
  readonly #brokers = this.#gauge('kafscale_brokers', 'Brokers that this one knows of, itself included', [])
  readonly #objects = this.#gauge('kafscale_objects', 'Objects in the store that hold records', [])
  readonly #deadObjects = this.#gauge('kafscale_objects_dead', 'Objects in the store that wait to be deleted', [])
  readonly #liveBytes = this.#gauge('kafscale_stored_bytes', 'Bytes of records in the store', [])
  readonly #cutOff = this.#gauge('kafscale_cut_off', '1 while the broker is cut off from the ledger', [])
  readonly #upkeepSeconds = this.#histogram(
    'kafscale_upkeep_duration_seconds',
    'Time of one turn of an upkeep job',
    ['task'],
    storageSeconds,
  )
  readonly #upkeepErrors = this.#counter('kafscale_upkeep_errors_total', 'Turns of upkeep jobs that failed', ['task'])
  readonly #audits = this.#counter(
    'kafscale_state_audits_total',
    'Comparisons of the state with that of the other brokers, by their verdict: agree or differ',
    ['verdict'],
  )
  readonly #authenticationFailures = this.#counter(
    'kafscale_authentication_failures_total',
    'Connections that failed to authenticate',
    ['listener'],
  )
  readonly #denials = this.#counter(
    'kafscale_authorization_denials_total',
    'Denials by ACLs, repetitions of the same client not counted',
    ['operation', 'resource_type'],
  )
  readonly #throttled = this.#counter(
    'kafscale_throttled_seconds_total',
    'Time for which clients were told to be quiet, by the kind of quota',
    ['kind'],
  )
  readonly #cost = this.#counter(
    'kafscale_s3_request_dollars_total',
    'What the requests to the S3 service cost, by the prices of the settings',
    ['class'],
  )
  readonly #build = this.#gauge('kafscale_build_info', 'Always 1; version of the broker and of Node.js', [
    'version',
    'node',
  ])

  constructor(version: string, limits: MetricLimits = { topics: 1000, groupTopics: 2000 }) {
    this.#limits = limits
    this.#build.set({ version, node: process.version }, 1)
    collectDefaultMetrics({ register: this.registry })
  }

  /** Adds to where scrape-time values come from; the latest one for each key counts. */
  readFrom(sources: Partial<MetricSources>): void {
    this.#sources = { ...this.#sources, ...sources }
  }

  requestAnswered(api: string, seconds: number): void {
    this.#requests.inc({ api })
    this.#requestSeconds.observe({ api }, seconds)
  }

  /** `error` is the name of a Kafka error, for example `NOT_COORDINATOR`. */
  requestFailed(api: string, error: string): void {
    this.#requestErrors.inc({ api, error })
  }

  produced(topic: string, bytes: number, records: number): void {
    const labels = { topic: this.#topicLabel(topic) }
    this.#topicBytesIn.inc(labels, bytes)
    this.#topicRecordsIn.inc(labels, records)
  }

  fetched(topic: string, bytes: number, records: number): void {
    const labels = { topic: this.#topicLabel(topic) }
    this.#topicBytesOut.inc(labels, bytes)
    this.#topicRecordsOut.inc(labels, records)
  }

  /** The topic is deleted: its series end, and another topic may have a label of its own. */
  forgetTopic(topic: string): void {
    if (!this.#topics.delete(topic)) return
    const ofTopics = [this.#topicBytesIn, this.#topicBytesOut, this.#topicRecordsIn, this.#topicRecordsOut]
    for (const metric of ofTopics) metric.remove({ topic })
  }

  /** `status` is 0 when no whole answer came. */
  storeAsked({ operation, status }: { readonly operation: string; readonly status: number }): void {
    this.#storeHttp.inc({ operation, status: String(status) })
    const kind = COST_CLASSES[operation]
    if (kind !== undefined) this.#cost.inc({ class: kind }, this.#prices[kind] / 1000)
  }

  /** US dollars for a thousand requests of each class. */
  setPrices(prices: Prices): void {
    this.#prices = prices
  }

  upkeepDone(task: string, seconds: number, failed: boolean): void {
    this.#upkeepSeconds.observe({ task }, seconds)
    if (failed) this.#upkeepErrors.inc({ task })
  }

  audited(agree: boolean): void {
    this.#audits.inc({ verdict: agree ? 'agree' : 'differ' })
  }

  authenticationFailed(listener: string): void {
    this.#authenticationFailures.inc({ listener })
  }

  denied(operation: string, resourceType: string): void {
    this.#denials.inc({ operation, resource_type: resourceType })
  }

  throttled(kind: string, seconds: number): void {
    this.#throttled.inc({ kind }, seconds)
  }

  ledgerAppended(seconds: number, bytes: number): void {
    this.#ledgerEntries.inc()
    this.#ledgerBytes.inc(bytes)
    this.#ledgerSeconds.observe(seconds)
  }

  ledgerFailed(): void {
    this.#ledgerErrors.inc()
  }

  storeAnswered(verb: StoreVerb, seconds: number, bytes: number): void {
    this.#storeRequests.inc({ verb })
    this.#storeSeconds.observe({ verb }, seconds)
    if (bytes > 0) this.#storeBytes.inc({ verb }, bytes)
  }

  /** `error` is the name of an error class of the object store. */
  storeFailed(verb: StoreVerb, seconds: number, error: string): void {
    this.storeAnswered(verb, seconds, 0)
    this.#storeErrors.inc({ verb, error })
  }

  /** All metrics in Prometheus' text format. */
  async scrape(): Promise<string> {
    this.#readSources()
    return this.registry.metrics()
  }

  #readSources(): void {
    const { active, idle } = performance.eventLoopUtilization()
    setCounter(this.#loopActive, active / 1000)
    setCounter(this.#loopIdle, idle / 1000)
    const { groupLag, groupMembers, produceBudget, fetchBudget, cache, state, isCutOff } = this.#sources
    if (groupLag !== undefined) this.#setGroupLag(groupLag())
    if (groupMembers !== undefined) this.#setGroupMembers(groupMembers())
    if (fetchBudget !== undefined) this.#fetchBytes.set(fetchBudget())
    if (isCutOff !== undefined) this.#cutOff.set(isCutOff() ? 1 : 0)
    this.#readListeners()
    if (produceBudget !== undefined) {
      const { used, waiting } = produceBudget()
      this.#budgetUsed.set(used)
      this.#budgetWaiting.set(waiting)
    }
    if (cache !== undefined) {
      const { bytes, hits, misses } = cache()
      this.#cacheBytes.set(bytes)
      setCounter(this.#cacheHits, hits)
      setCounter(this.#cacheMisses, misses)
    }
    if (state !== undefined) {
      const { topics, partitions, groups, position, brokers, objects, deadObjects, liveBytes } = state()
      this.#brokers.set(brokers)
      this.#objects.set(objects)
      this.#deadObjects.set(deadObjects)
      this.#liveBytes.set(liveBytes)
      this.#stateTopics.set(topics)
      this.#statePartitions.set(partitions)
      this.#stateGroups.set(groups)
      this.#statePosition.set(position)
    }
  }

  #readListeners(): void {
    const { connections, certificates } = this.#sources
    this.#connections.reset()
    for (const { listener, count } of connections?.() ?? []) this.#connections.set({ listener }, count)
    for (const { listener, startsAt, endsAt } of certificates?.() ?? []) {
      this.#certificateStart.set({ listener }, Math.floor(startsAt / 1000))
      this.#certificateExpiry.set({ listener }, Math.floor(endsAt / 1000))
    }
  }

  #setGroupLag(lags: ReturnType<MetricSources['groupLag']>): void {
    this.#groupLag.reset()
    this.#groupLagMax.reset()
    this.#groupLagSeconds.reset()
    let [series, worst, otherSum, otherMax, otherAge] = [0, 0, 0, -1, 0]
    for (const { group, topic, sum, max, ageMs } of lags) {
      worst = Math.max(worst, max)
      if (series++ < this.#limits.groupTopics) {
        this.#groupLag.set({ group, topic }, sum)
        this.#groupLagMax.set({ group, topic }, max)
        this.#groupLagSeconds.set({ group, topic }, ageMs / 1000)
      } else {
        otherSum += sum
        otherAge = Math.max(otherAge, ageMs)
        otherMax = Math.max(otherMax, max)
      }
    }
    this.#lagMax.set(worst)
    if (otherMax < 0) return
    this.#groupLag.set({ group: otherLabel, topic: otherLabel }, otherSum)
    this.#groupLagMax.set({ group: otherLabel, topic: otherLabel }, otherMax)
    this.#groupLagSeconds.set({ group: otherLabel, topic: otherLabel }, otherAge / 1000)
  }

  #setGroupMembers(groups: ReturnType<MetricSources['groupMembers']>): void {
    this.#groupMembers.reset()
    let [series, others] = [0, -1]
    for (const { group, members } of groups) {
      if (series++ < this.#limits.groupTopics) this.#groupMembers.set({ group }, members)
      else others = Math.max(0, others) + members
    }
    if (others >= 0) this.#groupMembers.set({ group: otherLabel }, others)
  }

  #topicLabel(topic: string): string {
    if (this.#topics.has(topic)) return topic
    if (this.#topics.size >= this.#limits.topics) return otherLabel
    this.#topics.add(topic)
    return topic
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #gauge<L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[], buckets: number[]): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] })
  }
}

/** For counts that are kept elsewhere. */
const setCounter = (counter: Counter<never>, value: number): void => {
  counter.reset()
  counter.inc(value)
}
