// The etcd that the operator runs for a cluster that has none: a StatefulSet whose members find each other by name.
//
// What may change without replacing members is in a ConfigMap that becomes their environment: which life it is (see
// operator/etcd/life.ts). Before etcd starts, the program `prepare` (operator/etcd/agent) looks at the volume, restores or
// joins again where that is needed, and writes etcd's configuration file.

import { createHash } from 'node:crypto'
import { lifeSettings } from '../../etcd/life.ts'
import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import { managedEtcdOf } from '../../types/etcd.ts'
import { parseQuantity } from '../../types/quantity.ts'
import type { ClusterInputs } from '../inputs.ts'
import { serviceAccountName } from './account.ts'
import { agentContainer, agentMounts, agentVolumes, CERTIFICATES, CONFIG_FOLDER, DATA_FOLDER } from './etcd-agent.ts'
import {
  ETCD_CLIENT_PORT,
  ETCD_METRICS_PORT,
  ETCD_PEER_PORT,
  etcdMemberHost,
  etcdMemberName,
  etcdPeerCommonName,
} from './etcd-endpoints.ts'
import { etcdSnapshots } from './etcd-snapshots.ts'
import { etcdClientName, etcdConfigName, etcdName, etcdSecretName, selectorLabels } from './names.ts'
import { ownedObject, present } from './object.ts'
import { httpProbe, RESTRICTED_CONTAINER, RESTRICTED_POD } from './pods.ts'

type ManagedEtcd = NonNullable<ReturnType<typeof managedEtcdOf>>

/** Members may take this long to hand their work over. */
const GRACE_SECONDS = 30

/** By this a member shows which authorities it was started to trust. */
export const TRUST_ANNOTATION = 'kafscale.io/etcd-trust'

/** Nothing when the spec names an etcd that exists, or while it is not known how the one that is managed stands. */
export function etcdObjects(inputs: ClusterInputs): Manifest[] {
  const managed = managedEtcdOf(inputs.cluster.spec.etcd)
  if (managed === undefined || inputs.etcd === undefined) return []
  return [
    settings(inputs),
    membersService(inputs),
    clientService(inputs),
    budget(inputs),
    members(inputs, managed),
    ...etcdSnapshots(inputs, managed),
  ]
}

const PORTS = [
  { name: 'client', port: ETCD_CLIENT_PORT, targetPort: 'client', protocol: 'TCP' },
  { name: 'peer', port: ETCD_PEER_PORT, targetPort: 'peer', protocol: 'TCP' },
]
const CONTAINER_PORTS = [
  ...PORTS.map(({ name, port, protocol }) => ({ name, containerPort: port, protocol })),
  { name: 'metrics', containerPort: ETCD_METRICS_PORT, protocol: 'TCP' },
]

function settings(inputs: ClusterInputs): Manifest {
  const identity = inputs.cluster.metadata.uid ?? inputs.cluster.metadata.name
  const data = inputs.etcd === undefined ? {} : lifeSettings(inputs.etcd.life, identity)
  return ownedObject(inputs, RESOURCES.configMaps, { name: etcdConfigName(inputs), component: 'etcd' }, { data })
}

function membersService(inputs: ClusterInputs): Manifest {
  const spec = {
    clusterIP: 'None',
    // Members look for each other before any of them is ready.
    publishNotReadyAddresses: true,
    selector: selectorLabels(inputs, 'etcd'),
    ports: PORTS,
  }
  return ownedObject(inputs, RESOURCES.services, { name: etcdName(inputs), component: 'etcd' }, { spec })
}

function clientService(inputs: ClusterInputs): Manifest {
  const spec = { type: 'ClusterIP', selector: selectorLabels(inputs, 'etcd'), ports: PORTS.slice(0, 1) }
  return ownedObject(inputs, RESOURCES.services, { name: etcdClientName(inputs), component: 'etcd' }, { spec })
}

function budget(inputs: ClusterInputs): Manifest {
  const spec = {
    maxUnavailable: 1,
    selector: { matchLabels: selectorLabels(inputs, 'etcd') },
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
  }
  return ownedObject(inputs, RESOURCES.podDisruptionBudgets, { name: etcdName(inputs), component: 'etcd' }, { spec })
}

function members(inputs: ClusterInputs, managed: ManagedEtcd): Manifest {
  const labels = selectorLabels(inputs, 'etcd')
  const { storage } = managed
  const spec = present<unknown>({
    replicas: managed.replicas,
    serviceName: etcdName(inputs),
    // A cluster of members can only form when all of them are started.
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: labels },
    updateStrategy: { type: 'RollingUpdate' },
    template: {
      metadata: { labels, annotations: annotations(inputs, managed) },
      spec: {
        serviceAccountName: serviceAccountName(inputs),
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { ...RESTRICTED_POD },
        terminationGracePeriodSeconds: GRACE_SECONDS,
        topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map(topologyKey => ({
          maxSkew: 1,
          topologyKey,
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: labels },
        })),
        initContainers: [prepareContainer(inputs, managed)],
        containers: [memberContainer(inputs, managed)],
        volumes: volumes(inputs, managed),
      },
    },
    volumeClaimTemplates: storage.memory ? undefined : [volumeClaim(managed)],
    // A ledger must not outlive the objects that it names.
    persistentVolumeClaimRetentionPolicy:
      inputs.cluster.spec.deletionPolicy === 'Delete' ? { whenDeleted: 'Delete', whenScaled: 'Retain' } : undefined,
  })
  return ownedObject(inputs, RESOURCES.statefulSets, { name: etcdName(inputs), component: 'etcd' }, { spec })
}

