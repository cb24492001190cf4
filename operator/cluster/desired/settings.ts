// The settings of the brokers: what follows from the spec or from the place of a pod goes into its environment, what the
// user chose goes into a file. Secrets are only ever referred to.

import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import { kmsKeyOf, readReplicaOf } from '../../types/object-store.ts'
import { parseQuantity } from '../../types/quantity.ts'
import type { ClusterInputs } from '../inputs.ts'
import { etcdClientSecret, etcdEndpoints } from './etcd-endpoints.ts'
import { securitySettings } from './listener-security.ts'
import { listenerSettings, listenersOf } from './listeners.ts'
import { configName, METRICS_PORT, namespaceOf } from './names.ts'
import { ownedObject, present } from './object.ts'

export const CONFIG_FOLDER = '/etc/kafscale'
export const ETCD_TLS_FOLDER = '/etc/kafscale-etcd'
const CONFIG_FILE = 'broker.yaml'

export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: Readonly<Record<string, unknown>>
}

const field = (name: string, fieldPath: string): EnvVar => ({
  name,
  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
})

const secretKey = (name: string, secret: string, key: string, optional = false): EnvVar => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key, ...(optional ? { optional } : {}) } },
})

/** The first component of object keys: a cluster's own unless the spec names one. At most 64 characters. */
export function objectPrefix({ cluster }: Pick<ClusterInputs, 'cluster'>): string {
  if (cluster.spec.s3.prefix !== undefined) return cluster.spec.s3.prefix
  const name = `${namespaceOf({ cluster })}.${cluster.metadata.name}`
  if (name.length <= 64) return name
  return `${name.slice(0, 51)}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`
}

export const etcdPrefix = ({ cluster }: Pick<ClusterInputs, 'cluster'>): string =>
  cluster.spec.etcd.prefix ?? `/kafscale/${namespaceOf({ cluster })}/${cluster.metadata.name}`

/** The environment of a broker's container. Variables that others refer to come first. */
export function brokerEnvironment(inputs: ClusterInputs): EnvVar[] {
  const { s3, brokers } = inputs.cluster.spec
  const replica = readReplicaOf(s3)
  const plain = present<string>({
    ...listenerSettings(inputs),
    ...securitySettings(inputs, listenersOf(inputs)),
    KAFSCALE_METRICS_ADDR: `:${METRICS_PORT}`,
    KAFSCALE_CONFIG_FILE: `${CONFIG_FOLDER}/${CONFIG_FILE}`,
    KAFSCALE_DRAIN_TIMEOUT_MS: String(brokers.drain.timeoutSeconds * 1000),
    KAFSCALE_ETCD_ENDPOINTS: etcdEndpoints(inputs).join(','),
    KAFSCALE_ETCD_PREFIX: etcdPrefix(inputs),
    ...bucketEnvironment(inputs),
    KAFSCALE_S3_READ_BUCKET: replica?.bucket,
    KAFSCALE_S3_READ_REGION: replica?.region,
    KAFSCALE_S3_READ_ENDPOINT: replica?.endpoint,
  })
  return [
    field('POD_IP', 'status.podIP'),
    field('HOST_IP', 'status.hostIP'),
    // Set on pods by newer API servers from the label of their node; elsewhere empty, which counts as none.
    field('KAFSCALE_RACK', "metadata.labels['topology.kubernetes.io/zone']"),
    ...Object.entries(plain).map(([name, value]) => ({ name, value })),
    ...credentials(inputs),
  ]
}

/** Where objects are written. */
export function bucketEnvironment(inputs: Pick<ClusterInputs, 'cluster'>): Record<string, string> {
  const { s3 } = inputs.cluster.spec
  return present<string>({
    KAFSCALE_S3_BUCKET: s3.bucket,
    KAFSCALE_S3_REGION: s3.region,
    KAFSCALE_S3_ENDPOINT: s3.endpoint,
    KAFSCALE_S3_PATH_STYLE: s3.pathStyle === undefined ? undefined : String(s3.pathStyle),
    KAFSCALE_S3_NAMESPACE: objectPrefix(inputs),
    KAFSCALE_S3_KMS_ARN: kmsKeyOf(s3),
  })
}

/** Nothing when they come from the identity of the account. */
export function bucketCredentials({ cluster }: Pick<ClusterInputs, 'cluster'>): EnvVar[] {
  const secret = cluster.spec.s3.credentialsSecretRef
  if (secret === undefined) return []
  // Either pair of names may be in the Secret; what is not there stays unset.
  return S3_CREDENTIALS.map(name => secretKey(name, secret, name, true))
}

const S3_CREDENTIALS = [
  'KAFSCALE_S3_ACCESS_KEY',
  'KAFSCALE_S3_SECRET_KEY',
  'KAFSCALE_S3_SESSION_TOKEN',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
]

function credentials(inputs: ClusterInputs): EnvVar[] {
  const { etcd } = inputs.cluster.spec
  const login =
    etcd.secretRef === undefined
      ? []
      : [
          secretKey('KAFSCALE_ETCD_USERNAME', etcd.secretRef, 'username'),
          secretKey('KAFSCALE_ETCD_PASSWORD', etcd.secretRef, 'password'),
        ]
  const files =
    etcdClientSecret(inputs) === undefined
      ? []
      : [
          { name: 'KAFSCALE_ETCD_CA_FILE', value: `${ETCD_TLS_FOLDER}/ca.crt` },
          { name: 'KAFSCALE_ETCD_CERT_FILE', value: `${ETCD_TLS_FOLDER}/tls.crt` },
          { name: 'KAFSCALE_ETCD_KEY_FILE', value: `${ETCD_TLS_FOLDER}/tls.key` },
        ]
  return [...bucketCredentials(inputs), ...login, ...files]
}

/** What the user chose: brokers.config, its short forms, and defaults of topics that brokers make. */
export function brokerSettings({ cluster }: Pick<ClusterInputs, 'cluster'>): Record<string, string | number> {
  const { config, topicDefaults, brokers } = cluster.spec
  const chosen = present<string | number>({
    windowBytes: config?.segmentBytes,
    flushIntervalMs: config?.flushIntervalMs,
    cacheBytes: config?.cacheSize === undefined ? undefined : parseQuantity(config.cacheSize),
    autoCreateTopics: topicDefaults?.autoCreate === undefined ? undefined : String(topicDefaults.autoCreate),
    autoCreatePartitions: topicDefaults?.partitions,
    ...brokers.config,
  })
  return Object.fromEntries(Object.entries(chosen).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function configMap(inputs: ClusterInputs): Manifest {
  const data = { [CONFIG_FILE]: stringify(brokerSettings(inputs)) }
  return ownedObject(inputs, RESOURCES.configMaps, { name: configName(inputs), component: 'broker' }, { data })
}

/** Changes with what only a new process reads. */
export function configHash(inputs: ClusterInputs): string {
  return createHash('sha256')
    .update(stringify(brokerSettings(inputs)))
    .digest('hex')
    .slice(0, 16)
}

/** Changes when a Secret that the pods use is another one; says nothing of its content. */
export function secretsVersion({ secrets }: ClusterInputs): string | undefined {
  const used = secrets.filter(({ isReloaded = false }) => !isReloaded)
  if (used.length === 0) return undefined
  const text = used
    .map(({ name, version }) => `${name}=${version}`)
    .sort()
    .join(',')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
