/**
 * The alert rules, each with a story in which it fires and one in which it keeps quiet: `dashboards/alerts.yaml` is generated
 * from the rules, and e2e/observability runs the stories through promtool. The job of brokers is called `kafscale-broker`.
 */

export interface Story {
  /** In promtool's notation: the value at each minute. */
  readonly series: readonly { readonly series: string; readonly values: string }[]
}

export interface Alert {
  readonly name: string
  readonly expr: string
  readonly for: string
  readonly severity: 'critical' | 'warning' | 'info'
  readonly summary: string
  /** Fires at the end of an hour and a half of it. */
  readonly fires: Story
  readonly quiet: Story
}

const story = (...series: readonly (readonly [series: string, values: string])[]): Story => ({
  series: series.map(([name, values]) => ({ series: name, values })),
})

const MINUTES = 'x100'

export const ALERTS: readonly Alert[] = [
  {
    name: 'KafScaleBrokerDown',
    expr: 'up{job="kafscale-broker"} == 0',
    for: '2m',
    severity: 'warning',
    summary: 'Broker {{ $labels.instance }} does not answer',
    fires: story(['up{job="kafscale-broker",instance="a"}', `0${MINUTES}`]),
    quiet: story(['up{job="kafscale-broker",instance="a"}', `1${MINUTES}`]),
  },
  {
    name: 'KafScaleCutOff',
    expr: 'kafscale_cut_off == 1',
    for: '1m',
    severity: 'critical',
    summary: 'Broker {{ $labels.instance }} is cut off from the ledger',
    fires: story(['kafscale_cut_off{instance="a"}', `1${MINUTES}`]),
    quiet: story(['kafscale_cut_off{instance="a"}', `0${MINUTES}`]),
  },
  {
    name: 'KafScaleLedgerErrors',
    expr: 'rate(kafscale_ledger_append_errors_total[5m]) > 0',
    for: '2m',
    severity: 'critical',
    summary: 'The ledger refuses entries of broker {{ $labels.instance }}',
    fires: story(['kafscale_ledger_append_errors_total{instance="a"}', `0+6${MINUTES}`]),
    quiet: story(['kafscale_ledger_append_errors_total{instance="a"}', `7${MINUTES}`]),
  },
  {
    name: 'KafScaleLedgerSlow',
    expr: 'histogram_quantile(0.99, sum by (instance, le) (rate(kafscale_ledger_append_duration_seconds_bucket[5m]))) > 0.5',
    for: '5m',
    severity: 'warning',
    summary:
      'One entry in a hundred of broker {{ $labels.instance }} takes {{ $value | humanizeDuration }} in the ledger',
    fires: story(
      ['kafscale_ledger_append_duration_seconds_bucket{instance="a",le="0.5"}', `0+10${MINUTES}`],
      ['kafscale_ledger_append_duration_seconds_bucket{instance="a",le="1"}', `0+60${MINUTES}`],
      ['kafscale_ledger_append_duration_seconds_bucket{instance="a",le="+Inf"}', `0+60${MINUTES}`],
    ),
    quiet: story(
      ['kafscale_ledger_append_duration_seconds_bucket{instance="a",le="0.01"}', `0+60${MINUTES}`],
      ['kafscale_ledger_append_duration_seconds_bucket{instance="a",le="+Inf"}', `0+60${MINUTES}`],
    ),
  },
  {
    name: 'KafScaleStoreErrors',
    expr: 'sum by (instance, verb) (rate(kafscale_object_store_errors_total[5m])) > 0.1',
    for: '5m',
    severity: 'critical',
    summary: 'The object store fails {{ $labels.verb }} requests of broker {{ $labels.instance }}',
    fires: story(['kafscale_object_store_errors_total{instance="a",verb="put",error="StoreError"}', `0+30${MINUTES}`]),
    quiet: story(['kafscale_object_store_errors_total{instance="a",verb="put",error="StoreError"}', `0+1${MINUTES}`]),
  },
  {
    name: 'KafScaleStoreSlow',
    expr: 'histogram_quantile(0.99, sum by (instance, verb, le) (rate(kafscale_object_store_duration_seconds_bucket{verb="put"}[5m]))) > 2',
    for: '10m',
    severity: 'warning',
    summary: 'One upload in a hundred of broker {{ $labels.instance }} takes {{ $value | humanizeDuration }}',
    fires: story(
      ['kafscale_object_store_duration_seconds_bucket{instance="a",verb="put",le="2.5"}', `0+10${MINUTES}`],
      ['kafscale_object_store_duration_seconds_bucket{instance="a",verb="put",le="5"}', `0+60${MINUTES}`],
      ['kafscale_object_store_duration_seconds_bucket{instance="a",verb="put",le="+Inf"}', `0+60${MINUTES}`],
    ),
    quiet: story(
      ['kafscale_object_store_duration_seconds_bucket{instance="a",verb="put",le="0.1"}', `0+60${MINUTES}`],
      ['kafscale_object_store_duration_seconds_bucket{instance="a",verb="put",le="+Inf"}', `0+60${MINUTES}`],
    ),
  },
  {
    name: 'KafScaleProducersHeldBack',
    expr: 'kafscale_produce_connections_waiting > 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ $value }} producers of broker {{ $labels.instance }} are held back',
    fires: story(['kafscale_produce_connections_waiting{instance="a"}', `3${MINUTES}`]),
    quiet: story(['kafscale_produce_connections_waiting{instance="a"}', `0${MINUTES}`]),
  },
  {
    name: 'KafScaleConsumerLag',
    expr: 'max by (namespace, group, topic) (kafscale_group_lag_seconds) > 300',
    for: '10m',
    severity: 'warning',
    summary: 'Group {{ $labels.group }} is {{ $value | humanizeDuration }} behind in {{ $labels.topic }}',
    fires: story(['kafscale_group_lag_seconds{group="g",topic="t"}', `400${MINUTES}`]),
    quiet: story(['kafscale_group_lag_seconds{group="g",topic="t"}', `5${MINUTES}`]),
  },
  {
    name: 'KafScaleGroupWithoutMembers',
    expr: 'max by (namespace, group) (kafscale_group_lag) > 0 and on (namespace, group) max by (namespace, group) (kafscale_group_members) == 0',
    for: '30m',
    severity: 'info',
    summary: 'Nobody reads for group {{ $labels.group }}, which is behind',
    fires: story(
      ['kafscale_group_lag{group="g",topic="t"}', `10${MINUTES}`],
      ['kafscale_group_members{group="g"}', `0${MINUTES}`],
    ),
    quiet: story(
      ['kafscale_group_lag{group="g",topic="t"}', `10${MINUTES}`],
      ['kafscale_group_members{group="g"}', `2${MINUTES}`],
    ),
  },
  {
    name: 'KafScaleRequestErrors',
    expr: 'sum by (instance, api, error) (rate(kafscale_request_errors_total{error=~"KAFKA_STORAGE_ERROR|UNKNOWN_SERVER_ERROR|REQUEST_TIMED_OUT|CORRUPT_MESSAGE"}[5m])) > 0.5',
    for: '5m',
    severity: 'critical',
    summary: 'Broker {{ $labels.instance }} answers {{ $labels.api }} with {{ $labels.error }}',
    fires: story([
      'kafscale_request_errors_total{instance="a",api="Produce",error="KAFKA_STORAGE_ERROR"}',
      `0+60${MINUTES}`,
    ]),
    quiet: story(['kafscale_request_errors_total{instance="a",api="Fetch",error="NOT_COORDINATOR"}', `0+60${MINUTES}`]),
  },
  {
    name: 'KafScaleStatesDiffer',
    expr: 'increase(kafscale_state_audits_total{verdict="differ"}[10m]) > 0',
    for: '0m',
    severity: 'critical',
    summary: 'Broker {{ $labels.instance }} and others disagree about the state of the cluster',
    fires: story(['kafscale_state_audits_total{instance="a",verdict="differ"}', `0+1${MINUTES}`]),
    quiet: story(['kafscale_state_audits_total{instance="a",verdict="agree"}', `0+1${MINUTES}`]),
  },
  {
    name: 'KafScaleUpkeepFailing',
    expr: 'sum by (namespace, task) (increase(kafscale_upkeep_errors_total[30m])) > 3',
    for: '0m',
    severity: 'warning',
    summary: '{{ $labels.task }}, an upkeep job, keeps failing',
    fires: story(['kafscale_upkeep_errors_total{instance="a",task="sweep"}', `0+1${MINUTES}`]),
    quiet: story(['kafscale_upkeep_errors_total{instance="a",task="sweep"}', `1${MINUTES}`]),
  },
  {
    name: 'KafScaleDeadObjects',
    expr: 'max by (namespace) (kafscale_objects_dead) > 10000',
    for: '1h',
    severity: 'warning',
    summary: '{{ $value }} objects wait to be deleted',
    fires: story(['kafscale_objects_dead{instance="a"}', `20000${MINUTES}`]),
    quiet: story(['kafscale_objects_dead{instance="a"}', `10${MINUTES}`]),
  },
  {
    name: 'KafScaleEventLoopBusy',
    expr: 'rate(kafscale_event_loop_active_seconds_total[5m]) > 0.9',
    for: '10m',
    severity: 'warning',
    summary: 'The thread of broker {{ $labels.instance }} is at work for {{ $value | humanizePercentage }} of the time',
    fires: story(['kafscale_event_loop_active_seconds_total{instance="a"}', `0+58${MINUTES}`]),
    quiet: story(['kafscale_event_loop_active_seconds_total{instance="a"}', `0+20${MINUTES}`]),
  },
  {
    name: 'KafScaleAuthenticationFailures',
    expr: 'sum by (namespace, listener) (rate(kafscale_authentication_failures_total[5m])) > 1',
    for: '5m',
    severity: 'warning',
    summary: 'Clients of listener {{ $labels.listener }} fail to authenticate',
    fires: story(['kafscale_authentication_failures_total{instance="a",listener="CLIENTS"}', `0+120${MINUTES}`]),
    quiet: story(['kafscale_authentication_failures_total{instance="a",listener="CLIENTS"}', `0+1${MINUTES}`]),
  },
  {
    name: 'KafScaleRequestCost',
    expr: 'sum by (namespace) (rate(kafscale_s3_request_dollars_total[30m])) * 86400 * 30 > 1000',
    for: '30m',
    severity: 'info',
    summary: 'Requests to S3 cost {{ $value | humanize }} dollars a month at this rate',
    fires: story(['kafscale_s3_request_dollars_total{instance="a",class="put"}', `0+0.05${MINUTES}`]),
    quiet: story(['kafscale_s3_request_dollars_total{instance="a",class="put"}', `0+0.001${MINUTES}`]),
  },
  {
    name: 'KafScaleOperatorRunaway',
    expr: 'sum by (namespace) (rate(kafscale_operator_writes_total[10m])) > 1',
    for: '30m',
    severity: 'warning',
    summary: 'The operator writes to the API server all the time',
    fires: story(['kafscale_operator_writes_total{method="PATCH"}', `0+120${MINUTES}`]),
    quiet: story(['kafscale_operator_writes_total{method="PATCH"}', `9${MINUTES}`]),
  },
]
