// The Deployment of the brokers. It has no number of replicas: that is written through /scale by somebody else, so that no
// apply ever fights an autoscaler (see OPERATOR.md §4).

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
import { serviceAccountName } from './account.ts'
import { securityMounts, securityVolumes } from './certificates.ts'
import { etcdClientSecret } from './etcd-endpoints.ts'
import { containerPorts } from './listeners.ts'
import { brokersName, configName, selectorLabels } from './names.ts'
import { ownedObject } from './object.ts'
import { httpProbe, RESTRICTED_CONTAINER, RESTRICTED_POD, spread } from './pods.ts'
import { brokerEnvironment, CONFIG_FOLDER, configHash, ETCD_TLS_FOLDER, secretsVersion } from './settings.ts'

/** Endpoints need some time to forget a pod that is about to end; until then it goes on accepting. */
const FORGET_SECONDS = 5
/** For the end of the session and of the process, beyond the drain. */
const END_SECONDS = 15

export function brokerImage({ cluster, operator }: Pick<ClusterInputs, 'cluster' | 'operator'>): string {
  const { repository, tag, digest } = cluster.spec.brokers.image
  const [, ownRepository = operator.image, ownTag] = /^(.*?)(?::([^:/@]+)|@.+)?$/.exec(operator.image) ?? []
  const name = repository ?? ownRepository
  if (digest !== undefined) return `${name}@${digest}`
  if (repository === undefined && tag === undefined) return operator.image
  const chosen = tag ?? ownTag
  return chosen === undefined ? name : `${name}:${chosen}`
}

export function brokerDeployment(inputs: ClusterInputs): Manifest {
  const { brokers } = inputs.cluster.spec
  const labels = selectorLabels(inputs, 'broker')
  const content = {
    spec: {
      selector: { matchLabels: labels },
      minReadySeconds: 5,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { ...brokers.rollout } },
      template: podTemplate(inputs, labels),
    },
  }
  return ownedObject(inputs, RESOURCES.deployments, { name: brokersName(inputs), component: 'broker' }, content)
}

function podTemplate(inputs: ClusterInputs, labels: Record<string, string>) {
  const { brokers } = inputs.cluster.spec
  const { metadata, spec: base = {} } = brokers.podTemplate ?? {}
  const secrets = secretsVersion(inputs)
  return {
    metadata: {
      labels: { ...metadata?.labels, ...labels },
      annotations: {
        ...metadata?.annotations,
        'kafscale.io/config-hash': configHash(inputs),
        ...(secrets === undefined ? {} : { 'kafscale.io/secrets-version': secrets }),
      },
    },
    spec: {
      topologySpreadConstraints: spread(labels),
      ...base,
      serviceAccountName: serviceAccountName(inputs),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { ...RESTRICTED_POD },
      terminationGracePeriodSeconds: FORGET_SECONDS + brokers.drain.timeoutSeconds + END_SECONDS,
      ...pullSecrets(inputs),
      containers: [brokerContainer(inputs), ...otherContainers(base)],
      volumes: [...volumes(inputs), ...listOf(base, 'volumes')],
    },
  }
}

function brokerContainer(inputs: ClusterInputs) {
  const { brokers } = inputs.cluster.spec
  const mounts = [
    { name: 'config', mountPath: CONFIG_FOLDER, readOnly: true },
    ...(etcdClientSecret(inputs) === undefined
      ? []
      : [{ name: 'etcd-tls', mountPath: ETCD_TLS_FOLDER, readOnly: true }]),
    ...securityMounts(inputs),
  ]
  return {
    name: 'broker',
    image: brokerImage(inputs),
    imagePullPolicy: brokers.image.pullPolicy,
    args: ['/app/dist/broker/main.js'],
    env: brokerEnvironment(inputs),
    ports: containerPorts(inputs),
    ...(brokers.resources === undefined ? {} : { resources: brokers.resources }),
    startupProbe: httpProbe({ path: '/healthz', port: 'metrics', periodSeconds: 2, failureThreshold: 60 }),
    readinessProbe: httpProbe({ path: '/readyz', port: 'metrics', periodSeconds: 3, failureThreshold: 2 }),
    livenessProbe: httpProbe({ path: '/healthz', port: 'metrics', periodSeconds: 10, failureThreshold: 6 }),
    lifecycle: { preStop: { sleep: { seconds: FORGET_SECONDS } } },
    securityContext: { ...RESTRICTED_CONTAINER },
    volumeMounts: mounts,
  }
}

function volumes(inputs: ClusterInputs) {
  const secretName = etcdClientSecret(inputs)
  const config = { name: 'config', configMap: { name: configName(inputs) } }
  const etcd = secretName === undefined ? [] : [{ name: 'etcd-tls', secret: { secretName } }]
  return [config, ...etcd, ...securityVolumes(inputs)]
}

export function pullSecrets({ cluster }: Pick<ClusterInputs, 'cluster'>) {
  const { pullSecrets: names } = cluster.spec.brokers.image
  return names === undefined ? {} : { imagePullSecrets: names.map(name => ({ name })) }
}

/** Containers of the pod template beside the broker's own, which is the operator's. */
function otherContainers(base: Readonly<Record<string, unknown>>): unknown[] {
  return listOf(base, 'containers').filter(container => !isNamed(container, 'broker'))
}

function isNamed(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && value.name === name
}

function listOf(base: Readonly<Record<string, unknown>>, field: string): unknown[] {
  const value = base[field]
  return Array.isArray(value) ? value : []
}
