// What a CRD must have so that the API server takes it, and stores it as it is. The real API server has the last word in e2e.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { USER } from '../../operator/types/kaf-scale-user.ts'
import { definition } from './definition.ts'
import { crdFiles } from './outputs.ts'

const kinds = [CLUSTER, TOPIC, USER] as const

interface Visited {
  readonly path: string
  readonly schema: Record<string, unknown>
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every schema below this one, itself included. */
function* visit(schema: unknown, path = ''): Generator<Visited> {
  if (!isObject(schema)) return
  yield { path, schema }
  const { properties, items, additionalProperties } = schema
  if (isObject(properties)) {
    for (const [name, inner] of Object.entries(properties)) yield* visit(inner, `${path}.${name}`)
  }
  yield* visit(items, `${path}[]`)
  yield* visit(additionalProperties, `${path}.*`)
}

const schemas = (kind: (typeof kinds)[number]): Visited[] => {
  const [version] = definition(kind).spec.versions
  return [...visit(version?.schema.openAPIV3Schema)].filter(({ path }) => path !== '.metadata')
}

describe.each(kinds.map(kind => [kind.kind, kind] as const))('the definition of %s', (_, kind) => {
  const all = schemas(kind)

  test('is the file in crds/', () => {
    const file = `crds/${kind.plural}.yaml`
    expect(readFileSync(join(import.meta.dirname, '../..', file), 'utf8')).toBe(crdFiles().get(file))
    expect(parse(crdFiles().get(file) ?? '')).toEqual(definition(kind))
  })

  test('bounds every text, list and map below spec, or says which values there are', () => {
    const unbounded = all
      .filter(({ path }) => path.startsWith('.spec') || path.startsWith('.status'))
      .filter(({ schema }) => {
        if (schema.type === 'string') return schema.maxLength === undefined && schema.enum === undefined
        if (schema.type === 'array') return schema.maxItems === undefined
        return schema.additionalProperties !== undefined && schema.maxProperties === undefined
      })
    expect(unbounded.map(({ path }) => path)).toEqual([])
  })

  test('says of every list how appliers share it', () => {
    const lists = all.filter(({ schema }) => schema.type === 'array')
    expect(lists.filter(({ schema }) => schema['x-kubernetes-list-type'] === undefined)).toEqual([])
  })

  test('lets fields through unread only in the pod template', () => {
    const open = all.filter(({ schema }) => schema['x-kubernetes-preserve-unknown-fields'] === true)
    expect(open.map(({ path }) => path)).toEqual(kind === CLUSTER ? ['.spec.brokers.podTemplate.spec'] : [])
  })

  test('has rules that say what to change', () => {
    const rules = all.flatMap(({ schema }) => schema['x-kubernetes-validations'] ?? [])
    expect(rules.length).toBeGreaterThan(4)
    for (const rule of rules) {
      expect(rule).toEqual({ rule: expect.any(String), message: expect.stringMatching(/^[a-z].{20,}[^.]$/i) })
    }
  })

  test('explains every field of the spec', () => {
    const silent = all.filter(({ path, schema }) => /^\.spec\b/.test(path) && schema.description === undefined)
    expect(silent.map(({ path }) => path).filter(path => !/(\[\]|\.\*)$/.test(path))).toEqual([])
  })

  test('has columns whose fields exist', () => {
    const paths = new Set(all.map(({ path }) => path))
    const fields = kind.columns.map(({ path }) => path).filter(path => !/conditions|metadata/.test(path))
    expect([...fields, ...kind.selectable].filter(path => !paths.has(path))).toEqual([])
  })
})

describe('brokers.replicas', () => {
  test('has no default, which would reset a cluster that an autoscaler sized', () => {
    const replicas = schemas(CLUSTER).find(({ path }) => path === '.spec.brokers.replicas')
    expect(replicas?.schema).toMatchObject({ type: 'integer' })
    expect(replicas?.schema).not.toHaveProperty('default')
  })
})
