// Label and field selectors, as far as the operator uses them: `a=b`, `a==b`, `a!=b`, `a`, `!a`, several by commas.

import { isObject, type JsonObject, objectAt, valueAt } from './json.ts'

export type Selector = (object: JsonObject) => boolean

export function selector(labels: string | null, fields: string | null): Selector {
  const terms = [
    ...parts(labels).map(term => test(term, (object, name) => objectAt(objectAt(object, 'metadata'), 'labels')[name])),
    ...parts(fields).map(term => test(term, (object, path) => valueAt(object, path.split('.')) ?? '')),
  ]
  return object => terms.every(term => term(object))
}

const parts = (text: string | null): string[] => (text === null || text === '' ? [] : text.split(','))

function test(term: string, read: (object: JsonObject, name: string) => unknown): Selector {
  const comparison = /^([^=!]+)(==|=|!=)(.*)$/.exec(term)
  if (comparison === null) {
    const isAbsent = term.startsWith('!')
    return object => (read(object, isAbsent ? term.slice(1) : term) === undefined) === isAbsent
  }
  const [, name = '', operator, value] = comparison
  return object => (String(read(object, name)) === value) === (operator !== '!=')
}

/** Only what PartialObjectMetadata has. */
export function metadataOf(object: JsonObject): JsonObject {
  const metadata = object.metadata
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: isObject(metadata) ? metadata : {} }
}
