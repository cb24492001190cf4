// What the operator asks of the API server, in eleven verbs. `HttpKubeClient` speaks to a real one; that of a `Fence` lets
// writes through only while we lead.
//
// Every verb rejects with a KubeError. When `signal` aborts, nothing more is sent and nobody waits for what is read; a write that
// was sent is waited for until its deadline, because nobody would know whether it was done.

import type { Manifest } from './object.ts'
import type { Resource } from './resource.ts'

/** Where an object is. Without a namespace: a kind outside namespaces. */
export interface ObjectName {
  readonly namespace?: string | undefined
  readonly name: string
}

export interface Cancel {
  readonly signal?: AbortSignal | undefined
}

/** Which objects: those of a namespace, or of all; with these labels and fields. */
export interface Scope {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Only metadata comes (PartialObjectMetadata): enough to see that a Secret changed without reading it. */
  readonly metadataOnly?: boolean | undefined
}

export interface ListOptions extends Scope, Cancel {
  /** The most objects in the answer. */
  readonly limit?: number | undefined
  /** From the page before. */
  readonly continue?: string | undefined
  /** `0` lets the server answer from its cache; by default what is read is what was written last. */
  readonly resourceVersion?: string | undefined
}

export interface Page {
  readonly items: readonly Manifest[]
  /** Version of the whole list, to watch on from. */
  readonly resourceVersion: string
  /** Set when there is more. */
  readonly continue: string | undefined
}

export interface WatchOptions extends Scope, Cancel {
  readonly resourceVersion: string
  /** After which the server ends the watch. */
  readonly timeoutSeconds: number
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Manifest }
  /** Nothing changed up to this version. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }

export interface ApplyOptions extends Cancel {
  /** Field manager: who owns the fields that are applied. */
  readonly manager: string
  /** Take fields from other managers instead of failing with Conflict. */
  readonly force: boolean
}

export interface DeleteOptions extends Cancel {
  /** Delete only the object with this uid; another one of the same name gives Conflict. */
  readonly uid?: string | undefined
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined
}

export interface LogOptions extends Cancel {
  readonly container: string
  /** Of the run before the last restart. */
  readonly previous?: boolean | undefined
  /** The most lines, from the end. */
  readonly tailLines: number
  /** The most bytes of these lines, from their beginning. */
  readonly limitBytes: number
}

export interface KubeClient {
  get(resource: Resource, name: ObjectName, options?: Cancel): Promise<Manifest>
  /** One page. `listAll` reads them all. */
  list(resource: Resource, options?: ListOptions): Promise<Page>
  /** Ends when the server ends it; KubeError `Expired` when the version is too old. */
  watch(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent>
  /** Server-side apply: the object afterwards has these fields, and those that this manager had before and left out are gone. */
  apply(resource: Resource, object: Manifest, options: ApplyOptions): Promise<Manifest>
  /** Server-side apply of `object.status`. */
  applyStatus(resource: Resource, object: Manifest, options: ApplyOptions): Promise<Manifest>
  /** Sets the number of replicas through the scale subresource. */
  scale(resource: Resource, name: ObjectName, replicas: number, options: Cancel & { manager: string }): Promise<void>
  create(resource: Resource, object: Manifest, options: Cancel & { manager: string }): Promise<Manifest>
  /** Replaces the object, if it still has the version that `object` carries. */
  update(resource: Resource, object: Manifest, options: Cancel & { manager: string }): Promise<Manifest>
  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<void>
  /** The last lines of the log of a container, as it wrote them. */
  logs(pod: ObjectName, options: LogOptions): Promise<string>
  /** Plural names of the resources of a group and version; none when the server does not know it. */
  discover(group: string, version: string, options?: Cancel): Promise<ReadonlySet<string>>
}

/** Every object, page by page. */
export async function listAll(
  client: KubeClient,
  resource: Resource,
  options: ListOptions = {},
): Promise<readonly Manifest[]> {
  const items: Manifest[] = []
  let page = await client.list(resource, { limit: 500, ...options })
  items.push(...page.items)
  while (page.continue !== undefined) {
    page = await client.list(resource, { limit: 500, ...options, continue: page.continue })
    items.push(...page.items)
  }
  return items
}
