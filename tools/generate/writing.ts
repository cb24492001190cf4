/** Emits `writeX(w, m, version)`: one statement per field in wire order, then the tagged fields that are not defaults. */

import type { CodeBlockWriter } from 'ts-morph'
import type { VersionRange } from '../../broker/wire/schema/notation.ts'
import {
  chooseStatement,
  differsFromDefault,
  emitIf,
  flexibleIn,
  inVersions,
  isNullable,
  since,
} from './expressions.ts'
import type { ElementModel, FieldModel, StructModel } from './model.ts'
import { pascalCase } from './naming.ts'

export function writeBody(code: CodeBlockWriter, struct: StructModel): void {
  if (typeof since(struct.flexibleSince, struct.versions) === 'string') {
    code.writeLine(`const flexible = version >= ${struct.flexibleSince}`)
  }
  for (const field of struct.fields) if (field.tag === undefined) writeField(code, struct, field)
  const flexible = flexibleIn(struct)
  if (flexible === false) return
  emitIf(
    code,
    flexible,
    inner => writeTags(inner, struct),
    inner => {
      for (const field of struct.fields) if (field.tag !== undefined) refuse(inner, struct, field)
      inner.writeLine(`refuseTags(m.unknownTaggedFields, '${struct.typeName}', version)`)
    },
  )
}

/** What Kafka does with a value that the version has no place for. */
function refuse(code: CodeBlockWriter, struct: StructModel, field: FieldModel): void {
  if (field.ignorable) return
  const condition = differsFromDefault(field, `m.${field.name}`)
  code.writeLine(`if (${condition}) throw unsupported('${struct.typeName}.${field.name}', version)`)
}

function writeField(code: CodeBlockWriter, struct: StructModel, field: FieldModel): void {
  emitIf(
    code,
    inVersions(field.versions, struct.versions),
    inner => writeValue(inner, struct, field, field.versions),
    inner => refuse(inner, struct, field),
  )
}

function writeValue(code: CodeBlockWriter, struct: StructModel, field: FieldModel, versions: VersionRange): void {
  const { type } = field
  if (type.kind === 'array') {
    writeList(code, struct, field, type.element, versions)
    return
  }
  const value = `m.${field.name}`
  const refusingNull = isNullable(field) ? `notNull(${value}, '${struct.typeName}.${field.name}', version)` : value
  emitIf(
    code,
    since(field.nullableSince, versions),
    inner => {
      if (type.kind === 'scalar') inner.writeLine(scalarCall(struct, field, type.scalar, value, true, versions))
      else {
        inner.writeLine(`w.presence(${value} !== null)`)
        inner.writeLine(`if (${value} !== null) write${type.struct.typeName}(w, ${value}, version)`)
      }
    },
    inner => {
      if (type.kind === 'scalar') inner.writeLine(scalarCall(struct, field, type.scalar, refusingNull, false, versions))
      else inner.writeLine(`write${type.struct.typeName}(w, ${refusingNull}, version)`)
    },
  )
}

function writeList(
  code: CodeBlockWriter,
  struct: StructModel,
  field: FieldModel,
  element: ElementModel,
  versions: VersionRange,
): void {
  const value = `m.${field.name}`
  const length = (count: string) =>
    chooseStatement(flexibleIn(struct, versions), `w.compactArrayLength(${count})`, `w.arrayLength(${count})`)
  const fill = (inner: CodeBlockWriter) => {
    inner.writeLine(length(`${value}.length`))
    const item =
      element.kind === 'struct'
        ? `write${element.struct.typeName}(w, element, version)`
        : scalarCall(struct, field, element.scalar, 'element', false, versions)
    inner.write(`for (const element of ${value}) `)
    if (item.includes('\n')) inner.inlineBlock(() => inner.writeLine(item)).newLine()
    else inner.write(item).newLine()
  }
  if (!isNullable(field)) {
    fill(code)
    return
  }
  const nullable = since(field.nullableSince, versions)
  const refusal = `throw unsupported('${struct.typeName}.${field.name}', version)`
  emitIf(
    code,
    `${value} === null`,
    inner => {
      emitIf(
        inner,
        nullable,
        deepest => deepest.writeLine(length('-1')),
        deepest => deepest.writeLine(refusal),
      )
    },
    fill,
  )
}

function scalarCall(
  struct: StructModel,
  field: FieldModel,
  scalar: string,
  value: string,
  nullable: boolean,
  versions: VersionRange,
): string {
  if (scalar === 'records')
    return chooseStatement(flexibleIn(struct, versions), `w.compactRecords(${value})`, `w.records(${value})`)
  if (scalar !== 'string' && scalar !== 'bytes') return `w.${scalar}(${value})`
  const word = pascalCase(scalar)
  const compact = `w.compact${nullable ? 'Nullable' : ''}${word}(${value})`
  const plain = `w.${nullable ? `nullable${word}` : scalar}(${value})`
  return field.neverCompact ? plain : chooseStatement(flexibleIn(struct, versions), compact, plain)
}

function writeTags(code: CodeBlockWriter, struct: StructModel): void {
  const versions: VersionRange = [Math.max(struct.versions[0], struct.flexibleSince), struct.versions[1]]
  const tagged = struct.fields.filter(field => field.tag !== undefined).sort((a, b) => (a.tag ?? 0) - (b.tag ?? 0))
  if (tagged.length === 0) {
    code.writeLine('w.onlyUnknownTags(m.unknownTaggedFields)')
    return
  }
  code.writeLine('let count = m.unknownTaggedFields === undefined ? 0 : m.unknownTaggedFields.length')
  for (const field of tagged) {
    const differs = differsFromDefault(field, `m.${field.name}`)
    emitIf(
      code,
      inVersions(field.versions, versions),
      inner => inner.writeLine(`if (${differs}) count++`),
      inner => refuse(inner, struct, field),
    )
  }
  code.writeLine('w.uvarint(count)')
  for (const field of tagged) {
    const present = inVersions(field.versions, versions)
    const differs = differsFromDefault(field, `m.${field.name}`)
    emitIf(code, present === true ? differs : `${present} && ${differs}`, inner => {
      inner.writeLine(`const place = w.beginTag(${field.tag})`)
      writeValue(inner, struct, field, field.versions)
      inner.writeLine('w.endTag(place)')
    })
  }
  // Tags count from 0, so the first one that is not ours is their number.
  code.writeLine(`w.unknownTags(m.unknownTaggedFields, ${tagged.length})`)
}
