// Every setting of the operator, from its environment. Nothing else reads it.

import { z } from 'zod'
import { logLevels } from '../broker/observe/logger.ts'

const text = (pattern: RegExp, what: string) => z.string().regex(pattern, `must be ${what}`)
const LABELS = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(,[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

export const operatorSettingsSchema = z.object({
  KAFSCALE_OPERATOR_WATCH_NAMESPACE: z
    .union([z.literal('*'), text(LABELS, 'a namespace, several with commas between, or * for all')])
    .optional()
    .describe(
      'Namespaces whose clusters and topics are looked after, a,b,c; * for all. By default that of the operator.',
    ),
  KAFSCALE_OPERATOR_LEADER_KEY: text(LABEL, 'a name of a Lease')
    .default('kafscale-operator')
    .describe('Name of the Lease by which one of several operators leads.'),
  KAFSCALE_OPERATOR_METRICS_PORT: z.coerce
    .number('must be a port')
    .int()
    .min(0)
    .max(65535)
    .default(8080)
    .describe('Port of /metrics, /healthz and /readyz.'),
  BROKER_IMAGE: z.string().min(1).default('localhost/kafscale:0.1.0').describe('Image of the brokers.'),
  KAFSCALE_OPERATOR_ETCD_IMAGE: z
    .string()
    .min(1)
    .default('localhost/etcd:3.6.14')
    .describe('Image of the etcd of clusters that have none of their own.'),
  KAFSCALE_OPERATOR_CLUSTER_DOMAIN: z.string().min(1).default('cluster.local').describe('DNS domain of Services.'),
  KAFSCALE_OPERATOR_SCALING_INTERVAL_SECONDS: z.coerce
    .number('must be a number of seconds')
    .int()
    .min(1)
    .max(300)
    .default(15)
    .describe('Between two looks at the load of clusters, as long as the HorizontalPodAutoscaler waits by default.'),
  KAFSCALE_OPERATOR_KUBECONFIG: z.string().optional().describe('Kubeconfig file, to run outside of Kubernetes.'),
  KAFSCALE_LOG_LEVEL: z.enum(logLevels).default('info').describe('How much is logged.'),
  POD_NAME: z.string().min(1).optional().describe('Name of the pod: what the Lease and events name as the holder.'),
})

export type OperatorSettings = Readonly<z.output<typeof operatorSettingsSchema>>

/** A setting is wrong; the message is one line that names it. */
export class OperatorSettingsError extends Error {
  override readonly name = 'OperatorSettingsError'
}

/** Empty variables count as none. Throws OperatorSettingsError. */
export function operatorSettings(environment: Readonly<Record<string, string | undefined>>): OperatorSettings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = operatorSettingsSchema.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const name = String(issue?.path[0])
  throw new OperatorSettingsError(`${name}: ${issue?.message}, but it is "${given[name]}"`)
}
