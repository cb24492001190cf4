// A resource is where the API server keeps the objects of a kind. What the operator uses is listed here, so that no
// discovery is needed to write an object; `KubeClient.discover` tells whether a kind that others install is there.

export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  /** As in the URL. */
  readonly plural: string
  readonly namespaced: boolean
}

export const apiVersionOf = ({ group, version }: Pick<Resource, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`

/** `deployments.apps`, `services`: how RBAC and error messages name a resource. */
export const resourceName = ({ group, plural }: Resource): string => (group === '' ? plural : `${plural}.${group}`)

export interface Place {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly subresource?: 'status' | 'scale' | 'log' | undefined
}

/** The path of a resource, of one object or of its subresource. Without a namespace: of all namespaces. */
export function pathOf(resource: Resource, { namespace, name, subresource }: Place = {}): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const parts = [root]
  if (resource.namespaced && namespace !== undefined) parts.push('namespaces', encodeURIComponent(namespace))
  parts.push(resource.plural)
  if (name !== undefined) parts.push(encodeURIComponent(name))
  if (subresource !== undefined) parts.push(subresource)
  return parts.join('/')
}

const resource = (apiVersion: string, kind: string, plural: string, namespaced = true): Resource => {
  const slash = apiVersion.indexOf('/')
  return {
    group: apiVersion.slice(0, Math.max(slash, 0)),
    version: apiVersion.slice(slash + 1),
    kind,
    plural,
    namespaced,
  }
}

export const RESOURCES = {
  configMaps: resource('v1', 'ConfigMap', 'configmaps'),
  endpointSlices: resource('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  namespaces: resource('v1', 'Namespace', 'namespaces', false),
  nodes: resource('v1', 'Node', 'nodes', false),
  pods: resource('v1', 'Pod', 'pods'),
  secrets: resource('v1', 'Secret', 'secrets'),
  serviceAccounts: resource('v1', 'ServiceAccount', 'serviceaccounts'),
  services: resource('v1', 'Service', 'services'),
  persistentVolumeClaims: resource('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  deployments: resource('apps/v1', 'Deployment', 'deployments'),
  replicaSets: resource('apps/v1', 'ReplicaSet', 'replicasets'),
  statefulSets: resource('apps/v1', 'StatefulSet', 'statefulsets'),
  jobs: resource('batch/v1', 'Job', 'jobs'),
  cronJobs: resource('batch/v1', 'CronJob', 'cronjobs'),
  podDisruptionBudgets: resource('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  networkPolicies: resource('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  horizontalPodAutoscalers: resource('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  leases: resource('coordination.k8s.io/v1', 'Lease', 'leases'),
  events: resource('events.k8s.io/v1', 'Event', 'events'),
  certificates: resource('cert-manager.io/v1', 'Certificate', 'certificates'),
  podMonitors: resource('monitoring.coreos.com/v1', 'PodMonitor', 'podmonitors'),
  prometheusRules: resource('monitoring.coreos.com/v1', 'PrometheusRule', 'prometheusrules'),
} as const
