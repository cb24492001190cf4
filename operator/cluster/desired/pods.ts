// What the pods of a cluster have in common: they hold to the restricted Pod Security Standard.

/** No name is known for this user outside the image. */
export const USER_ID = 65532

export const RESTRICTED_POD = {
  runAsNonRoot: true,
  runAsUser: USER_ID,
  runAsGroup: USER_ID,
  fsGroup: USER_ID,
  seccompProfile: { type: 'RuntimeDefault' },
} as const

export const RESTRICTED_CONTAINER = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const

export interface HttpProbe {
  readonly path: string
  readonly port: number | string
  readonly scheme?: 'HTTP' | 'HTTPS'
  readonly periodSeconds: number
  readonly failureThreshold: number
}

export const httpProbe = ({ path, port, scheme = 'HTTP', periodSeconds, failureThreshold }: HttpProbe) => ({
  httpGet: { path, port, scheme },
  periodSeconds,
  failureThreshold,
  timeoutSeconds: 2,
  successThreshold: 1,
})

/** Over zones and over nodes, as evenly as can be had without leaving a pod pending. */
export const spread = (labels: Readonly<Record<string, string>>) =>
  ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map(topologyKey => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: labels },
    matchLabelKeys: ['pod-template-hash'],
  }))
