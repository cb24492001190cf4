// The web console of a cluster, when the spec asks for one: a pod that is a Kafka client like any other. It has no rights at
// the API server: what it shows of scaling is in a file that the operator keeps up to date. People sign in as users of the
// cluster where the listener wants that; the pod itself has no password, and no certificate that lets it in anywhere.

import { createHash } from 'node:crypto'
import { addressText } from '../../../broker/client/address.ts'
import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ConsoleSpec } from '../../types/console.ts'
import type { ClusterInputs } from '../inputs.ts'
import { brokerImage, pullSecrets } from './brokers.ts'
import { needsCertificates } from './certificates.ts'
import { consoleListener, consoleNames } from './console-listener.ts'
import { mechanismOf, protocolOf } from './listener-security.ts'
import { type ListenerPlan, serviceHost } from './listeners.ts'
import { brokersMetricsName, CONSOLE_PORT, consoleName, consoleTlsName, METRICS_PORT, selectorLabels } from './names.ts'
import { ownedObject } from './object.ts'
import { httpProbe, RESTRICTED_CONTAINER, RESTRICTED_POD } from './pods.ts'

const CONFIG_FOLDER = '/etc/kafscale-console'
const TLS_FOLDER = '/etc/kafscale-tls/console'
const END_SECONDS = 15

interface ConsolePlan {
  readonly spec: ConsoleSpec
  readonly listener: ListenerPlan
}

/** Undefined for a cluster without a console. */
function planOf(inputs: Pick<ClusterInputs, 'cluster'>): ConsolePlan | undefined {
  const { console: spec } = inputs.cluster.spec
  const listener = consoleListener(inputs)
  return spec === undefined || listener === undefined ? undefined : { spec, listener }
}

/** Where browsers find it inside of the Kubernetes cluster. */
export function consoleUrl(inputs: Pick<ClusterInputs, 'cluster' | 'operator'>): string | undefined {
  if (planOf(inputs) === undefined) return undefined
  const scheme = needsCertificates(inputs) ? 'https' : 'http'
  return `${scheme}://${serviceHost(inputs, consoleName(inputs))}:${CONSOLE_PORT}`
}

export function consoleObjects(inputs: ClusterInputs): Manifest[] {
  const plan = planOf(inputs)
  if (plan === undefined) return []
  return [
    consoleAccount(inputs),
    consoleConfig(inputs, plan),
    ...consoleServices(inputs),
    consoleDeployment(inputs, plan),
  ]
}

const place = (inputs: Pick<ClusterInputs, 'cluster'>) => ({ name: consoleName(inputs), component: 'console' }) as const

/** An account without any rights, and whose identity no cloud knows. */
function consoleAccount(inputs: ClusterInputs): Manifest {
  return ownedObject(inputs, RESOURCES.serviceAccounts, place(inputs), { automountServiceAccountToken: false })
}

/** What the console is told in files, the status of the cluster among it; undefined for a cluster without a console. */
export function consoleMap(inputs: ClusterInputs): Manifest | undefined {
  const plan = planOf(inputs)
  return plan === undefined ? undefined : consoleConfig(inputs, plan)
}

function consoleConfig(inputs: ClusterInputs, { listener }: ConsolePlan): Manifest {
  const authority = listener.tls === undefined ? undefined : inputs.security?.consoleTrusts
  const data = {
    'client.properties': clientProperties(listener, authority !== undefined),
    'cluster.json': `${JSON.stringify(told(inputs), inOrder)}\n`,
    ...(authority === undefined ? {} : { 'ca.crt': authority }),
  }
  return ownedObject(inputs, RESOURCES.configMaps, place(inputs), { data })
}

/** Without an authority it trusts whom everybody trusts. */
function clientProperties(listener: ListenerPlan, hasAuthority: boolean): string {
  const mechanism = mechanismOf(listener)
  return [
    `security.protocol=${protocolOf(listener)}`,
    ...(mechanism === undefined ? [] : [`sasl.mechanism=${mechanism}`]),
    ...(hasAuthority ? ['ssl.truststore.type=PEM', `ssl.truststore.location=${CONFIG_FOLDER}/ca.crt`] : []),
    '',
  ].join('\n')
}

/** As console/scaled-cluster.ts reads it. Nothing else of the spec: somebody may have put a secret into it. */
function told({ cluster: { metadata, spec, status = {} } }: ClusterInputs): unknown {
  const { brokers, scaling, lag, conditions } = status
  return {
    metadata: { namespace: metadata.namespace, name: metadata.name },
    spec: { scaling: spec.scaling },
    status: { brokers, scaling, lag, conditions },
  }
}

/** A status that comes from the API server may have its fields in another order than one that was just put together. */
const inOrder = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

