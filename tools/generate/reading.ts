/** Emits `readX(r, version)`: one statement per field in wire order, then the tagged fields, then one object literal. */

import type { CodeBlockWriter } from 'ts-morph'
import {
  choose,
  defaultOf,
  emitIf,
  fieldTypeName,
  flexibleIn,
  inVersions,
  isNullable,
  local,
  objectLiteral,
  propertyFromLocal,
  since,
} from './expressions.ts'
import { type ElementModel, type FieldModel, fewestBytes, type StructModel } from './model.ts'
import { pascalCase } from './naming.ts'

export function readBody(code: CodeBlockWriter, struct: StructModel): void {
  if (typeof since(struct.flexibleSince, struct.versions) === 'string') {
    code.writeLine(`const flexible = version >= ${struct.flexibleSince}`)
  }
  for (const field of struct.fields) readField(code, struct, field)
  const flexible = flexibleIn(struct)
  const properties = struct.fields.map(({ name }) => propertyFromLocal(name))
  if (flexible === false) {
    code.writeLine(objectLiteral('return ', properties))
    return
  }
  if (struct.fields.some(field => field.tag !== undefined)) {
    code.writeLine('let unknown: UnknownTaggedField[] | undefined')
    emitIf(code, flexible, inner => readTags(inner, struct))
  } else {
    code.writeLine(`const unknown = ${choose(flexible, 'r.unknownTags()', 'undefined')}`)
  }
  code.writeLine(objectLiteral(`const m: ${struct.typeName} = `, properties))
  code.writeLine('if (unknown !== undefined) m.unknownTaggedFields = unknown')
  code.writeLine('return m')
}

function readField(code: CodeBlockWriter, struct: StructModel, field: FieldModel): void {
  const name = local(field.name)
  if (field.tag !== undefined) {
    code.writeLine(`let ${name}: ${variableType(field)} = ${defaultOf(field)}`)
    return
  }
  const present = inVersions(field.versions, struct.versions)
  if (field.type.kind !== 'array') {
    const value = readValue(struct, field, field.type)
    code.writeLine(`const ${name} = ${choose(present, value, defaultOf(field))}`)
    return
  }
  const { element } = field.type
  const keyword = isNullable(field) ? 'let' : 'const'
  code.writeLine(`${keyword} ${name}: ${variableType(field)} = ${defaultOf(field)}`)
  emitIf(code, present, inner => readList(inner, struct, field, element))
}

/** Lists are filled after their variable is declared, so theirs is the one type without `readonly`. */
function variableType(field: FieldModel): string {
  return field.type.kind === 'array' ? fieldTypeName(field).replace(/^readonly /, '') : fieldTypeName(field)
}

function readList(code: CodeBlockWriter, struct: StructModel, field: FieldModel, element: ElementModel): void {
  const name = local(field.name)
  const fewest = fewestBytes(element, field.versions, struct.flexibleSince)
  const length = lengthCall(struct, field, fewest)
  const item =
    element.kind === 'struct'
      ? `read${element.struct.typeName}(r, version)`
      : scalarCall(struct, field, element.scalar, false)
  if (!isNullable(field)) {
    code.writeLine(`for (let left = ${length}; left > 0; left--) ${name}.push(${item})`)
    return
  }
  const count = `${name}Count`
  code.writeLine(`const ${count} = ${length}`)
  emitIf(
    code,
    `${count} < 0`,
    inner => inner.writeLine(`${name} = null`),
    inner => {
      inner.writeLine(`${name} = []`)
      inner.writeLine(`for (let left = ${count}; left > 0; left--) ${name}.push(${item})`)
    },
  )
}

function lengthCall(struct: StructModel, field: FieldModel, fewest: number): string {
  const flexible = flexibleIn(struct, field.versions)
  const call = (nullable: boolean) =>
    choose(
      flexible,
      `r.compact${nullable ? 'Nullable' : ''}ArrayLength(${fewest})`,
      `r.${nullable ? 'nullableArrayLength' : 'arrayLength'}(${fewest})`,
    )
  return choose(since(field.nullableSince, field.versions), call(true), call(false))
}

function readValue(struct: StructModel, field: FieldModel, type: ElementModel): string {
  const nullable = since(field.nullableSince, field.versions)
  if (type.kind === 'scalar') {
    return choose(nullable, scalarCall(struct, field, type.scalar, true), scalarCall(struct, field, type.scalar, false))
  }
  const plain = `read${type.struct.typeName}(r, version)`
  return choose(nullable, `r.isPresent() ? ${plain} : null`, plain)
}

/** The reader's method for a scalar: only strings, bytes and records have compact and nullable forms. */
function scalarCall(struct: StructModel, field: FieldModel, scalar: string, nullable: boolean): string {
  if (scalar === 'int64' && field.saturating) return 'r.saturatingInt64()'
  if (scalar === 'records') return choose(flexibleIn(struct, field.versions), 'r.compactRecords()', 'r.records()')
  if (scalar !== 'string' && scalar !== 'bytes') return `r.${scalar}()`
  const word = pascalCase(scalar)
  const compact = nullable ? `r.compactNullable${word}()` : `r.compact${word}()`
  const plain = nullable ? `r.nullable${word}()` : `r.${scalar}()`
  return field.neverCompact ? plain : choose(flexibleIn(struct, field.versions), compact, plain)
}

function readTags(code: CodeBlockWriter, struct: StructModel): void {
  const tagged = struct.fields.filter(field => field.tag !== undefined)
  code.write('for (let left = r.uvarint(), tag = -1; left > 0; left--)').block(() => {
    code.writeLine('tag = r.nextTag(tag)')
    code.writeLine('const end = r.taggedFieldEnd()')
    for (const field of tagged) readTag(code, struct, field)
    code.inlineBlock(() => code.writeLine('unknown = r.unknownTag(unknown, tag, end)')).newLine()
    code.writeLine('r.expectPosition(end)')
  })
}

/** A tag that only other versions know is an error, as in Kafka. */
function readTag(code: CodeBlockWriter, struct: StructModel, field: FieldModel): void {
  const within = inVersions(field.versions, [Math.max(struct.versions[0], struct.flexibleSince), struct.versions[1]])
  code.write(`if (tag === ${field.tag}) `).inlineBlock(() => {
    if (within !== true) {
      code.writeLine(`if (!(${within})) throw unsupported('${struct.typeName}.${field.name}', version)`)
    }
    const { type } = field
    if (type.kind !== 'array') code.writeLine(`${local(field.name)} = ${readValue(struct, field, type)}`)
    else readList(code, struct, field, type.element)
  })
  code.write(' else ')
}
