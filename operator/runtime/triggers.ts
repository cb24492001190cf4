// Which keys have work to do when an object changes.

import { controllerOf, type KubeObject } from './object.ts'
import type { Change, Store } from './store.ts'
import type { WorkQueue } from './work-queue.ts'

export type Mapper<T extends KubeObject> = (change: Change<T>) => Iterable<string>

/** Adds the keys that `mapper` finds whenever an object of the store changes. */
export function trigger<T extends KubeObject>(store: Store<T>, queue: WorkQueue, mapper: Mapper<T>): void {
  store.subscribe(change => {
    for (const key of mapper(change)) queue.add(key)
  })
}

/**
 * The object's own key, when something changed that a reconciler goes by: its spec, labels, annotations, finalizers or
 * deletion. A new status is our own echo.
 */
export const ownKey: Mapper<KubeObject> = change => (isOwnEcho(change) ? [] : [change.key])

function isOwnEcho({ type, object, previous }: Change<KubeObject>): boolean {
  if (type !== 'changed' || previous === undefined) return false
  return fingerprint(object) === fingerprint(previous)
}

function fingerprint({ metadata }: KubeObject): string {
  const { uid, generation, labels, annotations, finalizers, deletionTimestamp } = metadata
  return JSON.stringify([uid, generation, labels, annotations, finalizers, deletionTimestamp])
}

/** The key of the object's controller, when that is of `kind`. */
export const controllerKey =
  (kind: string): Mapper<KubeObject> =>
  ({ object }) => {
    const controller = controllerOf(object)
    if (controller?.kind !== kind) return []
    const { namespace } = object.metadata
    return [namespace === undefined ? controller.name : `${namespace}/${controller.name}`]
  }

/** The key that a label names, in the namespace of the object. */
export const labelKey =
  (label: string): Mapper<KubeObject> =>
  ({ object: { metadata } }) => {
    const name = metadata.labels?.[label]
    if (name === undefined) return []
    return [metadata.namespace === undefined ? name : `${metadata.namespace}/${name}`]
  }

/** Keys of the objects of another store whose index has the key of the changed one: those that refer to it. */
export const referrers =
  <T extends KubeObject>(store: Store<T>, index: string): Mapper<KubeObject> =>
  ({ key }) =>
    store
      .by(index, key)
      .map(({ metadata }) =>
        metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`,
      )
