// The container of the program that looks after etcd's data (operator/etcd/agent): before a member starts, and for snapshots.
// It talks to etcd as the brokers do, and to the bucket with the credentials of the brokers.

import type { ClusterInputs } from '../inputs.ts'
import { etcdClientSecret, etcdEndpoints } from './etcd-endpoints.ts'
import { present } from './object.ts'
import { RESTRICTED_CONTAINER } from './pods.ts'
import { bucketCredentials, bucketEnvironment, type EnvVar, etcdPrefix, objectPrefix } from './settings.ts'

export const DATA_FOLDER = '/var/lib/etcd'
export const CONFIG_FOLDER = '/etc/etcd'
export const CERTIFICATES = '/etc/etcd-tls'
const WORK_FOLDER = '/work'
/** Where kubelet reads the last words of a container. */
const LAST_WORDS = '/dev/termination-log'

export type AgentCommand = 'prepare' | 'snapshot'

/** Where snapshots are in the bucket, without a slash at the end. */
export function snapshotPrefix(inputs: Pick<ClusterInputs, 'cluster'>): string {
  const own = inputs.cluster.spec.etcd.managed?.snapshots.prefix
  return own === undefined ? `${objectPrefix(inputs)}/etcd` : own.replace(/\/+$/, '')
}

export function agentContainer(inputs: ClusterInputs, command: AgentCommand) {
  const files = etcdClientSecret(inputs) === undefined ? undefined : `${CERTIFICATES}/client`
  const plain = present<string>({
    KAFSCALE_ETCD_ENDPOINTS: etcdEndpoints(inputs).join(','),
    KAFSCALE_ETCD_PREFIX: etcdPrefix(inputs),
    KAFSCALE_ETCD_TLS_FOLDER: files,
    KAFSCALE_ETCD_DATA: DATA_FOLDER,
    KAFSCALE_ETCD_CONFIG_FOLDER: CONFIG_FOLDER,
    KAFSCALE_SNAPSHOT_PREFIX: snapshotPrefix(inputs),
    KAFSCALE_SNAPSHOTS: inputs.cluster.spec.etcd.managed?.snapshots.enabled === false ? 'false' : 'true',
    KAFSCALE_WORK_FOLDER: WORK_FOLDER,
    KAFSCALE_LAST_WORDS: LAST_WORDS,
    ...bucketEnvironment(inputs),
  })
  const env: EnvVar[] = [
    ...Object.entries(plain).map(([name, value]) => ({ name, value })),
    ...bucketCredentials(inputs),
  ]
  return {
    name: command,
    // The operator's own: another image of the brokers is no reason to restart the members.
    image: inputs.operator.image,
    imagePullPolicy: inputs.cluster.spec.brokers.image.pullPolicy,
    args: ['/app/dist/operator/etcd/main.js', command],
    env,
    securityContext: { ...RESTRICTED_CONTAINER },
    volumeMounts: agentMounts(inputs),
  }
}

export const agentMounts = (inputs: ClusterInputs) => [
  { name: 'work', mountPath: WORK_FOLDER },
  ...(etcdClientSecret(inputs) === undefined
    ? []
    : [{ name: 'client', mountPath: `${CERTIFICATES}/client`, readOnly: true }]),
]

export function agentVolumes(inputs: ClusterInputs) {
  const secretName = etcdClientSecret(inputs)
  return [
    { name: 'work', emptyDir: {} },
    ...(secretName === undefined ? [] : [{ name: 'client', secret: { secretName } }]),
  ]
}
