// The schedule by which snapshots of the managed etcd go to the bucket.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { managedEtcdOf } from '../../types/etcd.ts'
import type { ClusterInputs } from '../inputs.ts'
import { serviceAccountName } from './account.ts'
import { agentContainer, agentVolumes } from './etcd-agent.ts'
import { etcdSnapshotName, selectorLabels } from './names.ts'
import { ownedObject } from './object.ts'
import { RESTRICTED_POD } from './pods.ts'

/** After which a snapshot that hangs is given up. */
const LIMIT_SECONDS = 1800

/** Nothing without snapshots. */
export function etcdSnapshots(
  inputs: ClusterInputs,
  { snapshots }: NonNullable<ReturnType<typeof managedEtcdOf>>,
): Manifest[] {
  if (!snapshots.enabled) return []
  const labels = selectorLabels(inputs, 'etcd-snapshot')
  const container = agentContainer(inputs, 'snapshot')
  const spec = {
    schedule: snapshots.schedule,
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: 300,
    // The operator reads the last words of their pods.
    successfulJobsHistoryLimit: 1,
    failedJobsHistoryLimit: 1,
    suspend: false,
    jobTemplate: {
      metadata: { labels },
      spec: {
        backoffLimit: 2,
        activeDeadlineSeconds: LIMIT_SECONDS,
        template: {
          metadata: { labels },
          spec: {
            restartPolicy: 'Never',
            serviceAccountName: serviceAccountName(inputs),
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: { ...RESTRICTED_POD },
            containers: [
              {
                ...container,
                env: [...container.env, { name: 'KAFSCALE_SNAPSHOT_KEEP', value: String(snapshots.keep) }],
              },
            ],
            volumes: agentVolumes(inputs),
          },
        },
      },
    },
  }
  const plan = { name: etcdSnapshotName(inputs), component: 'etcd-snapshot' } as const
  return [ownedObject(inputs, RESOURCES.cronJobs, plan, { spec })]
}
