// spec.brokers: the pods of the brokers.

import { z } from 'zod'
import { settingFacts } from '../../broker/settings.ts'
import {
  anything,
  count,
  countOrPercent,
  hostName,
  labels,
  list,
  nodePort,
  objectName,
  port,
  quantity,
  resources,
  settings,
  text,
  withRules,
} from './schema.ts'

/** Settings that follow from other fields of the spec or from where a pod runs; the operator alone sets them. */
export const OPERATOR_SETTINGS: readonly string[] = [
  'brokerId',
  'listen',
  'advertisedHost',
  'advertisedPort',
  'listeners',
  'advertisedListeners',
  'sharedListeners',
  'internalListener',
  'listenerSecurity',
  'authorizer',
  'superUsers',
  'allowEveryoneIfNoAclFound',
  'rack',
  'metrics',
  'dataDir',
  'etcdEndpoints',
  'etcdPrefix',
  'etcdUsername',
  'etcdPassword',
  'etcdCaFile',
  'etcdCertFile',
  'etcdKeyFile',
  's3Bucket',
  's3Region',
  's3Endpoint',
  's3CaFile',
  's3PathStyle',
  's3AccessKey',
  's3SecretKey',
  's3SessionToken',
  's3KmsArn',
  's3ReadBucket',
  's3ReadRegion',
  's3ReadEndpoint',
  'prefix',
  'drainTimeoutMs',
]

const operatorSettings = new Set(OPERATOR_SETTINGS)

/** Keys that `brokers.config` may have: the settings of docs/settings.md that the operator does not set itself. */
export const CLUSTER_SETTINGS: readonly string[] = settingFacts
  .map(({ key }) => key)
  .filter(key => !operatorSettings.has(key))

export const celList = (names: readonly string[]): string => `[${names.map(name => `'${name}'`).join(', ')}]`

const brokerSettings = withRules(settings(CLUSTER_SETTINGS.length), {
  rule: `self.all(key, key in ${celList(CLUSTER_SETTINGS)})`,
  message: `brokers.config has a key that does not exist or that the operator sets from another field; use only ${CLUSTER_SETTINGS.join(', ')}`,
})

const image = z.object({
  repository: text(300).optional().describe('Image without tag; by default that of the operator.'),
  tag: text(128).optional().describe('Tag of the image; by default that of the operator.'),
  digest: z
    .string()
    .max(71)
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional()
    .describe('Digest of the image; it wins over the tag.'),
  pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent').describe('When the image is pulled.'),
  pullSecrets: list(objectName(), 8).optional().describe('Secrets with credentials of the registry.'),
})

const service = z.object({
  type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).default('ClusterIP').describe('Type of the Service.'),
  annotations: labels().optional().describe('Annotations of the Service.'),
  loadBalancerIP: text(45).optional().describe('Address that the load balancer is asked to have.'),
  loadBalancerSourceRanges: list(text(50), 64).optional().describe('Who may reach the load balancer, CIDR.'),
  externalTrafficPolicy: z.enum(['Cluster', 'Local']).optional().describe('Whether nodes pass traffic on.'),
  kafkaNodePort: nodePort().optional().describe('Port on every node for Kafka clients.'),
  metricsNodePort: nodePort().optional().describe('Port on every node for metrics.'),
})

const drain = z.object({
  timeoutSeconds: z
    .int32()
    .min(1)
    .max(3600)
    .default(30)
    .describe('Time that a broker has to finish requests and flush before it ends.'),
})

const rollout = withRules(
  z.object({
    maxSurge: countOrPercent().default('25%').describe('Brokers that may be there above the wanted number.'),
    maxUnavailable: countOrPercent().default(0).describe('Brokers that may be missing.'),
  }),
  {
    rule: "!has(self.maxSurge) || !(string(self.maxSurge) in ['0', '0%'] && string(self.maxUnavailable) in ['0', '0%'])",
    message: 'brokers.rollout cannot replace any broker: set maxSurge or maxUnavailable above 0',
  },
)

const podTemplate = z.object({
  metadata: z
    .object({
      labels: labels().optional().describe('Labels of the pods.'),
      annotations: labels().optional().describe('Annotations of the pods.'),
    })
    .optional()
    .describe('What pods are marked with.'),
  spec: anything().optional().describe('A pod spec that the operator adds its own to; its own wins.'),
})

export const brokersSchema = z.object({
  replicas: z
    .int32()
    .min(1)
    .max(1000)
    .optional()
    .describe('Brokers that are wanted; 3 if nobody says. In scaling mode Auto only the number to begin with.'),
  image: image.prefault({}).describe('Image of the brokers.'),
  resources: resources().optional().describe('CPU and memory of a broker.'),
  advertisedHost: hostName().optional().describe('Host that clients of brokers.service are told to connect to.'),
  advertisedPort: port().optional().describe('Port that clients of brokers.service are told to connect to.'),
  service: service.optional().describe('Short form of one listener; listeners is the long one.'),
  config: brokerSettings.optional().describe('Settings of the brokers by key, as in docs/settings.md.'),
  drain: drain.prefault({}).describe('How a broker ends.'),
  rollout: rollout.prefault({}).describe('How brokers are replaced when something changes.'),
  maxUnavailable: countOrPercent()
    .optional()
    .describe('Brokers that evictions may take at a time; by default 20 % and at least one.'),
  podTemplate: podTemplate
    .optional()
    .describe('What the pods of the brokers are to have beside what the operator sets.'),
})

/** Original short form of three settings; `brokers.config` has all of them. */
export const shortConfigSchema = z.object({
  segmentBytes: z.int().min(65_536).max(67_108_864).optional().describe('brokers.config.windowBytes.'),
  flushIntervalMs: count().max(60_000).optional().describe('brokers.config.flushIntervalMs.'),
  cacheSize: quantity().optional().describe('brokers.config.cacheBytes, as an amount such as 256Mi.'),
})
