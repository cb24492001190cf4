// Plays the kubelet where there are no nodes: every pod of the namespace says that it runs and is ready. So the controllers of
// Kubernetes go on with what they do with ready pods, though nothing runs.

import type { KubeClient } from '../../operator/runtime/kube-client.ts'
import { listAll } from '../../operator/runtime/kube-client.ts'
import type { Manifest } from '../../operator/runtime/object.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'

const LOOK_MS = 100

export interface PretendedKubelet {
  stop(): Promise<void>
}

export function pretendKubelet(client: KubeClient, namespace: string): PretendedKubelet {
  let isStopped = false
  const run = async (): Promise<void> => {
    const seen = new Set<string>()
    while (!isStopped) {
      for (const pod of await listAll(client, RESOURCES.pods, { namespace }).catch(() => [])) {
        const { uid = '', deletionTimestamp } = pod.metadata
        if (seen.has(uid) || deletionTimestamp !== undefined) continue
        // A pod that has gone meanwhile needs nothing.
        await client.applyStatus(RESOURCES.pods, ready(pod), { manager: 'kubelet', force: true }).catch(() => {})
        seen.add(uid)
      }
      await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    }
  }
  const running = run()
  return {
    stop: async () => {
      isStopped = true
      await running
    },
  }
}

function ready({ apiVersion, kind, metadata: { name, namespace } }: Manifest): Manifest {
  const lastTransitionTime = new Date().toISOString()
  const conditions = ['Ready', 'ContainersReady', 'Initialized'].map(type => ({
    type,
    status: 'True',
    lastTransitionTime,
  }))
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    status: { phase: 'Running', podIP: '192.0.2.2', podIPs: [{ ip: '192.0.2.2' }], conditions },
  }
}
