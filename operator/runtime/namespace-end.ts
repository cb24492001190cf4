// Whether a namespace is being deleted: what waits in it with a finalizer has to be let go while there still are rights to.

import { isKubeError } from './errors.ts'
import type { KubeClient } from './kube-client.ts'
import { RESOURCES } from './resource.ts'

export async function isEnding(client: KubeClient, name: string, signal?: AbortSignal): Promise<boolean> {
  const namespace = await client.get(RESOURCES.namespaces, { name }, { signal }).catch((error: unknown) => {
    // Who may not look goes on as ever.
    if (isKubeError(error, 'NotFound', 'Forbidden')) return undefined
    throw error
  })
  return namespace?.metadata.deletionTimestamp !== undefined
}
