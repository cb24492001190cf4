// The listeners of a cluster, whichever way the spec has them, and where clients of each are told to connect.

import { addressText } from '../../../broker/client/address.ts'
import { type ListenerSpec, listenerSchema } from '../../types/listener.ts'
import type { ClusterInputs } from '../inputs.ts'
import { isSecured, protocolOf, withSecurity } from './listener-security.ts'
import {
  listenerServiceName,
  METRICS_PORT,
  namespaceOf,
  OPERATOR_LISTENER,
  OPERATOR_PORT,
  operatorServiceName,
  PEER_LISTENER,
  PEER_PORT,
} from './names.ts'

export interface ListenerPlan extends ListenerSpec {
  /** Name of its Service. */
  readonly service: string
  /** Name that the brokers have for it. */
  readonly brokerName: string
  readonly serviceType: 'ClusterIP' | 'NodePort' | 'LoadBalancer'
  readonly metricsNodePort: number | undefined
}

interface HostPort {
  readonly host: string
  readonly port: number
}

const DEFAULT_PORT = 9092
const SERVICE_TYPES = { internal: 'ClusterIP', nodePort: 'NodePort', loadBalancer: 'LoadBalancer' } as const
const TYPES = { ClusterIP: 'internal', NodePort: 'nodePort', LoadBalancer: 'loadBalancer' } as const

/** Filled in by the kubelet; in brackets, as an IPv6 address has to be. */
const POD = '[$(POD_IP)]'
const NODE = '[$(HOST_IP)]'

export function listenersOf(inputs: Pick<ClusterInputs, 'cluster'>): ListenerPlan[] {
  const { listeners, brokers, security } = inputs.cluster.spec
  const specs = listeners ?? [shortForm(brokers)]
  return specs
    .map(spec => withSecurity(spec, security))
    .map((listener, index) => ({
      ...listener,
      service: listenerServiceName(inputs, listener.name, index),
      brokerName: listener.name.toUpperCase().replaceAll('-', '_'),
      serviceType: SERVICE_TYPES[listener.type],
      metricsNodePort: listeners === undefined ? brokers.service?.metricsNodePort : undefined,
    }))
}

/** brokers.service and the advertised address, as one listener. */
function shortForm({
  service,
  advertisedHost,
  advertisedPort,
}: ClusterInputs['cluster']['spec']['brokers']): ListenerSpec {
  const { type = 'ClusterIP', kafkaNodePort, ...rest } = service ?? {}
  return listenerSchema.parse({
    ...rest,
    name: 'kafka',
    port: DEFAULT_PORT,
    type: TYPES[type],
    nodePort: kafkaNodePort,
    advertisedHost,
    advertisedPort,
  })
}

/** The one address of a listener; undefined while others have not given it one, or when only nodes have addresses. */
function ownAddress(inputs: ClusterInputs, listener: ListenerPlan): HostPort | undefined {
  const port = listener.advertisedPort ?? listener.port
  if (listener.advertisedHost !== undefined) return { host: listener.advertisedHost, port }
  if (listener.type === 'internal') return { host: serviceHost(inputs, listener.service), port }
  const host = inputs.assigned.get(listener.name)?.loadBalancer
  return listener.type === 'loadBalancer' && host !== undefined ? { host, port } : undefined
}

export function serviceHost(inputs: Pick<ClusterInputs, 'cluster' | 'operator'>, service: string): string {
  return `${service}.${namespaceOf(inputs)}.svc.${inputs.operator.clusterDomain}`
}

/** All by which a Service is known, the shortest first. */
export function serviceNames(
  { cluster, operator }: Pick<ClusterInputs, 'cluster' | 'operator'>,
  service: string,
): string[] {
  const parts = [service, namespaceOf({ cluster }), 'svc', operator.clusterDomain]
  return [1, 2, 3, 4].map(count => parts.slice(0, count).join('.'))
}

/** KAFSCALE_LISTENERS and what belongs to it. */
export function listenerSettings(inputs: ClusterInputs): Record<string, string> {
  const plans = listenersOf(inputs)
  const bound = plans.map(({ brokerName, port }) => `${brokerName}://:${port}`)
  const told = plans.map(plan => `${plan.brokerName}://${toldAddress(inputs, plan)}`)
  const shared = plans.filter(({ mode }) => mode === 'shared').map(({ brokerName }) => brokerName)
  if (isSecured(inputs, plans)) {
    bound.push(`${OPERATOR_LISTENER}://:${OPERATOR_PORT}`)
    told.push(`${OPERATOR_LISTENER}://${serviceHost(inputs, operatorServiceName(inputs))}:${OPERATOR_PORT}`)
    shared.push(OPERATOR_LISTENER)
  }
  return {
    KAFSCALE_LISTENERS: [`${PEER_LISTENER}://:${PEER_PORT}`, ...bound].join(','),
    KAFSCALE_ADVERTISED_LISTENERS: [`${PEER_LISTENER}://${POD}:${PEER_PORT}`, ...told].join(','),
    KAFSCALE_INTERNAL_LISTENER: PEER_LISTENER,
    ...(shared.length > 0 ? { KAFSCALE_SHARED_LISTENERS: shared.join(',') } : {}),
  }
}

function toldAddress(inputs: ClusterInputs, plan: ListenerPlan): string {
  if (plan.mode === 'perBroker') return `${plan.type === 'internal' ? POD : NODE}:${plan.port}`
  const address = ownAddress(inputs, plan)
  // Any node leads to the Service by the port that it has there.
  if (address === undefined) return `${NODE}:${nodePortOf(inputs, plan) ?? plan.port}`
  return addressText(address)
}

const nodePortOf = ({ assigned }: ClusterInputs, { name, nodePort }: ListenerPlan): number | undefined =>
  nodePort ?? assigned.get(name)?.nodePort

export interface ContainerPort {
  readonly name: string
  readonly containerPort: number
  readonly protocol: 'TCP'
  readonly hostPort?: number
}

/** Ports of a broker's container. A broker that clients reach one by one from outside has the port of its node. */
export function containerPorts(inputs: Pick<ClusterInputs, 'cluster'>): ContainerPort[] {
  const plans = listenersOf(inputs)
  const own = isSecured(inputs, plans) ? [{ name: 'operator', port: OPERATOR_PORT }] : []
  const ports = [
    ...plans,
    ...own.map(port => ({ ...port, mode: 'shared', type: 'internal' })),
    { name: 'peers', port: PEER_PORT, mode: 'shared', type: 'internal' },
    { name: 'metrics', port: METRICS_PORT, mode: 'shared', type: 'internal' },
  ]
  return ports.map(({ name, port, mode, type }) => ({
    name,
    containerPort: port,
    protocol: 'TCP',
    ...(mode === 'perBroker' && type === 'nodePort' ? { hostPort: port } : {}),
  }))
}

export interface Endpoint {
  readonly name: string
  readonly type: string
  readonly bootstrapServers: string
  readonly protocol: string
}

/** What clients are given as bootstrap.servers, by listener; those that have no address yet are left out. */
export function bootstrapServers(inputs: ClusterInputs): Endpoint[] {
  return listenersOf(inputs).flatMap(plan => {
    const nodePort = plan.type === 'nodePort' ? nodePortOf(inputs, plan) : undefined
    const address = ownAddress(inputs, plan) ?? (nodePort === undefined ? undefined : { host: 'NODE', port: nodePort })
    if (address === undefined) return []
    return [{ name: plan.name, type: plan.type, bootstrapServers: addressText(address), protocol: protocolOf(plan) }]
  })
}
