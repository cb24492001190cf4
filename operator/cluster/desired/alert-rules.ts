/**
 * The alert rules, without regard to where brokers are: `dashboards/alerts.yaml` has them as they are, the PrometheusRule of a
 * cluster has each for its own pods. Every one has a page in docs/runbooks.
 */

export interface AlertRule {
  readonly name: string
  readonly expr: string
  readonly for: string
  readonly severity: 'critical' | 'warning' | 'info'
  readonly summary: string
}

export const ALERT_RULES = [
  {
    name: 'KafScaleNoBrokers',
    expr: 'absent(kafscale_topics)',
    for: '2m',
    severity: 'critical',
    summary: 'No broker answers',
  },
  {
    name: 'KafScaleBrokerDown',
    expr: 'up{job="kafscale-broker"} == 0',
    for: '2m',
    severity: 'warning',
    summary: 'Broker {{ $labels.instance }} does not answer',
  },
  {
    name: 'KafScaleCutOff',
    expr: 'kafscale_cut_off == 1',
    for: '1m',
    severity: 'critical',
    summary: 'Broker {{ $labels.instance }} is cut off from the ledger',
  },
  {
    name: 'KafScaleLedgerErrors',
    expr: 'rate(kafscale_ledger_append_errors_total[5m]) > 0',
    for: '2m',
    severity: 'critical',
    summary: 'The ledger refuses entries of broker {{ $labels.instance }}',
  },
  {
    name: 'KafScaleLedgerSlow',
    expr: 'histogram_quantile(0.99, sum by (instance, le) (rate(kafscale_ledger_append_duration_seconds_bucket[5m]))) > 0.5',
    for: '5m',
    severity: 'warning',
    summary:
      'One entry in a hundred of broker {{ $labels.instance }} takes {{ $value | humanizeDuration }} in the ledger',
  },
  {
    name: 'KafScaleStoreErrors',
    expr: 'sum by (instance, verb) (rate(kafscale_object_store_errors_total[5m])) > 0.1',
    for: '5m',
    severity: 'critical',
    summary: 'The object store fails {{ $labels.verb }} requests of broker {{ $labels.instance }}',
  },
  {
    name: 'KafScaleStoreSlow',
    expr: 'histogram_quantile(0.99, sum by (instance, verb, le) (rate(kafscale_object_store_duration_seconds_bucket{verb="put"}[5m]))) > 2',
    for: '10m',
    severity: 'warning',
    summary: 'One upload in a hundred of broker {{ $labels.instance }} takes {{ $value | humanizeDuration }}',
  },
  {
    name: 'KafScaleProducersHeldBack',
    expr: 'kafscale_produce_connections_waiting > 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ $value }} producers of broker {{ $labels.instance }} are held back',
  },
  {
    name: 'KafScaleConsumerLag',
    expr: 'max by (namespace, group, topic) (kafscale_group_lag_seconds) > 300',
    for: '10m',
    severity: 'warning',
    summary: 'Group {{ $labels.group }} is {{ $value | humanizeDuration }} behind in {{ $labels.topic }}',
  },
  {
    name: 'KafScaleGroupWithoutMembers',
    expr: 'max by (namespace, group) (kafscale_group_lag) > 0 and on (namespace, group) max by (namespace, group) (kafscale_group_members) == 0',
    for: '30m',
    severity: 'info',
    summary: 'Nobody reads for group {{ $labels.group }}, which is behind',
  },
  {
    name: 'KafScaleRequestErrors',
    expr: 'sum by (instance, api, error) (rate(kafscale_request_errors_total{error=~"KAFKA_STORAGE_ERROR|UNKNOWN_SERVER_ERROR|REQUEST_TIMED_OUT|CORRUPT_MESSAGE"}[5m])) > 0.5',
    for: '5m',
    severity: 'critical',
    summary: 'Broker {{ $labels.instance }} answers {{ $labels.api }} with {{ $labels.error }}',
  },
  {
    name: 'KafScaleStatesDiffer',
    expr: 'increase(kafscale_state_audits_total{verdict="differ"}[10m]) > 0',
    for: '0m',
    severity: 'critical',
    summary: 'Broker {{ $labels.instance }} and others disagree about the state of the cluster',
  },
  {
    name: 'KafScaleUpkeepFailing',
    expr: 'sum by (namespace, task) (increase(kafscale_upkeep_errors_total[30m])) > 3',
    for: '0m',
    severity: 'warning',
    summary: '{{ $labels.task }}, an upkeep job, keeps failing',
  },
  {
    name: 'KafScaleDeadObjects',
    expr: 'max by (namespace) (kafscale_objects_dead) > 10000',
    for: '1h',
    severity: 'warning',
    summary: '{{ $value }} objects wait to be deleted',
  },
  {
    name: 'KafScaleEventLoopBusy',
    expr: 'rate(kafscale_event_loop_active_seconds_total[5m]) > 0.9',
    for: '10m',
    severity: 'warning',
    summary: 'The thread of broker {{ $labels.instance }} is at work for {{ $value | humanizePercentage }} of the time',
  },
  {
    name: 'KafScaleAuthenticationFailures',
    expr: 'sum by (namespace, listener) (rate(kafscale_authentication_failures_total[5m])) > 1',
    for: '5m',
    severity: 'warning',
    summary: 'Clients of listener {{ $labels.listener }} fail to authenticate',
  },
  {
    name: 'KafScaleCertificateExpires',
    // One that lives for a short time is renewed at two thirds of it, by cert-manager and by the operator.
    expr: 'min by (namespace, listener) (kafscale_certificate_expiry_timestamp_seconds - time() < clamp_max((kafscale_certificate_expiry_timestamp_seconds - kafscale_certificate_start_timestamp_seconds) / 3, 14 * 86400))',
    for: '10m',
    severity: 'warning',
    summary:
      'The certificate of listener {{ $labels.listener }} has {{ $value | humanizeDuration }} left; clients refuse it afterwards',
  },
  {
    name: 'KafScaleRequestCost',
    expr: 'sum by (namespace) (rate(kafscale_s3_request_dollars_total[30m])) * 86400 * 30 > 1000',
    for: '30m',
    severity: 'info',
    summary: 'Requests to S3 cost {{ $value | humanize }} dollars a month at this rate',
  },
  {
    name: 'KafScaleOperatorRunaway',
    expr: 'sum by (namespace) (rate(kafscale_operator_writes_total[10m])) > 1',
    for: '30m',
    severity: 'warning',
    summary: 'The operator writes to the API server all the time',
  },
  {
    name: 'KafScaleOperatorErrors',
    expr: 'sum by (namespace, controller) (increase(controller_runtime_reconcile_errors_total{controller=~"kafscale.+"}[30m])) > 5',
    for: '10m',
    severity: 'warning',
    summary: 'The operator fails at {{ $labels.controller }} again and again',
  },
] as const satisfies readonly AlertRule[]

/** Whether a rule is about the operator: it has no part in the rules of a cluster, whose pods are its brokers. */
export const isOfOperator = ({ expr }: Pick<AlertRule, 'expr'>): boolean =>
  /\b(kafscale_operator|controller_runtime)_/.test(expr)

/** Where the label that says which cluster it is of is not asked for already. */
export function ofPods(expr: string, selector: string): string {
  return expr
    .replace(/\bup\{job="kafscale-broker"\}/g, `up{${selector}}`)
    .replace(/\b(kafscale_\w+)(\{)?/g, (_, name: string, brace?: string) =>
      brace === undefined ? `${name}{${selector}}` : `${name}{${selector},`,
    )
}
