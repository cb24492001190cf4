// What the operator may do, and why: the one table behind the Role of the chart and of config/. A test compares it with what a
// whole run asks of the API server, in both directions.

import { RESOURCES, type Resource } from './runtime/resource.ts'
import { CLUSTER } from './types/kaf-scale-cluster.ts'
import { TOPIC } from './types/kaf-scale-topic.ts'
import { USER } from './types/kaf-scale-user.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'

export interface Grant {
  readonly resource: Resource
  readonly subresource?: 'status' | 'scale' | 'finalizers'
  readonly verbs: readonly Verb[]
  readonly why: string
}

const WATCHED: readonly Verb[] = ['list', 'watch']
/** Server-side apply of an object that may not be there needs both create and patch. */
const OWNED: readonly Verb[] = ['get', 'list', 'watch', 'create', 'patch']
/** Of these a cluster may have fewer later. What it always has goes with it, by the garbage collector of Kubernetes. */
const REMOVED: readonly Verb[] = [...OWNED, 'delete']
const MONITORING: readonly Verb[] = ['get', 'create', 'patch']

const owned = (resource: Resource, why: string): Grant => ({ resource, verbs: OWNED, why })
const removed = (resource: Resource, why: string): Grant => ({ resource, verbs: REMOVED, why })

/** In the namespace that is looked after. */
export const GRANTS: readonly Grant[] = [
  { resource: CLUSTER, verbs: ['list', 'watch', 'patch'], why: 'the clusters to look after, and their finalizer' },
  { resource: CLUSTER, subresource: 'status', verbs: ['patch'], why: 'tells how they are' },
  { resource: CLUSTER, subresource: 'finalizers', verbs: ['update'], why: 'owner references that block deletion' },
  { resource: TOPIC, verbs: ['list', 'watch', 'patch'], why: 'the topics to look after, and their finalizer' },
  { resource: TOPIC, subresource: 'status', verbs: ['patch'], why: 'tells how they are' },
  { resource: USER, verbs: ['list', 'watch', 'patch'], why: 'the users to look after, and their finalizer' },
  { resource: USER, subresource: 'status', verbs: ['patch'], why: 'tells how they are' },
  { resource: USER, subresource: 'finalizers', verbs: ['update'], why: 'owner references that block deletion' },
  { resource: RESOURCES.namespaces, verbs: ['get'], why: 'whether it is being deleted, and nobody may be waited for' },
  removed(RESOURCES.serviceAccounts, 'the accounts of the brokers and of the console'),
  removed(RESOURCES.configMaps, 'the settings of the brokers, and what clients have to trust'),
  removed(RESOURCES.services, 'the listeners, and etcd'),
  removed(RESOURCES.networkPolicies, 'who may connect'),
  owned(RESOURCES.podDisruptionBudgets, 'how many may be evicted'),
  removed(RESOURCES.deployments, 'the brokers, and the console'),
  { resource: RESOURCES.deployments, subresource: 'scale', verbs: ['patch'], why: 'how many brokers there are' },
  owned(RESOURCES.statefulSets, 'etcd'),
  {
    resource: RESOURCES.pods,
    verbs: ['list', 'watch', 'patch', 'delete'],
    why: 'why brokers are not ready, which of them go, what members of etcd found; they begin anew after a restore',
  },
  { resource: RESOURCES.horizontalPodAutoscalers, verbs: WATCHED, why: 'whether something else scales the brokers' },
  {
    resource: RESOURCES.secrets,
    verbs: OWNED,
    why: 'of all of them only metadata is watched; certificates and credentials of users are made, what a spec names is read',
  },
  removed(RESOURCES.cronJobs, 'the schedule of snapshots of etcd'),
  { resource: RESOURCES.certificates, verbs: MONITORING, why: 'what cert-manager makes for listeners' },
  { resource: RESOURCES.podMonitors, verbs: MONITORING, why: 'what Prometheus scrapes' },
  { resource: RESOURCES.prometheusRules, verbs: MONITORING, why: 'alerts' },
  { resource: RESOURCES.events, verbs: ['create', 'patch'], why: 'what happened' },
]

/** In the namespace of the operator itself. */
export const OWN_GRANTS: readonly Grant[] = [
  { resource: RESOURCES.leases, verbs: ['get', 'create', 'update'], why: 'which of several operators leads' },
]

export interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly Verb[]
}

/** As a Role has them. */
export const policyRules = (grants: readonly Grant[]): PolicyRule[] =>
  grants.map(({ resource, subresource, verbs }) => ({
    apiGroups: [resource.group],
    resources: [subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`],
    verbs,
  }))