function annotations(inputs: ClusterInputs, managed: ManagedEtcd): Record<string, string> {
  const text = JSON.stringify(memberConfig(inputs, managed))
  return present<string>({
    'kafscale.io/config-hash': createHash('sha256').update(text).digest('hex').slice(0, 16),
    [TRUST_ANNOTATION]: inputs.etcd?.trust,
  })
}

function volumeClaim({ storage }: ManagedEtcd) {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: present<unknown>({
      accessModes: ['ReadWriteOnce'],
      storageClassName: storage.storageClass,
      resources: { requests: { storage: storage.size } },
      volumeMode: 'Filesystem',
    }),
  }
}

function volumes(inputs: ClusterInputs, { storage, tls }: ManagedEtcd) {
  const secrets = (['server', 'peer'] as const).map(role => ({
    name: role,
    secret: { secretName: etcdSecretName(inputs, role) },
  }))
  return [
    { name: 'config', emptyDir: {} },
    ...agentVolumes(inputs),
    ...(tls ? secrets : []),
    ...(storage.memory ? [{ name: 'data', emptyDir: { medium: 'Memory' } }] : []),
  ]
}

const DATA_MOUNTS = [
  { name: 'data', mountPath: DATA_FOLDER },
  { name: 'config', mountPath: CONFIG_FOLDER },
]

function prepareContainer(inputs: ClusterInputs, managed: ManagedEtcd) {
  return {
    ...agentContainer(inputs, 'prepare'),
    env: [
      ...agentContainer(inputs, 'prepare').env,
      { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
      { name: 'KAFSCALE_ETCD_PEERS', value: etcdPeers(inputs, managed).join(',') },
      { name: 'KAFSCALE_ETCD_CONFIG', value: JSON.stringify(memberConfig(inputs, managed)) },
    ],
    envFrom: [{ configMapRef: { name: etcdConfigName(inputs) } }],
    volumeMounts: [...DATA_MOUNTS, ...agentMounts(inputs)],
  }
}

const etcdPeers = (inputs: ClusterInputs, { replicas, tls }: ManagedEtcd): string[] =>
  Array.from({ length: replicas }, (_, index) => {
    const url = `${tls ? 'https' : 'http'}://${etcdMemberHost(inputs, index)}:${ETCD_PEER_PORT}`
    return `${etcdMemberName(inputs, index)}=${url}`
  })

function memberContainer(inputs: ClusterInputs, managed: ManagedEtcd) {
  const mounts = [
    ...DATA_MOUNTS,
    ...(managed.tls
      ? (['server', 'peer'] as const).map(name => ({ name, mountPath: `${CERTIFICATES}/${name}`, readOnly: true }))
      : []),
  ]
  return present<unknown>({
    name: 'etcd',
    image: managed.image ?? inputs.operator.etcdImage,
    imagePullPolicy: 'IfNotPresent',
    command: ['etcd'],
    args: [`--config-file=${CONFIG_FOLDER}/etcd.yaml`],
    ports: CONTAINER_PORTS,
    resources: managed.resources,
    startupProbe: httpProbe({ path: '/livez', port: 'metrics', periodSeconds: 2, failureThreshold: 150 }),
    livenessProbe: httpProbe({ path: '/livez', port: 'metrics', periodSeconds: 10, failureThreshold: 6 }),
    readinessProbe: httpProbe({ path: '/readyz', port: 'metrics', periodSeconds: 3, failureThreshold: 2 }),
    securityContext: { ...RESTRICTED_CONTAINER },
    volumeMounts: mounts,
  })
}

/** etcd's configuration file without what only `prepare` knows: the name, the URLs and the other members. */
function memberConfig(inputs: ClusterInputs, managed: ManagedEtcd): Record<string, unknown> {
  const scheme = managed.tls ? 'https' : 'http'
  return {
    'data-dir': `${DATA_FOLDER}/data`,
    'listen-client-urls': `${scheme}://0.0.0.0:${ETCD_CLIENT_PORT}`,
    'listen-peer-urls': `${scheme}://0.0.0.0:${ETCD_PEER_PORT}`,
    'listen-metrics-urls': `http://0.0.0.0:${ETCD_METRICS_PORT}`,
    'quota-backend-bytes': parseQuantity(managed.quota),
    ...(managed.tls ? security(inputs) : {}),
  }
}

function security(inputs: ClusterInputs) {
  const files = (role: string) => ({
    'cert-file': `${CERTIFICATES}/${role}/tls.crt`,
    'key-file': `${CERTIFICATES}/${role}/tls.key`,
    'trusted-ca-file': `${CERTIFICATES}/${role}/ca.crt`,
    'client-cert-auth': true,
  })
  return {
    'client-transport-security': files('server'),
    'peer-transport-security': { ...files('peer'), 'allowed-cn': [etcdPeerCommonName(inputs)] },
  }
}
