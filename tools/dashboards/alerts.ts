/**
 * For each alert rule a story in which it fires and one in which it keeps quiet; e2e/observability runs them through promtool.
 * The job of brokers is called `kafscale-broker`.
 */
import { ALERT_RULES, type AlertRule } from '../../operator/cluster/desired/alert-rules.ts'

export interface Story {
  /** In promtool's notation: the value at each minute. */
  readonly series: readonly { readonly series: string; readonly values: string }[]
}

export interface Alert extends AlertRule {
  /** Fires at the end of an hour and a half of it. */
  readonly fires: Story
  readonly quiet: Story
}

const story = (...series: readonly (readonly [series: string, values: string])[]): Story => ({
  series: series.map(([name, values]) => ({ series: name, values })),
})

const MINUTES = 'x100'

/** Made and ending so many days after the beginning of 1970, which is where promtool begins. */
const certificate = (start: number, end: number): Story =>
  story(
    [`kafscale_certificate_start_timestamp_seconds{instance="a",listener="TLS"}`, `${start * 86_400}${MINUTES}`],
    [`kafscale_certificate_expiry_timestamp_seconds{instance="a",listener="TLS"}`, `${end * 86_400}${MINUTES}`],
  )

const STORIES: Readonly<Record<(typeof ALERT_RULES)[number]['name'], Pick<Alert, 'fires' | 'quiet'>>> = {
  KafScaleNoBrokers: {
    fires: story(['kafscale_topics{instance="a"}', '1x10']),
    quiet: story(['kafscale_topics{instance="a"}', `1${MINUTES}`]),
  },
  KafScaleBrokerDown: {
    fires: story(['up{job="kafscale-broker",instance="a"}', `0${MINUTES}`]),
    quiet: story(['up{job="kafscale-broker",instance="a"}', `1${MINUTES}`]),
  },
  KafScaleCutOff: {
    fires: story(['kafscale_cut_off{instance="a"}', `1${MINUTES}`]),
    quiet: story(['kafscale_cut_off{instance="a"}', `0${MINUTES}`]),
  },
  KafScaleLedgerErrors: {
    fires: story(['kafscale_ledger_append_errors_total{instance="a"}', `0+6${MINUTES}`]),
    quiet: story(['kafscale_ledger_append_errors_total{instance="a"}', `7${MINUTES}`]),
  },
  KafScaleLedgerSlow: {
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
  KafScaleStoreErrors: {
    fires: story(['kafscale_object_store_errors_total{instance="a",verb="put",error="StoreError"}', `0+30${MINUTES}`]),
    quiet: story(['kafscale_object_store_errors_total{instance="a",verb="put",error="StoreError"}', `0+1${MINUTES}`]),
  },
  KafScaleStoreSlow: {
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
  KafScaleProducersHeldBack: {
    fires: story(['kafscale_produce_connections_waiting{instance="a"}', `3${MINUTES}`]),
    quiet: story(['kafscale_produce_connections_waiting{instance="a"}', `0${MINUTES}`]),
  },
  KafScaleConsumerLag: {
    fires: story(['kafscale_group_lag_seconds{group="g",topic="t"}', `400${MINUTES}`]),
    quiet: story(['kafscale_group_lag_seconds{group="g",topic="t"}', `5${MINUTES}`]),
  },
  KafScaleGroupWithoutMembers: {
    fires: story(
      ['kafscale_group_lag{group="g",topic="t"}', `10${MINUTES}`],
      ['kafscale_group_members{group="g"}', `0${MINUTES}`],
    ),
    quiet: story(
      ['kafscale_group_lag{group="g",topic="t"}', `10${MINUTES}`],
      ['kafscale_group_members{group="g"}', `2${MINUTES}`],
    ),
  },
  KafScaleRequestErrors: {
    fires: story([
      'kafscale_request_errors_total{instance="a",api="Produce",error="KAFKA_STORAGE_ERROR"}',
      `0+60${MINUTES}`,
    ]),
    quiet: story(['kafscale_request_errors_total{instance="a",api="Fetch",error="NOT_COORDINATOR"}', `0+60${MINUTES}`]),
  },
  KafScaleStatesDiffer: {
    fires: story(['kafscale_state_audits_total{instance="a",verdict="differ"}', `0+1${MINUTES}`]),
    quiet: story(['kafscale_state_audits_total{instance="a",verdict="agree"}', `0+1${MINUTES}`]),
  },
  KafScaleUpkeepFailing: {
    fires: story(['kafscale_upkeep_errors_total{instance="a",task="sweep"}', `0+1${MINUTES}`]),
    quiet: story(['kafscale_upkeep_errors_total{instance="a",task="sweep"}', `1${MINUTES}`]),
  },
  KafScaleDeadObjects: {
    fires: story(['kafscale_objects_dead{instance="a"}', `20000${MINUTES}`]),
    quiet: story(['kafscale_objects_dead{instance="a"}', `10${MINUTES}`]),
  },
  KafScaleEventLoopBusy: {
    fires: story(['kafscale_event_loop_active_seconds_total{instance="a"}', `0+58${MINUTES}`]),
    quiet: story(['kafscale_event_loop_active_seconds_total{instance="a"}', `0+20${MINUTES}`]),
  },
  KafScaleAuthenticationFailures: {
    fires: story(['kafscale_authentication_failures_total{instance="a",listener="CLIENTS"}', `0+120${MINUTES}`]),
    quiet: story(['kafscale_authentication_failures_total{instance="a",listener="CLIENTS"}', `0+1${MINUTES}`]),
  },
  KafScaleRequestCost: {
    fires: story(['kafscale_s3_request_dollars_total{instance="a",class="put"}', `0+0.05${MINUTES}`]),
    quiet: story(['kafscale_s3_request_dollars_total{instance="a",class="put"}', `0+0.001${MINUTES}`]),
  },
  KafScaleCertificateExpires: {
    // promtool begins at the beginning of 1970.
    fires: certificate(-27, 13),
    // It lives for a day, and most of that is left.
    quiet: certificate(-0.1, 0.9),
  },
  KafScaleOperatorErrors: {
    fires: story([
      'controller_runtime_reconcile_errors_total{controller="kafscalecluster",namespace="kafscale"}',
      `0+2${MINUTES}`,
    ]),
    quiet: story(
      ['controller_runtime_reconcile_errors_total{controller="kafscalecluster",namespace="kafscale"}', `7${MINUTES}`],
      ['controller_runtime_reconcile_errors_total{controller="somebody-elses"}', `0+9${MINUTES}`],
    ),
  },
  KafScaleOperatorRunaway: {
    fires: story(['kafscale_operator_writes_total{method="PATCH"}', `0+120${MINUTES}`]),
    quiet: story(['kafscale_operator_writes_total{method="PATCH"}', `9${MINUTES}`]),
  },
}

export const ALERTS: readonly Alert[] = ALERT_RULES.map(rule => ({ ...rule, ...STORIES[rule.name] }))
