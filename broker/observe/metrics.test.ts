import { readFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import { FaultyStore } from '../../testing/faulty-store.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { MemoryStore } from '../objects/memory.ts'
import { testObjectStore } from '../objects/object-store.contract.ts'
import { ObjectNotFound, StoreError } from '../objects/object-store.ts'
import { MeasuredStore } from './measured-store.ts'
import { Metrics } from './metrics.ts'
import { metricsPage } from './metrics-page.ts'

/** The samples of the broker's own metrics, as `name{labels}` to value; buckets left out. */
const samples = async (metrics: Metrics): Promise<Record<string, number>> => {
  const lines = (await metrics.scrape()).split('\n').filter(line => /^kafscale_(?!.*_bucket)/.test(line))
  return Object.fromEntries(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

describe('metrics', () => {
  test('count requests, errors and time by API', async () => {
    const metrics = new Metrics('1.2.3')
    metrics.requestAnswered('Produce', 0.004)
    metrics.requestAnswered('Produce', 0.02)
    metrics.requestFailed('Produce', 'MESSAGE_TOO_LARGE')
    expect(await samples(metrics)).toMatchObject({
      'kafscale_requests_total{api="Produce"}': 2,
      'kafscale_request_errors_total{api="Produce",error="MESSAGE_TOO_LARGE"}': 1,
      'kafscale_request_duration_seconds_count{api="Produce"}': 2,
      'kafscale_request_duration_seconds_sum{api="Produce"}': 0.024,
      [`kafscale_build_info{version="1.2.3",node="${process.version}"}`]: 1,
    })
    expect(await metrics.scrape()).toContain('kafscale_request_duration_seconds_bucket{le="0.005",api="Produce"} 1\n')
  })

  test('give a bounded number of topics series of their own', async () => {
    const metrics = new Metrics('', { topics: 2, groupTopics: 2 })
    for (const [i, topic] of ['a', 'b', 'c', 'd', 'a'].entries()) metrics.produced(topic, 100 + i, 1)
    metrics.fetched('d', 7, 4)
    metrics.forgetTopic('a')
    metrics.forgetTopic('c')
    metrics.produced('e', 5, 2)
    metrics.produced('a', 6, 3)
    const seen = await samples(metrics)
    expect(Object.fromEntries(Object.entries(seen).filter(([name]) => name.startsWith('kafscale_topic_')))).toEqual({
      'kafscale_topic_bytes_in_total{topic="b"}': 101,
      'kafscale_topic_bytes_in_total{topic="e"}': 5,
      'kafscale_topic_bytes_in_total{topic="(other)"}': 102 + 103 + 6,
      'kafscale_topic_bytes_out_total{topic="(other)"}': 7,
      'kafscale_topic_records_in_total{topic="b"}': 1,
      'kafscale_topic_records_in_total{topic="e"}': 2,
      'kafscale_topic_records_in_total{topic="(other)"}': 5,
      'kafscale_topic_records_out_total{topic="(other)"}': 4,
    })
  })

  test('ask for group lag at scrape time, drop groups that are gone, and bound the series', async () => {
    const metrics = new Metrics('', { topics: 2, groupTopics: 2 })
    let lag = [
      { group: 'g1', topic: 't', sum: 10, max: 6, ageMs: 3000 },
      { group: 'g2', topic: 't', sum: 20, max: 20, ageMs: 3000 },
      { group: 'g3', topic: 't', sum: 5, max: 4, ageMs: 3000 },
      { group: 'g4', topic: 't', sum: 7, max: 7, ageMs: 3000 },
    ]
    metrics.readFrom({ groupLag: () => lag })
    const of = async (prefix: string) =>
      Object.fromEntries(Object.entries(await samples(metrics)).filter(([name]) => name.startsWith(prefix)))
    expect(await of('kafscale_group_lag')).toEqual({
      'kafscale_group_lag{group="g1",topic="t"}': 10,
      'kafscale_group_lag{group="g2",topic="t"}': 20,
      'kafscale_group_lag{group="(other)",topic="(other)"}': 12,
      'kafscale_group_lag_max{group="g1",topic="t"}': 6,
      'kafscale_group_lag_max{group="g2",topic="t"}': 20,
      'kafscale_group_lag_max{group="(other)",topic="(other)"}': 7,
      'kafscale_group_lag_seconds{group="g1",topic="t"}': 3,
      'kafscale_group_lag_seconds{group="g2",topic="t"}': 3,
      'kafscale_group_lag_seconds{group="(other)",topic="(other)"}': 3,
    })
    expect(await of('kafscale_consumer_lag_max')).toEqual({ kafscale_consumer_lag_max: 20 })
    lag = [{ group: 'g3', topic: 't', sum: 0, max: 0, ageMs: 3000 }]
    expect(await of('kafscale_group_lag')).toEqual({
      'kafscale_group_lag{group="g3",topic="t"}': 0,
      'kafscale_group_lag_max{group="g3",topic="t"}': 0,
      'kafscale_group_lag_seconds{group="g3",topic="t"}': 3,
    })
    expect(await of('kafscale_consumer_lag_max')).toEqual({ kafscale_consumer_lag_max: 0 })
  })

  test('read what other parts count', async () => {
    const metrics = new Metrics('')
    metrics.readFrom({ cache: () => ({ bytes: 10, hits: 3, misses: 2 }) })
    metrics.readFrom({
      connections: () => [{ listener: 'PLAINTEXT', count: 4 }],
      certificates: () => [{ listener: 'SSL', startsAt: 1_700_000_000_000, endsAt: 1_800_000_000_999 }],
      produceBudget: () => ({ used: 77, waiting: 1 }),
      state: () => ({
        ...{ topics: 1, partitions: 12, groups: 2, position: 99 },
        ...{ brokers: 3, objects: 7, deadObjects: 1, liveBytes: 5000 },
      }),
      groupMembers: () => [{ group: 'g', members: 2 }],
      fetchBudget: () => 55,
      isCutOff: () => true,
    })
    metrics.setPrices({ put: 5, get: 0.4 })
    for (const operation of ['put', 'get', 'delete', 'list']) metrics.storeAsked({ operation, status: 200 })
    metrics.upkeepDone('sweep', 0.2, true)
    metrics.audited(true)
    metrics.authenticationFailed('PLAINTEXT')
    metrics.denied('READ', 'TOPIC')
    metrics.throttled('produce', 1.5)
    metrics.ledgerAppended(0.001, 300)
    metrics.ledgerFailed()
    await metrics.scrape()
    expect(await samples(metrics)).toMatchObject({
      kafscale_cache_bytes: 10,
      kafscale_cache_hits_total: 3,
      kafscale_cache_misses_total: 2,
      'kafscale_connections{listener="PLAINTEXT"}': 4,
      'kafscale_certificate_expiry_timestamp_seconds{listener="SSL"}': 1_800_000_000,
      'kafscale_certificate_start_timestamp_seconds{listener="SSL"}': 1_700_000_000,
      kafscale_produce_bytes_in_flight: 77,
      kafscale_produce_connections_waiting: 1,
      kafscale_topics: 1,
      kafscale_partitions: 12,
      kafscale_groups: 2,
      kafscale_ledger_position: 99,
      kafscale_brokers: 3,
      kafscale_objects: 7,
      kafscale_objects_dead: 1,
      kafscale_stored_bytes: 5000,
      kafscale_cut_off: 1,
      kafscale_fetch_bytes_in_flight: 55,
      'kafscale_group_members{group="g"}': 2,
      'kafscale_s3_request_dollars_total{class="put"}': 0.01,
      'kafscale_s3_request_dollars_total{class="get"}': 0.0004,
      'kafscale_upkeep_errors_total{task="sweep"}': 1,
      'kafscale_state_audits_total{verdict="agree"}': 1,
      'kafscale_authentication_failures_total{listener="PLAINTEXT"}': 1,
      'kafscale_authorization_denials_total{operation="READ",resource_type="TOPIC"}': 1,
      'kafscale_throttled_seconds_total{kind="produce"}': 1.5,
      kafscale_ledger_entries_total: 1,
      kafscale_ledger_bytes_total: 300,
      kafscale_ledger_append_errors_total: 1,
      kafscale_ledger_append_duration_seconds_count: 1,
    })
  })

  test('carry those of the process', async () => {
    const text = await new Metrics('').scrape()
    for (const name of [
      'process_start_time_seconds',
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
    ])
      expect(text).toContain(`\n${name} `)
  })

  test('are all in docs/metrics.md, as they are', async () => {
    const written = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
    expect(metricsPage(new Metrics('').registry)).toBe(written)
  })
})

testObjectStore('measured', async () => ({
  store: new MeasuredStore(new MemoryStore(), new Metrics(''), new VirtualClock()),
}))

test('a measured store counts requests, bytes, time and failures by verb', async () => {
  const [clock, metrics] = [new VirtualClock(), new Metrics('')]
  const faulty = new FaultyStore(new MemoryStore(), clock, () => 0.5, { delay: [200, 200] })
  const store = new MeasuredStore(faulty, metrics, clock)
  await clock.until(store.put('a', [Buffer.alloc(60), Buffer.alloc(40)]))
  await clock.until(store.get('a', { position: 0, length: 30 }))
  await expect(clock.until(store.get('b'))).rejects.toThrow(ObjectNotFound)
  faulty.faults = { ...faulty.faults, failBefore: 1 }
  await expect(clock.until(store.delete(['a']))).rejects.toThrow(StoreError)
  await expect(clock.until(store.list('').next())).rejects.toThrow(StoreError)
  expect(await samples(metrics)).toMatchObject({
    'kafscale_object_store_requests_total{verb="put"}': 1,
    'kafscale_object_store_requests_total{verb="get"}': 2,
    'kafscale_object_store_bytes_total{verb="put"}': 100,
    'kafscale_object_store_bytes_total{verb="get"}': 30,
    'kafscale_object_store_duration_seconds_sum{verb="put"}': 0.2,
    'kafscale_object_store_errors_total{verb="get",error="ObjectNotFound"}': 1,
    'kafscale_object_store_errors_total{verb="delete",error="StoreError"}': 1,
    'kafscale_object_store_errors_total{verb="list",error="StoreError"}': 1,
  })
})
