// The values of the chart, as a schema: `values.schema.json` is made from it, strict, so that a misspelt value is refused
// instead of being ignored.

import { z } from 'zod'

const words = z.record(z.string(), z.string())
const anyObject = z.looseObject({})

export const valuesSchema = z.strictObject({
  replicas: z.int().min(0).max(10).describe('Operators that run; one of them leads.'),
  image: z
    .strictObject({
      repository: z.string().min(1).describe('Image without tag.'),
      tag: z.string().describe('By default the version of the chart.'),
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).describe('When it is pulled.'),
      pullSecrets: z.array(z.string().min(1)).describe('Names of Secrets with credentials of the registry.'),
    })
    .describe('Image of the operator, and of brokers whose cluster does not say otherwise.'),
  etcdImage: z.string().min(1).describe('Image of the etcd of clusters that have none of their own.'),
  watchNamespace: z
    .string()
    .regex(/^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?(,[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$/)
    .describe('Namespace that is looked after, or several, a,b,c; empty for that of the release, * for all.'),
  service: z
    .strictObject({
      enabled: z.boolean().describe('Makes it.'),
      annotations: words.describe('Annotations of the Service.'),
    })
    .describe('Service of metrics, and of what KEDA may scale clusters by.'),
  clusterDomain: z.string().min(1).describe('DNS domain of Services.'),
  scalingIntervalSeconds: z.int().min(1).max(300).describe('Between two looks at the load of clusters.'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).describe('How much is logged.'),
  crds: z
    .strictObject({
      enabled: z.boolean().describe('Installed and upgraded with the chart.'),
      keep: z.boolean().describe('Stay when the chart is uninstalled.'),
    })
    .describe('The custom resource definitions.'),
  rbac: z.strictObject({ create: z.boolean().describe('Makes roles and bindings.') }).describe('Rights.'),
  serviceAccount: z
    .strictObject({
      create: z.boolean().describe('Makes the account.'),
      name: z.string().describe('By default the name of the release.'),
      annotations: words.describe('Annotations of the account.'),
    })
    .describe('Account of the operator.'),
  heapMegabytes: z.int().min(64).max(8192).describe('Heap of Node.js, MB.'),
  resources: anyObject.describe('CPU and memory of the operator.'),
  podAnnotations: words.describe('Annotations of the pods.'),
  podLabels: words.describe('Labels of the pods.'),
  nodeSelector: words.describe('Nodes that it may run on.'),
  tolerations: z.array(anyObject).describe('Taints that it tolerates.'),
  affinity: anyObject.describe('Affinity of the pods.'),
  priorityClassName: z.string().describe('Priority of the pods.'),
  global: anyObject.optional().describe('Of a chart that this one is a part of; not used.'),
})

export function valuesSchemaJson(): string {
  const schema = z.toJSONSchema(valuesSchema, { target: 'draft-7' })
  return `${JSON.stringify({ ...schema, title: 'Values of the KafScale chart' }, undefined, 2)}\n`
}
