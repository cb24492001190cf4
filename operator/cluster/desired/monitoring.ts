// What Prometheus is told, where its operator's kinds are installed: a PodMonitor and the alerts of one cluster.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
import { ALERT_RULES, type AlertRule, isOfOperator, ofPods } from './alert-rules.ts'
import { brokersName, namespaceOf, selectorLabels } from './names.ts'
import { ownedObject } from './object.ts'

export function podMonitor(inputs: ClusterInputs): Manifest | undefined {
  const { podMonitor: isWanted, intervalSeconds, labels } = inputs.cluster.spec.monitoring
  if (!isWanted || !inputs.has.podMonitors) return undefined
  const spec = {
    selector: { matchLabels: selectorLabels(inputs, 'broker') },
    podMetricsEndpoints: [{ port: 'metrics', path: '/metrics', interval: `${intervalSeconds}s` }],
  }
  const plan = { name: brokersName(inputs), component: 'broker', labels } as const
  return ownedObject(inputs, RESOURCES.podMonitors, plan, { spec })
}

export function prometheusRule(inputs: ClusterInputs): Manifest | undefined {
  const { prometheusRule: isWanted, labels } = inputs.cluster.spec.monitoring
  if (!isWanted || !inputs.has.prometheusRules) return undefined
  const name = brokersName(inputs)
  const spec = { groups: [{ name: `${namespaceOf(inputs)}.${name}`, rules: alerts(inputs) }] }
  return ownedObject(inputs, RESOURCES.prometheusRules, { name, component: 'broker', labels }, { spec })
}

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: AlertRule['severity'] }
  readonly annotations: { readonly summary: string; readonly runbook: string }
}

function alerts(inputs: ClusterInputs): Alert[] {
  const pods = `namespace="${namespaceOf(inputs)}",pod=~"${brokersName(inputs)}-.*"`
  const cluster = `${namespaceOf(inputs)}/${inputs.cluster.metadata.name}`
  const ofBrokers = ALERT_RULES.filter(rule => !isOfOperator(rule))
  return ofBrokers.map(rule => ({
    alert: rule.name,
    expr: ofPods(rule.expr, pods),
    for: rule.for,
    labels: { severity: rule.severity },
    annotations: { summary: `${cluster}: ${rule.summary}`, runbook: `docs/runbooks/${rule.name}.md` },
  }))
}
