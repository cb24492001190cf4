/** What the dashboards show, row by row: `dashboards/*.json` is generated from it, for Grafana. */

/** In Grafana's words; `cps` is counts a second. */
export type Unit = 'short' | 's' | 'bytes' | 'Bps' | 'ops' | 'reqps' | 'cps' | 'percentunit' | 'currencyUSD'

export interface Query {
  readonly expr: string
  /** In Grafana's notation. */
  readonly legend: string
}

export interface Panel {
  readonly title: string
  readonly unit: Unit
  /** What to make of it. */
  readonly description: string
  readonly queries: readonly Query[]
}

export interface Dashboard {
  /** Name of its file. */
  readonly name: string
  readonly title: string
  /** By namespace and broker, as somebody chooses at the top. */
  readonly isOfBrokers: boolean
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[]
}

const quantile = (q: number, metric: string, by: string): string =>
  `histogram_quantile(${q}, sum by (${by}, le) (rate(${metric}_bucket[$__rate_interval])))`

/** Zero, as `none`, where nothing has been counted yet: a panel without data looks like one that is broken. */
const orNone = (expr: string, label: string): string =>
  `${expr} or on () label_replace(vector(0), "${label}", "none", "", "")`

const panel = (
  title: string,
  unit: Unit,
  description: string,
  ...queries: readonly (readonly [string, string])[]
): Panel => ({
  ...{ title, unit, description },
  queries: queries.map(([expr, legend]) => ({ expr, legend })),
})

const CLUSTER: Dashboard = {
  name: 'cluster',
  title: 'KafScale / Cluster',
  isOfBrokers: true,
  rows: [
    {
      title: 'Health',
      panels: [
        panel('Brokers', 'short', 'As many as there should be.', ['max(kafscale_brokers)', 'brokers']),
        panel('Cut off', 'short', 'Brokers that cannot reach the ledger.', ['sum(kafscale_cut_off)', 'cut off']),
        panel('Connections', 'short', 'Open client connections.', [
          'sum by (listener) (kafscale_connections)',
          '{{listener}}',
        ]),
        panel(
          'Topics and groups',
          'short',
          'In the whole cluster.',
          ['max(kafscale_topics)', 'topics'],
          ['max(kafscale_partitions)', 'partitions'],
          ['max(kafscale_groups)', 'groups'],
        ),
      ],
    },
    {
      title: 'Traffic',
      panels: [
        panel(
          'Records',
          'cps',
          'Of all brokers.',
          ['sum(rate(kafscale_topic_records_in_total[$__rate_interval]))', 'in'],
          ['sum(rate(kafscale_topic_records_out_total[$__rate_interval]))', 'out'],
        ),
        panel(
          'Bytes',
          'Bps',
          'Of all brokers.',
          ['sum(rate(kafscale_topic_bytes_in_total[$__rate_interval]))', 'in'],
          ['sum(rate(kafscale_topic_bytes_out_total[$__rate_interval]))', 'out'],
        ),
        panel('Requests', 'reqps', 'By API.', [
          'sum by (api) (rate(kafscale_requests_total[$__rate_interval]))',
          '{{api}}',
        ]),
        panel('Errors', 'ops', 'Codes in answers; some are part of ordinary life, such as REBALANCE_IN_PROGRESS.', [
          orNone('sum by (api, error) (rate(kafscale_request_errors_total[$__rate_interval]))', 'api'),
          '{{api}} {{error}}',
        ]),
      ],
    },
    {
      title: 'Latency',
      panels: [
        panel(
          'Produce',
          's',
          'Until the records are durable.',
          [
            quantile(0.5, 'kafscale_request_duration_seconds', 'api').replace('_bucket[', '_bucket{api="Produce"}['),
            'p50',
          ],
          [
            quantile(0.99, 'kafscale_request_duration_seconds', 'api').replace('_bucket[', '_bucket{api="Produce"}['),
            'p99',
          ],
        ),
        panel('Ledger', 's', 'Until an entry is durable in etcd.', [
          quantile(0.99, 'kafscale_ledger_append_duration_seconds', 'instance'),
          '{{instance}} p99',
        ]),
        panel('Object store', 's', 'Uploads and reads.', [
          quantile(0.99, 'kafscale_object_store_duration_seconds', 'verb'),
          '{{verb}} p99',
        ]),
      ],
    },
    {
      title: 'Brokers',
      panels: [
        panel('Thread at work', 'percentunit', 'Above 0.9 a broker has no room left.', [
          'rate(kafscale_event_loop_active_seconds_total[$__rate_interval])',
          '{{instance}}',
        ]),
        panel('Memory', 'bytes', 'Resident.', [
          'process_resident_memory_bytes and on (job, instance) kafscale_build_info',
          '{{instance}}',
        ]),
        panel(
          'Requests in progress',
          'bytes',
          'Memory of requests and answers on their way.',
          ['kafscale_produce_bytes_in_flight', '{{instance}} produce'],
          ['kafscale_fetch_bytes_in_flight', '{{instance}} fetch'],
        ),
        panel('Producers held back', 'short', 'More comes in than goes out.', [
          'kafscale_produce_connections_waiting',
          '{{instance}}',
        ]),
        panel('Cache hits', 'percentunit', 'Of the blocks that consumers read.', [
          'rate(kafscale_cache_hits_total[$__rate_interval]) / (rate(kafscale_cache_hits_total[$__rate_interval]) + rate(kafscale_cache_misses_total[$__rate_interval]) + 0.001)',
          '{{instance}}',
        ]),
      ],
    },
    {
      title: 'Upkeep and security',
      panels: [
        panel('Upkeep', 's', 'Time of one turn of a job.', [
          'sum by (task) (rate(kafscale_upkeep_duration_seconds_sum[30m])) / sum by (task) (rate(kafscale_upkeep_duration_seconds_count[30m]))',
          '{{task}}',
        ]),
        panel('Audits', 'short', 'Comparisons of the states of the brokers.', [
          orNone('sum by (verdict) (increase(kafscale_state_audits_total[30m]))', 'verdict'),
          '{{verdict}}',
        ]),
        panel(
          'Failed logins and denials',
          'ops',
          'Who may not.',
          [
            orNone('sum by (listener) (rate(kafscale_authentication_failures_total[$__rate_interval]))', 'listener'),
            'login {{listener}}',
          ],
          [
            orNone(
              'sum by (operation, resource_type) (rate(kafscale_authorization_denials_total[$__rate_interval]))',
              'operation',
            ),
            '{{operation}} {{resource_type}}',
          ],
        ),
        panel(
          'Certificates',
          's',
          'Time until what a listener shows ends. There is nothing to see where no listener has TLS.',
          ['min by (listener) (kafscale_certificate_expiry_timestamp_seconds) - time()', '{{listener}}'],
        ),
        panel('Throttled', 'percentunit', 'Time for which clients were told to be quiet, for each second.', [
          orNone('sum by (kind) (rate(kafscale_throttled_seconds_total[$__rate_interval]))', 'kind'),
          '{{kind}}',
        ]),
      ],
    },
  ],
}

