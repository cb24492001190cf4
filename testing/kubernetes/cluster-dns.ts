// CoreDNS for the names of Services, and nothing else.

import { COREDNS_IMAGE } from './node-images.ts'

export const DNS_ADDRESS = '10.96.0.10'

const NAME = 'coredns'
const NAMESPACE = 'kube-system'
const LABELS = { 'k8s-app': 'kube-dns' }
const METADATA = { name: NAME, namespace: NAMESPACE }
const RBAC = 'rbac.authorization.k8s.io'

const COREFILE = `.:53 {
  errors
  health :8180
  ready :8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    ttl 5
  }
  cache 5
}
`

export function clusterDns(): object[] {
  const reading = { verbs: ['list', 'watch'] }
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: METADATA },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRole',
      metadata: { name: NAME },
      rules: [
        { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], ...reading },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], ...reading },
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: NAME },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: NAME },
      subjects: [{ kind: 'ServiceAccount', ...METADATA }],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: METADATA, data: { Corefile: COREFILE } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: METADATA, spec: deployment() },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: NAMESPACE },
      spec: {
        clusterIP: DNS_ADDRESS,
        selector: LABELS,
        ports: ['UDP', 'TCP'].map(protocol => ({ name: `dns-${protocol.toLowerCase()}`, port: 53, protocol })),
      },
    },
  ]
}

function deployment(): object {
  const container = {
    name: NAME,
    image: COREDNS_IMAGE,
    imagePullPolicy: 'Never',
    args: ['-conf', '/etc/coredns/Corefile'],
    // Port 53 needs root, as it does in the image of the project itself.
    securityContext: { runAsUser: 0 },
    readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
    volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
  }
  return {
    replicas: 1,
    selector: { matchLabels: LABELS },
    template: {
      metadata: { labels: LABELS },
      spec: {
        serviceAccountName: NAME,
        dnsPolicy: 'Default',
        terminationGracePeriodSeconds: 2,
        containers: [container],
        volumes: [{ name: 'config', configMap: { name: NAME } }],
      },
    },
  }
}
