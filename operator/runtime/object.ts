// What every Kubernetes object has: type, metadata, owners. Nothing here knows a particular kind.

import { z } from 'zod'

export const ownerReferenceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
})

/** What one manager wrote, as server-side apply keeps book of it: `fieldsV1` is a tree of `f:`, `k:` and `v:` keys. */
export const managedFieldsSchema = z.object({
  manager: z.string().optional(),
  operation: z.string().optional(),
  apiVersion: z.string().optional(),
  subresource: z.string().optional(),
  time: z.string().optional(),
  fieldsType: z.string().optional(),
  fieldsV1: z.record(z.string(), z.unknown()).optional(),
})

export const objectMetaSchema = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  /** Counts changes of the spec. */
  generation: z.number().optional(),
  /** RFC 3339, whole seconds. */
  creationTimestamp: z.string().optional(),
  /** Set once deletion was asked for; the object goes when its last finalizer is gone. */
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  ownerReferences: z.array(ownerReferenceSchema).optional(),
  finalizers: z.array(z.string()).optional(),
  managedFields: z.array(managedFieldsSchema).optional(),
})

export type OwnerReference = Readonly<z.output<typeof ownerReferenceSchema>>
export type ManagedFields = Readonly<z.output<typeof managedFieldsSchema>>
export type ObjectMeta = Readonly<z.output<typeof objectMetaSchema>>

export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
}

/** An object with whatever else its kind has: what is written to the API server, and what comes from it unparsed. */
export interface Manifest extends KubeObject {
  readonly [field: string]: unknown
}

/** An object as the API server sends it; fields beside type and metadata are left as they are. */
export const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject(objectMetaSchema.shape),
})

/** The place of an object inside its kind: `namespace/name`, or `name` outside namespaces. */
export const keyOf = ({ metadata: { namespace, name } }: KubeObject): string =>
  namespace === undefined ? name : `${namespace}/${name}`

/** The reverse of `keyOf`. */
export function nameOf(key: string): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/')
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** The reference by which `owner` takes what it made along when it is deleted. It must come from the API server. */
export function ownerReference(owner: KubeObject): OwnerReference {
  const { uid, name } = owner.metadata
  if (uid === undefined)
    throw new Error(`${owner.kind} ${name} has no uid: only an object that was stored can own others`)
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

/** The uid of the object's controller, if it has one. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find(reference => reference.controller === true)
