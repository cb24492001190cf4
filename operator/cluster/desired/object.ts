// What all objects of a cluster have in common.

import { type Manifest, ownerReference } from '../../runtime/object.ts'
import { apiVersionOf, type Resource } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
import { type Component, labelsOf, namespaceOf } from './names.ts'

export interface ObjectPlan {
  readonly name: string
  readonly component: Component
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/** An object of the cluster: it goes with the cluster. Labels and annotations of the cluster itself are not handed on. */
export function ownedObject(
  inputs: Pick<ClusterInputs, 'cluster'>,
  resource: Resource,
  { name, component, annotations, labels }: ObjectPlan,
  content: Readonly<Record<string, unknown>>,
): Manifest {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: {
      name,
      namespace: namespaceOf(inputs),
      labels: { ...labels, ...labelsOf(inputs, component) },
      ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [ownerReference(inputs.cluster)],
    },
    ...content,
  }
}

/** The entries that have a value. */
export function present<Value>(entries: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  const kept: Record<string, Value> = {}
  for (const [name, value] of Object.entries(entries)) if (value !== undefined) kept[name] = value
  return kept
}