const TOPICS: Dashboard = {
  name: 'topics-and-groups',
  title: 'KafScale / Topics and groups',
  isOfBrokers: true,
  rows: [
    {
      title: 'Topics',
      panels: [
        panel('Bytes in', 'Bps', 'The ten busiest.', [
          'topk(10, sum by (topic) (rate(kafscale_topic_bytes_in_total[$__rate_interval])))',
          '{{topic}}',
        ]),
        panel('Bytes out', 'Bps', 'The ten busiest.', [
          'topk(10, sum by (topic) (rate(kafscale_topic_bytes_out_total[$__rate_interval])))',
          '{{topic}}',
        ]),
        panel('Records in', 'cps', 'The ten busiest.', [
          'topk(10, sum by (topic) (rate(kafscale_topic_records_in_total[$__rate_interval])))',
          '{{topic}}',
        ]),
        panel('Records out', 'cps', 'The ten busiest. Twice as many as in is two groups that read.', [
          'topk(10, sum by (topic) (rate(kafscale_topic_records_out_total[$__rate_interval])))',
          '{{topic}}',
        ]),
      ],
    },
    {
      title: 'Groups',
      panels: [
        panel('Behind, in time', 's', 'Age of the oldest record that is not committed.', [
          'topk(10, max by (group, topic) (kafscale_group_lag_seconds))',
          '{{group}} {{topic}}',
        ]),
        panel('Behind, in records', 'short', 'Not committed.', [
          'topk(10, max by (group, topic) (kafscale_group_lag))',
          '{{group}} {{topic}}',
        ]),
        panel(
          'Worst partition',
          'short',
          'If it is nearly all of the lag, one partition has too much to do, or its reader is stuck.',
          ['topk(10, max by (group, topic) (kafscale_group_lag_max))', '{{group}} {{topic}}'],
        ),
        panel('Members', 'short', 'None means that nobody reads.', [
          'max by (group) (kafscale_group_members)',
          '{{group}}',
        ]),
      ],
    },
  ],
}

