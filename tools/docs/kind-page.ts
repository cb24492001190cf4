/** docs/reference/KIND.md: every field of a kind, from the same definition that the API server gets. */
import { parse } from 'yaml'
import { z } from 'zod'

const schemaSchema = z.looseObject({
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  'x-kubernetes-int-or-string': z.boolean().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
  'x-kubernetes-validations': z.array(z.looseObject({ message: z.string().optional() })).optional(),
})

type Schema = z.output<typeof schemaSchema>

const definitionSchema = z.object({
  spec: z.object({
    group: z.string(),
    names: z.object({ kind: z.string(), shortNames: z.array(z.string()) }),
    versions: z.tuple([z.looseObject({ name: z.string(), schema: z.object({ openAPIV3Schema: schemaSchema }) })]),
  }),
})

interface Field {
  readonly path: string
  readonly schema: Schema
  readonly isRequired: boolean
}

/** `yaml` is a CustomResourceDefinition with one version. */
export function kindPage(yaml: string): { readonly kind: string; readonly text: string } {
  const { spec } = definitionSchema.parse(parse(yaml))
  const [{ name: version, schema }] = spec.versions
  const { kind, shortNames } = spec.names
  const root = schema.openAPIV3Schema
  const parts = ['spec', 'status'].flatMap(part => {
    const found = root.properties?.[part]
    return found === undefined ? [] : [section(part, schemaSchema.parse(found))]
  })
  const text = `# ${kind}

Generated from \`crds/\` by \`npm run generate\`. \`apiVersion: ${spec.group}/${version}\`, \`kind: ${kind}\`, short name \`${shortNames.join('`, `')}\`.
${plain(root.description ?? '')}

\`[]\` is any item of a list, \`*\` any key of a map; **bold** fields must be there when the object around them is.

${parts.join('\n')}`
  return { kind, text }
}

function section(part: string, schema: Schema): string {
  const fields = [...fieldsOf(part, schema)]
  const rules = [{ path: part, schema }, ...fields].flatMap(({ path, schema: one }) =>
    (one['x-kubernetes-validations'] ?? []).flatMap(({ message }) =>
      message === undefined ? [] : [`- \`${path}\`: ${plain(message)}`],
    ),
  )
  const rows = fields.map(
    ({ path, schema: one, isRequired }) =>
      `| ${isRequired ? `**\`${path}\`**` : `\`${path}\``} | ${typeOf(one)} | ${defaultOf(one)} | ${plain(one.description ?? '')} |`,
  )
  const refusals = rules.length === 0 ? '' : `\nRefused at admission:\n\n${[...new Set(rules)].join('\n')}\n`
  return `## ${part}\n\n| field | type | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n${refusals}`
}

function* fieldsOf(path: string, schema: Schema): Iterable<Field> {
  const required = new Set(schema.required)
  for (const [name, found] of Object.entries(schema.properties ?? {})) {
    yield* fieldAndBelow(`${path}.${name}`, schemaSchema.parse(found), required.has(name))
  }
}

function* fieldAndBelow(path: string, schema: Schema, isRequired: boolean): Iterable<Field> {
  yield { path, schema, isRequired }
  yield* fieldsOf(path, schema)
  if (schema.items !== undefined) yield* fieldsOf(`${path}[]`, schemaSchema.parse(schema.items))
  const values = schemaSchema.safeParse(schema.additionalProperties)
  if (values.success) yield* fieldsOf(`${path}.*`, values.data)
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map(value => `\`${String(value)}\``).join(', ')
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer or string'
  const { minimum, maximum, type = 'any', items } = schema
  const of = items === undefined ? '' : ` of ${typeOf(schemaSchema.parse(items))}`
  const range = rangeOf(minimum, maximum)
  return `${type === 'array' ? 'list' : type}${of}${range}`
}

function rangeOf(minimum: number | undefined, maximum: number | undefined): string {
  if (maximum === undefined) return minimum === undefined ? '' : `, ${minimum} or more`
  return minimum === undefined ? `, ${maximum} or less` : `, ${minimum} to ${maximum}`
}

const defaultOf = ({ default: value }: Schema): string =>
  value === undefined ? '' : `\`${JSON.stringify(value).replaceAll('|', '\\|')}\``

const plain = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;').trim()
