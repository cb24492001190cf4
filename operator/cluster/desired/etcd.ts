// The etcd that the operator runs for a cluster that has none: a StatefulSet whose members find each other by name.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import { managedEtcdOf } from '../../types/etcd.ts'
import { parseQuantity } from '../../types/quantity.ts'
import type { ClusterInputs } from '../inputs.ts'
import { ETCD_CLIENT_PORT, ETCD_PEER_PORT, etcdMemberHost } from './etcd-endpoints.ts'
import { etcdClientName, etcdName, selectorLabels } from './names.ts'
import { ownedObject, present } from './object.ts'
import { httpProbe, RESTRICTED_CONTAINER, RESTRICTED_POD } from './pods.ts'

type ManagedEtcd = NonNullable<ReturnType<typeof managedEtcdOf>>

const DATA = '/var/lib/etcd'
/** Members may take this long to hand their work over. */
const GRACE_SECONDS = 30

/** Nothing when the spec names an etcd that exists. */
export function etcdObjects(inputs: ClusterInputs): Manifest[] {
  const managed = managedEtcdOf(inputs.cluster.spec.etcd)
  if (managed === undefined) return []
  return [membersService(inputs), clientService(inputs), budget(inputs), members(inputs, managed)]
}

const PORTS = [
  { name: 'client', port: ETCD_CLIENT_PORT, targetPort: 'client', protocol: 'TCP' },
  { name: 'peer', port: ETCD_PEER_PORT, targetPort: 'peer', protocol: 'TCP' },
]

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
      metadata: { labels },
      spec: {
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
        containers: [memberContainer(inputs, managed)],
        ...(storage.memory ? { volumes: [{ name: 'data', emptyDir: { medium: 'Memory' } }] } : {}),
      },
    },
    volumeClaimTemplates: storage.memory ? undefined : [volumeClaim(managed)],
  })
  return ownedObject(inputs, RESOURCES.statefulSets, { name: etcdName(inputs), component: 'etcd' }, { spec })
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

function memberContainer(inputs: ClusterInputs, managed: ManagedEtcd) {
  return present<unknown>({
    name: 'etcd',
    image: managed.image ?? inputs.operator.etcdImage,
    imagePullPolicy: 'IfNotPresent',
    command: ['etcd'],
    args: memberArguments(inputs, managed),
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
    ports: PORTS.map(({ name, port, protocol }) => ({ name, containerPort: port, protocol })),
    resources: managed.resources,
    startupProbe: httpProbe({ path: '/livez', port: 'client', periodSeconds: 2, failureThreshold: 150 }),
    livenessProbe: httpProbe({ path: '/livez', port: 'client', periodSeconds: 10, failureThreshold: 6 }),
    readinessProbe: httpProbe({ path: '/readyz', port: 'client', periodSeconds: 3, failureThreshold: 2 }),
    securityContext: { ...RESTRICTED_CONTAINER },
    volumeMounts: [{ name: 'data', mountPath: DATA }],
  })
}

function memberArguments(inputs: ClusterInputs, managed: ManagedEtcd): string[] {
  const hosts = Array.from({ length: managed.replicas }, (_, index) => etcdMemberHost(inputs, index))
  const own = etcdMemberHost(inputs, 0).replace(`${etcdName(inputs)}-0`, '$(POD_NAME)')
  const cluster = hosts.map((host, index) => `${etcdName(inputs)}-${index}=http://${host}:${ETCD_PEER_PORT}`)
  return [
    '--name=$(POD_NAME)',
    `--data-dir=${DATA}/data`,
    `--listen-client-urls=http://0.0.0.0:${ETCD_CLIENT_PORT}`,
    `--advertise-client-urls=http://${own}:${ETCD_CLIENT_PORT}`,
    `--listen-peer-urls=http://0.0.0.0:${ETCD_PEER_PORT}`,
    `--initial-advertise-peer-urls=http://${own}:${ETCD_PEER_PORT}`,
    `--initial-cluster=${cluster.join(',')}`,
    '--initial-cluster-state=new',
    `--initial-cluster-token=${inputs.cluster.metadata.uid ?? inputs.cluster.metadata.name}`,
    `--quota-backend-bytes=${parseQuantity(managed.quota)}`,
  ]
}