function consoleServices(inputs: ClusterInputs): Manifest[] {
  const own = {
    type: 'ClusterIP',
    selector: selectorLabels(inputs, 'console'),
    ports: [
      {
        name: 'console',
        port: CONSOLE_PORT,
        targetPort: 'console',
        protocol: 'TCP',
        appProtocol: needsCertificates(inputs) ? 'https' : 'http',
      },
    ],
  }
  // The metrics of each broker: also of one that is not ready, which is worth a look.
  const brokers = {
    type: 'ClusterIP',
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector: selectorLabels(inputs, 'broker'),
    ports: [{ name: 'metrics', port: METRICS_PORT, targetPort: 'metrics', protocol: 'TCP' }],
  }
  return [
    ownedObject(inputs, RESOURCES.services, place(inputs), { spec: own }),
    ownedObject(
      inputs,
      RESOURCES.services,
      { name: brokersMetricsName(inputs), component: 'console' },
      { spec: brokers },
    ),
  ]
}

/** One pod: who is signed in is known to it alone. */
function consoleDeployment(inputs: ClusterInputs, plan: ConsolePlan): Manifest {
  const labels = selectorLabels(inputs, 'console')
  const spec = {
    replicas: inputs.cluster.spec.hibernation.enabled ? 0 : 1,
    revisionHistoryLimit: 3,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels, annotations: { 'kafscale.io/config-hash': hashOf(inputs, plan) } },
      spec: {
        serviceAccountName: consoleName(inputs),
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { ...RESTRICTED_POD },
        terminationGracePeriodSeconds: END_SECONDS,
        ...pullSecrets(inputs),
        containers: [consoleContainer(inputs, plan)],
        volumes: [
          { name: 'config', configMap: { name: consoleName(inputs) } },
          ...(needsCertificates(inputs) ? [{ name: 'tls', secret: { secretName: consoleTlsName(inputs) } }] : []),
        ],
      },
    },
  }
  return ownedObject(inputs, RESOURCES.deployments, place(inputs), { spec })
}

/** Changes with what only a new process reads; certificates and the status are read again. */
const hashOf = ({ security }: ClusterInputs, { listener }: ConsolePlan): string =>
  createHash('sha256')
    .update(clientProperties(listener, security?.consoleTrusts !== undefined))
    .digest('hex')
    .slice(0, 16)

function consoleContainer(inputs: ClusterInputs, { spec, listener }: ConsolePlan) {
  const hasTls = needsCertificates(inputs)
  const probe = { path: '/healthz', port: 'console', scheme: hasTls ? 'HTTPS' : 'HTTP' } as const
  return {
    name: 'console',
    image: brokerImage(inputs),
    imagePullPolicy: inputs.cluster.spec.brokers.image.pullPolicy,
    args: [
      ...['/app/dist/cli/main.js', 'console', '--listen', `:${CONSOLE_PORT}`],
      ...['--bootstrap', brokersAddress(inputs, listener)],
      ...['--metrics', `${serviceHost(inputs, brokersMetricsName(inputs))}:${METRICS_PORT}`],
      ...['--command-config', `${CONFIG_FOLDER}/client.properties`, '--cluster-file', `${CONFIG_FOLDER}/cluster.json`],
      ...(hasTls ? ['--cert', `${TLS_FOLDER}/tls.crt`, '--key', `${TLS_FOLDER}/tls.key`] : []),
      ...consoleNames(inputs).flatMap(name => ['--host-name', name]),
      ...(spec.allowChanges ? ['--allow-changes'] : []),
    ],
    ports: [{ name: 'console', containerPort: CONSOLE_PORT, protocol: 'TCP' }],
    ...(spec.resources === undefined ? {} : { resources: spec.resources }),
    startupProbe: httpProbe({ ...probe, periodSeconds: 2, failureThreshold: 60 }),
    readinessProbe: httpProbe({ ...probe, periodSeconds: 3, failureThreshold: 2 }),
    livenessProbe: httpProbe({ ...probe, periodSeconds: 10, failureThreshold: 6 }),
    securityContext: { ...RESTRICTED_CONTAINER },
    volumeMounts: [
      { name: 'config', mountPath: CONFIG_FOLDER, readOnly: true },
      ...(hasTls ? [{ name: 'tls', mountPath: TLS_FOLDER, readOnly: true }] : []),
    ],
  }
}

/** A certificate that somebody else made may stand for the advertised name alone. */
function brokersAddress(inputs: ClusterInputs, listener: ListenerPlan): string {
  const { service, tls, port, advertisedHost, advertisedPort } = listener
  const isForeign = tls?.secretRef !== undefined
  if (!isForeign || advertisedHost === undefined) return `${serviceHost(inputs, service)}:${port}`
  return addressText({ host: advertisedHost, port: advertisedPort ?? port })
}