const COST: Dashboard = {
  name: 's3-and-cost',
  title: 'KafScale / S3 and cost',
  isOfBrokers: true,
  rows: [
    {
      title: 'Cost of requests',
      panels: [
        panel('Dollars a month', 'currencyUSD', 'If it goes on like this; storage is not in it.', [
          'sum by (class) (rate(kafscale_s3_request_dollars_total[30m])) * 86400 * 30',
          '{{class}}',
        ]),
        panel('Requests', 'reqps', 'Repeated and hedged ones included: what is paid for.', [
          'sum by (operation) (rate(kafscale_s3_requests_total[$__rate_interval]))',
          '{{operation}}',
        ]),
        panel('Answers', 'reqps', 'By status; 0 is none.', [
          'sum by (status) (rate(kafscale_s3_requests_total[$__rate_interval]))',
          '{{status}}',
        ]),
      ],
    },
    {
      title: 'Data',
      panels: [
        panel('Stored', 'bytes', 'Bytes of records in the store.', ['max(kafscale_stored_bytes)', 'records']),
        panel(
          'Objects',
          'short',
          'Roll-up keeps them few; the dead ones wait to be deleted.',
          ['max(kafscale_objects)', 'live'],
          ['max(kafscale_objects_dead)', 'dead'],
        ),
        panel('Throughput', 'Bps', 'Uploads and reads.', [
          'sum by (verb) (rate(kafscale_object_store_bytes_total[$__rate_interval]))',
          '{{verb}}',
        ]),
        panel('Bytes per upload', 'bytes', 'The more, the cheaper.', [
          'sum(rate(kafscale_object_store_bytes_total{verb="put"}[$__rate_interval])) / sum(rate(kafscale_object_store_requests_total{verb="put"}[$__rate_interval]))',
          'put',
        ]),
        panel('Latency', 's', 'p99', [quantile(0.99, 'kafscale_object_store_duration_seconds', 'verb'), '{{verb}}']),
        panel('Errors', 'ops', 'After all tries.', [
          orNone('sum by (verb, error) (rate(kafscale_object_store_errors_total[$__rate_interval]))', 'verb'),
          '{{verb}} {{error}}',
        ]),
      ],
    },
  ],
}

const OPERATOR: Dashboard = {
  name: 'operator',
  title: 'KafScale / Operator',
  isOfBrokers: false,
  rows: [
    {
      title: 'Work',
      panels: [
        panel('Writes', 'reqps', 'None when everything is settled.', [
          orNone('sum by (method) (rate(kafscale_operator_writes_total[$__rate_interval]))', 'method'),
          '{{method}}',
        ]),
        panel('Requests to the API server', 'reqps', 'By answer.', [
          'sum by (method, code) (rate(rest_client_requests_total[$__rate_interval]))',
          '{{method}} {{code}}',
        ]),
        panel('Their time', 's', 'p99', [
          quantile(0.99, 'rest_client_request_duration_seconds', 'method'),
          '{{method}}',
        ]),
        panel('Leader', 'short', 'Exactly one.', ['sum(leader_election_master_status)', 'leaders']),
      ],
    },
    {
      title: 'Passes',
      panels: [
        panel('Passes', 'ops', 'Looks at one object, by result.', [
          'sum by (result) (rate(controller_runtime_reconcile_total[$__rate_interval]))',
          '{{result}}',
        ]),
        panel('Time of a pass', 's', 'p99', [
          quantile(0.99, 'controller_runtime_reconcile_time_seconds', 'controller'),
          '{{controller}}',
        ]),
        panel('Objects in line', 'short', 'Waiting for a pass.', ['sum by (name) (workqueue_depth)', '{{name}}']),
        panel(
          'Silence of watches',
          's',
          'The API server says something every minute or so; after minutes a watch is dead.',
          ['max by (resource) (kafscale_operator_watch_last_event_age_seconds)', '{{resource}}'],
        ),
      ],
    },
    {
      title: 'Scaling',
      panels: [
        panel(
          'Brokers',
          'short',
          'Wanted by the signals, and as decided.',
          ['kafscale_operator_scaling_desired_replicas', '{{cluster}} wanted'],
          ['kafscale_operator_scaling_current_replicas', '{{cluster}} decided'],
        ),
        panel('Signals', 'short', 'What the decision was made from.', [
          'kafscale_operator_scaling_signal',
          '{{cluster}} {{signal}}',
        ]),
        panel('Behind', 's', 'Lag that brokers can cure.', ['kafscale_operator_scaling_lag_seconds', '{{cluster}}']),
      ],
    },
  ],
}

export const DASHBOARDS: readonly Dashboard[] = [CLUSTER, TOPICS, COST, OPERATOR]
