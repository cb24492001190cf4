// What Prometheus is told, where its operator's kinds are installed: a PodMonitor and the alerts of one cluster.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
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
  readonly labels: { readonly severity: 'warning' | 'critical' }
  readonly annotations: { readonly summary: string; readonly description: string }
}

function alerts(inputs: ClusterInputs): Alert[] {
  const pods = `namespace="${namespaceOf(inputs)}",pod=~"${brokersName(inputs)}-.*"`
  const cluster = `${namespaceOf(inputs)}/${inputs.cluster.metadata.name}`
  return [
    {
      alert: 'KafScaleNoBrokers',
      expr: `absent(kafscale_topics{${pods}})`,
      for: '2m',
      labels: { severity: 'critical' },
      annotations: {
        summary: `No broker of ${cluster} answers.`,
        description: 'Clients cannot connect. kubectl describe the KafScaleCluster: its condition Ready says why.',
      },
    },
    {
      alert: 'KafScaleLedgerErrors',
      expr: `sum(rate(kafscale_ledger_append_errors_total{${pods}}[5m])) > 0`,
      for: '5m',
      labels: { severity: 'critical' },
      annotations: {
        summary: `etcd does not take the writes of ${cluster}.`,
        description: 'Producers are refused with retriable errors. Look at etcd: quorum, space, latency.',
      },
    },
    {
      alert: 'KafScaleObjectStoreErrors',
      expr: `sum(rate(kafscale_object_store_errors_total{${pods},verb="put"}[5m])) > 0`,
      for: '5m',
      labels: { severity: 'warning' },
      annotations: {
        summary: `The bucket does not take the objects of ${cluster}.`,
        description:
          'Producers are refused with retriable errors. Look at credentials, throttling, and the S3 service.',
      },
    },
  ]
}
