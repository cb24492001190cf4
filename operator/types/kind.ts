// What a custom resource definition says of a kind beside its schema. tools/crds writes the YAML from it.

import type { z } from 'zod'
import type { Resource } from '../runtime/resource.ts'

export const GROUP = 'kafscale.io'
export const VERSION = 'v1alpha1'
export const CATEGORY = 'kafscale'

/** A column of `kubectl get`; `path` is a JSON path of the object. Wide ones show with `-o wide`. */
export interface Column {
  readonly name: string
  readonly path: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly description: string
  readonly wide?: true
}

/** Where `kubectl scale` and the HPA find the numbers and the selector of the pods. */
export interface ScalePaths {
  readonly spec: string
  readonly status: string
  readonly selector: string
}

export interface Kind extends Resource {
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly description: string
  readonly spec: z.ZodObject
  readonly status: z.ZodObject
  /** CEL over the whole object, where `self.metadata.name` can be seen. */
  readonly rules: readonly { readonly rule: string; readonly message: string }[]
  readonly columns: readonly Column[]
  /** Paths that `--field-selector` and watches may ask for. */
  readonly selectable: readonly string[]
  readonly scale?: ScalePaths
}

const condition = (type: string, field: string): string => `.status.conditions[?(@.type=="${type}")].${field}`

export const READY_COLUMN: Column = {
  name: 'Ready',
  path: condition('Ready', 'status'),
  type: 'string',
  description: 'Whether it is as its spec says.',
}

export const REASON_COLUMN: Column = {
  name: 'Reason',
  path: condition('Ready', 'reason'),
  type: 'string',
  description: 'Why it is ready or not.',
}

export const AGE_COLUMN: Column = {
  name: 'Age',
  path: '.metadata.creationTimestamp',
  type: 'date',
  description: 'Time since it was created.',
}
