/**
 * From what zod says of a schema to the structural schema that a custom resource definition wants ("Specifying a structural
 * schema", apiextensions.k8s.io/v1), in the form in which the API server stores it, so that GitOps tools see no difference.
 *
 * Every key that is not known here is refused: a new construct of zod breaks the generator, not a Kubernetes cluster.
 */
import { z } from 'zod'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Structural = { [key: string]: Json }

const json: z.ZodType<Json> = z.json()
const node = z.record(z.string(), json)

/** Keys that mean the same in both and go over as they are. */
const KEPT = new Set([
  'description',
  'default',
  'enum',
  'exclusiveMinimum',
  'format',
  'maxItems',
  'maxLength',
  'maxProperties',
  'minItems',
  'minLength',
  'type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-list-type',
  'x-kubernetes-validations',
])

const INT32 = 2 ** 31 - 1

/** Throws for what a structural schema cannot say. */
export function structural(schema: z.ZodType): Structural {
  const raw = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', unrepresentable: 'throw' })
  return convert(node.parse(raw), '')
}

function convert(from: Structural, path: string): Structural {
  if (from['x-kubernetes-int-or-string'] === true) return intOrString(from)
  if (from['x-kubernetes-preserve-unknown-fields'] === true) return anything(from)
  const to: Structural = {}
  for (const [key, value] of Object.entries(from)) {
    if (KEPT.has(key)) to[key] = value
    else if (key === '$schema') continue
    else if (key === 'pattern') to.pattern = checkedPattern(value, path)
    else if (key === 'minimum' || key === 'maximum') bound(to, key, value)
    else if (key === 'items') to.items = convert(node.parse(value), `${path}[]`)
    else if (key === 'properties') to.properties = properties(node.parse(value), path)
    else if (key === 'additionalProperties') to.additionalProperties = convert(node.parse(value), `${path}.*`)
    else if (key === 'required') to.required = value
    else throw new Error(`${path}: a structural schema cannot say ${key}`)
  }
  if (to.type === undefined) throw new Error(`${path}: a structural schema wants a type`)
  if (to.type === 'integer') to.format = isInt32(from) ? 'int32' : 'int64'
  if (Array.isArray(to.required) && to.required.length === 0) delete to.required
  return to
}

function properties(from: Structural, path: string): Structural {
  return Object.fromEntries(
    Object.entries(from).map(([name, value]) => [name, convert(node.parse(value), `${path}.${name}`)]),
  )
}

/** The one form of int-or-string that the API server takes; bounds of the text stand outside. */
function intOrString(from: Structural): Structural {
  const { anyOf: _, type: __, ...rest } = from
  return { ...rest, anyOf: [{ type: 'integer' }, { type: 'string' }] }
}

function anything(from: Structural): Structural {
  const { properties: _, additionalProperties: __, required: ___, ...rest } = from
  return { ...rest, type: 'object' }
}

/** The API server's expressions are those of RE2, which looks neither ahead nor behind. */
function checkedPattern(value: Json, path: string): string {
  const pattern = z.string().parse(value)
  if (/\(\?[=!<]|\\[1-9]/.test(pattern)) throw new Error(`${path}: RE2 cannot do ${pattern}`)
  return pattern
}

/** Bounds that only say that a number is a number are left out. */
function bound(to: Structural, key: 'minimum' | 'maximum', value: Json): void {
  const limit = z.number().parse(value)
  if (Math.abs(limit) < Number.MAX_SAFE_INTEGER && limit !== INT32 && limit !== -INT32 - 1) to[key] = limit
}

function isInt32({ maximum }: Structural): boolean {
  return typeof maximum === 'number' && maximum <= INT32
}
