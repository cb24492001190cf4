// What others may scale by: for each cluster the size that its signals ask for, and the signals themselves, as a page of JSON
// for KEDA's metrics-api trigger and as metrics for everybody else.
//
// The leader shows its last look. Who waits to lead shows what the status says, so that it does not matter which of the
// operators is asked.

import { Gauge, type Registry } from 'prom-client'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { payingSeconds } from './attribution.ts'
import type { Look } from './autoscaler.ts'

export interface Published {
  /** Brokers that there are to be, within the limits of the spec; that of Recommend and External is a recommendation. */
  readonly desiredReplicas: number
  readonly currentReplicas: number
  readonly mode: string
  readonly explanation: string
  /** Seconds behind of the lag that brokers can cure. */
  readonly lagSeconds?: number
  readonly signals: Readonly<Record<string, { readonly value: number; readonly target: number }>>
}

/** Undefined while nothing is known. */
export function published({ spec, status }: KafScaleCluster, look: Look | undefined): Published | undefined {
  const { mode } = spec.scaling
  if (look === undefined) {
    const { desired, explanation = '', signals = [] } = status?.scaling ?? {}
    if (desired === undefined) return undefined
    const seen = signals.map(({ name, value, target }) => ({ name, value, target }))
    const facts = { desiredReplicas: desired, currentReplicas: status?.brokers?.replicas ?? 0, mode, explanation }
    return { ...facts, signals: known(seen) }
  }
  const { decision, observation } = look
  return {
    desiredReplicas: decision.desired,
    currentReplicas: observation.current,
    mode,
    explanation: decision.explanation,
    ...(observation.lag === undefined ? {} : { lagSeconds: payingSeconds(decision.lag, false) }),
    signals: known(decision.proposals),
  }
}

function known(
  signals: readonly { readonly name: string; readonly value?: number | undefined; readonly target: number }[],
): Published['signals'] {
  return Object.fromEntries(
    signals.flatMap(({ name, value, target }) => (value === undefined ? [] : [[name, { value, target }]])),
  )
}

export interface PublishedCluster {
  readonly namespace: string
  readonly name: string
  readonly published: Published
}

/** Registers gauges that show `clusters` whenever Prometheus asks. */
export function publishMetrics(registry: Registry, clusters: () => Iterable<PublishedCluster>): void {
  const gauge = (
    name: string,
    help: string,
    show: (gauge: Gauge, labels: Record<string, string>, published: Published) => void,
  ): void => {
    const labelNames = ['namespace', 'cluster', 'signal']
    const registers = [registry]
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect: function () {
        this.reset()
        for (const { namespace, name: cluster, published: facts } of clusters())
          show(this, { namespace, cluster }, facts)
      },
    })
  }
  gauge('kafscale_operator_scaling_desired_replicas', 'Brokers that the signals ask for', (one, labels, facts) =>
    one.set(labels, facts.desiredReplicas),
  )
  gauge('kafscale_operator_scaling_current_replicas', 'Brokers that are wanted now', (one, labels, facts) =>
    one.set(labels, facts.currentReplicas),
  )
  gauge('kafscale_operator_scaling_lag_seconds', 'Seconds behind that brokers can cure', (one, labels, facts) => {
    if (facts.lagSeconds !== undefined) one.set(labels, facts.lagSeconds)
  })
  gauge('kafscale_operator_scaling_signal', 'Value of a signal', (one, labels, { signals }) => {
    for (const [signal, { value }] of Object.entries(signals)) one.set({ ...labels, signal }, value)
  })
}
