/** Small pieces of generated code that reading, writing and constructing share. */

import { CodeBlockWriter } from 'ts-morph'
import type { VersionRange } from '../../broker/wire/schema/notation.ts'
import type { FieldModel, StructModel, TypeModel } from './model.ts'

/** A condition on `version`, when it is not settled already. */
export type Condition = string | boolean

/** Does `version`, known to be within `within`, lie in `versions`? */
export function inVersions(versions: VersionRange, within: VersionRange): Condition {
  const parts: string[] = []
  if (versions[0] > within[1] || versions[1] < within[0]) return false
  if (versions[0] > within[0]) parts.push(`version >= ${versions[0]}`)
  if (versions[1] < within[1]) parts.push(`version <= ${versions[1]}`)
  return parts.length === 0 ? true : parts.join(' && ')
}

export function since(first: number, within: VersionRange): Condition {
  return inVersions([first, Number.POSITIVE_INFINITY], within)
}

/** Whether lengths are compact; undecided structs get a constant `flexible`. */
export function flexibleIn(struct: StructModel, versions: VersionRange = struct.versions): Condition {
  const condition = since(struct.flexibleSince, versions)
  return typeof condition === 'boolean' ? condition : 'flexible'
}

export function choose(condition: Condition, whenTrue: string, whenFalse: string): string {
  if (whenTrue === whenFalse) return whenTrue
  if (typeof condition === 'boolean') return condition ? whenTrue : whenFalse
  return `${condition} ? ${parenthesised(whenTrue)} : ${parenthesised(whenFalse)}`
}

function parenthesised(expression: string): string {
  return expression.includes(' ? ') ? `(${expression})` : expression
}

/** As `choose`, for two statements. */
export function chooseStatement(condition: Condition, whenTrue: string, whenFalse: string): string {
  if (whenTrue === whenFalse) return whenTrue
  if (typeof condition === 'boolean') return condition ? whenTrue : whenFalse
  return `if (${condition}) ${whenTrue}\nelse ${whenFalse}`
}

/** An `if` with what the branches emit; nothing where nothing is emitted, no braces around a single line. */
export function emitIf(
  code: CodeBlockWriter,
  condition: Condition,
  whenTrue: (code: CodeBlockWriter) => void,
  whenFalse: (code: CodeBlockWriter) => void = () => undefined,
): void {
  const emitted = (emit: (code: CodeBlockWriter) => void) => {
    const inner = new CodeBlockWriter({ newLine: '\n', indentNumberOfSpaces: 2 })
    emit(inner)
    return inner.toString().trimEnd()
  }
  const yes = emitted(whenTrue)
  const no = emitted(whenFalse)
  if (typeof condition === 'boolean') {
    const text = condition ? yes : no
    if (text !== '') code.write(text).newLine()
  } else if (yes === '') {
    if (no !== '') code.write(`if (!(${condition})) ${braced(no)}`).newLine()
  } else {
    code.write(`if (${condition}) ${braced(yes, no !== '')}`)
    if (no !== '') code.write(` else ${braced(no, true)}`)
    code.newLine()
  }
}

function braced(text: string, always = false): string {
  if (!always && !text.includes('\n') && !text.startsWith('if') && !text.startsWith('for')) return text
  return `{\n  ${text.replaceAll('\n', '\n  ')}\n}`
}

/** `start { a, b, c }`, one property a line when it gets long. */
export function objectLiteral(start: string, properties: readonly string[]): string {
  const line = `${start}{ ${properties.join(', ')} }`
  return line.length <= 100 ? line : `${start}{\n  ${properties.join(',\n  ')},\n}`
}

function scalarTypeName(scalar: string): string {
  switch (scalar) {
    case 'bool':
      return 'boolean'
    case 'string':
    case 'uuid':
      return 'string'
    case 'bytes':
      return 'Buffer'
    case 'records':
      return 'readonly Buffer[]'
    default:
      return 'number'
  }
}

/** The TypeScript type of a field's value, null aside. A single struct is read-only, since defaults are shared. */
function typeName(type: TypeModel): string {
  if (type.kind === 'scalar') return scalarTypeName(type.scalar)
  if (type.kind === 'struct') return `Readonly<${type.struct.typeName}>`
  const { element } = type
  return `readonly ${element.kind === 'struct' ? element.struct.typeName : scalarTypeName(element.scalar)}[]`
}

export function isNullable(field: FieldModel): boolean {
  return field.nullableSince <= field.versions[1]
}

export function fieldTypeName(field: FieldModel): string {
  return typeName(field.type) + (isNullable(field) ? ' | null' : '')
}

/** The default as an expression. */
export function defaultOf(field: FieldModel): string {
  const { type, defaultValue } = field
  if (defaultValue === null) return 'null'
  if (type.kind === 'array') return '[]'
  if (type.kind === 'struct') return `default${type.struct.typeName}`
  if (type.scalar === 'uuid') return 'ZERO_UUID'
  if (type.scalar === 'bytes') return 'noBytes'
  if (defaultValue === Number.MAX_SAFE_INTEGER) return 'Number.MAX_SAFE_INTEGER'
  return typeof defaultValue === 'string' ? `'${defaultValue}'` : String(defaultValue)
}

/** An expression that says whether `value` is not the field's default. */
export function differsFromDefault(field: FieldModel, value: string): string {
  const { type } = field
  if (field.defaultValue === null) return `${value} !== null`
  if (type.kind === 'struct') {
    const differs = `${value} !== default${type.struct.typeName} && !isDefault${type.struct.typeName}(${value})`
    return isNullable(field) ? `(${value} === null || (${differs}))` : differs
  }
  if (type.kind === 'array' || type.scalar === 'bytes') {
    return isNullable(field) ? `(${value} === null || ${value}.length !== 0)` : `${value}.length !== 0`
  }
  return `${value} !== ${defaultOf(field)}`
}

/** Names that generated functions use for themselves. */
const TAKEN = new Set(['r', 'w', 'm', 'version', 'flexible', 'tag', 'end', 'left', 'count', 'unknown', 'from', 'place'])
const RESERVED = new Set(['default', 'delete', 'new', 'in', 'with', 'function', 'class', 'return', 'null', 'this'])

/** The local variable for a field. */
export function local(name: string): string {
  return TAKEN.has(name) || RESERVED.has(name) ? `${name}Value` : name
}

export function propertyFromLocal(name: string): string {
  return local(name) === name ? name : `${name}: ${local(name)}`
}
