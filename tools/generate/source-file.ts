/** Assembles one generated file from messages: interfaces, constructors, readers and writers. */

import {
  type CodeBlockWriter,
  type FunctionDeclarationStructure,
  IndentationText,
  type InterfaceDeclarationStructure,
  Project,
  QuoteKind,
  type StatementStructures,
  StructureKind,
} from 'ts-morph'
import { defaultOf, differsFromDefault, fieldTypeName, isNullable, objectLiteral } from './expressions.ts'
import type { FieldModel, MessageModel, StructModel } from './model.ts'
import { readBody } from './reading.ts'
import { writeBody } from './writing.ts'

const project = new Project({
  useInMemoryFileSystem: true,
  manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Single },
})

/** Where generated code finds what it calls, as a relative path from it to `broker/wire`. */
export interface SourceFileOptions {
  readonly banner: string
  readonly wire: string
}

export function sourceFile(messages: readonly MessageModel[], options: SourceFileOptions): string {
  const statements: StatementStructures[] = []
  for (const message of messages) {
    const defaults = structsWithDefaults(message)
    for (const struct of [...message.structs].reverse()) {
      statements.push(interfaceOf(struct), constructorOf(struct))
      statements.push(readerOf(struct, message), writerOf(struct, message))
      if (defaults.has(struct)) statements.push(isDefaultOf(struct))
    }
  }
  const structs = messages.flatMap(message => message.structs)
  const body = sharedDefaults(structs, print(statements))
  return `${options.banner}\n\n${importsFor(body, options.wire)}\n${body}`
}

/** Puts the constants for default values that the text uses in front of it. */
function sharedDefaults(structs: readonly StructModel[], text: string): string {
  let body = text
  const isUsed = (name: string) => new RegExp(`\\b${name}\\b`).test(body)
  // Outermost first, since a default may hold other defaults.
  for (const struct of [...structs].reverse()) {
    const name = `default${struct.typeName}`
    if (!isUsed(name)) continue
    const properties = struct.fields.map(field => `${field.name}: ${defaultOf(field)}`)
    body = `${objectLiteral(`const ${name}: Readonly<${struct.typeName}> = `, properties)}\n\n${body}`
  }
  return isUsed('noBytes') ? `const noBytes = Buffer.alloc(0)\n\n${body}` : body
}

/** The text of some declarations, without semicolons as in the rest of the house. */
export function print(statements: StatementStructures[]): string {
  const file = project.createSourceFile('generated.ts', { statements }, { overwrite: true })
  return file.getFullText().replace(/;$/gm, '')
}

const IMPORTS: readonly (readonly [file: string, types: readonly string[], values: readonly string[]])[] = [
  ['init.ts', ['Init'], []],
  ['reader.ts', ['Reader'], []],
  ['unknown-tagged-fields.ts', ['UnknownTaggedField'], []],
  ['uuid.ts', [], ['ZERO_UUID']],
  ['wire-error.ts', [], ['checkVersion', 'notNull', 'refuseTags', 'unsupported']],
  ['writer.ts', ['Writer'], []],
]

function importsFor(body: string, wire: string): string {
  const uses = (name: string) => new RegExp(`\\b${name}\\b`).test(body)
  let text = ''
  for (const [file, types, values] of IMPORTS) {
    const usedTypes = types.filter(uses)
    const usedValues = values.filter(uses)
    if (usedTypes.length > 0) text += `import type { ${usedTypes.join(', ')} } from '${wire}/${file}'\n`
    if (usedValues.length > 0) text += `import { ${usedValues.join(', ')} } from '${wire}/${file}'\n`
  }
  return text
}

function interfaceOf(struct: StructModel): InterfaceDeclarationStructure {
  const properties = struct.fields.map(field => ({
    name: field.name,
    type: fieldTypeName(field),
    docs: docOf(field, struct),
  }))
  const unknown = {
    name: 'unknownTaggedFields',
    type: 'readonly UnknownTaggedField[]',
    hasQuestionToken: true,
    docs: [],
  }
  const flexible = struct.flexibleSince <= struct.versions[1]
  return {
    kind: StructureKind.Interface,
    name: struct.typeName,
    isExported: true,
    properties: flexible ? [...properties, unknown] : properties,
  }
}

function docOf(field: FieldModel, struct: StructModel): string[] {
  const notes: string[] = []
  const [first, last] = field.versions
  if (first > struct.versions[0] && last < struct.versions[1]) notes.push(`versions ${first} to ${last}`)
  else if (first > struct.versions[0]) notes.push(`since version ${first}`)
  else if (last < struct.versions[1]) notes.push(`until version ${last}`)
  if (isNullable(field) && field.nullableSince > first) notes.push(`null since version ${field.nullableSince}`)
  if (field.tag !== undefined) notes.push(`tag ${field.tag}`)
  if (field.optional)
    notes.push(
      `default ${field.type.kind === 'struct' && field.defaultValue !== null ? 'all defaults' : defaultOf(field)}`,
    )
  if (notes.length === 0) return []
  const text = notes.join(', ')
  return [`${text.charAt(0).toUpperCase()}${text.slice(1)}.`]
}

function constructorOf(struct: StructModel): FunctionDeclarationStructure {
  const required = struct.fields.filter(field => !field.optional).map(field => `'${field.name}'`)
  const names = required.length === 0 ? 'never' : required.join(' | ')
  return {
    kind: StructureKind.Function,
    name: `new${struct.typeName}`,
    isExported: true,
    parameters: [
      required.length === 0
        ? { name: 'from', type: `Init<${struct.typeName}, ${names}>`, initializer: '{}' }
        : { name: 'from', type: `Init<${struct.typeName}, ${names}>` },
    ],
    returnType: struct.typeName,
    statements: code => {
      code
        .write('return')
        .space()
        .inlineBlock(() => {
          for (const field of struct.fields) code.writeLine(`${field.name}: ${initialValue(field)},`)
        })
    },
  }
}

function initialValue(field: FieldModel): string {
  const value = `from.${field.name}`
  if (!field.optional) return value
  // Null is a value of its own where it is not the default.
  const usesDefault = isNullable(field) && field.defaultValue !== null ? `${value} === undefined` : ''
  return usesDefault ? `${usesDefault} ? ${defaultOf(field)} : ${value}` : `${value} ?? ${defaultOf(field)}`
}

function readerOf(struct: StructModel, message: MessageModel): FunctionDeclarationStructure {
  return {
    kind: StructureKind.Function,
    name: `read${struct.typeName}`,
    isExported: struct === message.root,
    parameters: [
      { name: 'r', type: 'Reader' },
      { name: usesVersion(struct, message, readBody) ? 'version' : '_version', type: 'number' },
    ],
    returnType: struct.typeName,
    statements: code => {
      if (struct === message.root) code.writeLine(versionCheck(message))
      readBody(code, struct)
    },
  }
}

function writerOf(struct: StructModel, message: MessageModel): FunctionDeclarationStructure {
  return {
    kind: StructureKind.Function,
    name: `write${struct.typeName}`,
    isExported: struct === message.root,
    parameters: [
      { name: 'w', type: 'Writer' },
      { name: 'm', type: struct.typeName },
      { name: usesVersion(struct, message, writeBody) ? 'version' : '_version', type: 'number' },
    ],
    returnType: 'void',
    statements: code => {
      if (struct === message.root) code.writeLine(versionCheck(message))
      writeBody(code, struct)
    },
  }
}

function versionCheck({ name, versions: [first, last] }: MessageModel): string {
  return `checkVersion('${name}', version, ${first}, ${last})`
}

function usesVersion(
  struct: StructModel,
  message: MessageModel,
  emit: (code: CodeBlockWriter, struct: StructModel) => void,
): boolean {
  if (struct === message.root) return true
  const code = project.createWriter()
  emit(code, struct)
  return /\bversion\b/.test(code.toString())
}

function isDefaultOf(struct: StructModel): FunctionDeclarationStructure {
  const tests = struct.fields.map(field => `!(${differsFromDefault(field, `m.${field.name}`)})`)
  if (struct.flexibleSince <= struct.versions[1]) tests.push('m.unknownTaggedFields === undefined')
  const test = tests.join(' && ').replace(/!\((\S+) !== (\S+)\)/g, '$1 === $2')
  return {
    kind: StructureKind.Function,
    name: `isDefault${struct.typeName}`,
    parameters: [{ name: 'm', type: struct.typeName }],
    returnType: 'boolean',
    statements: `return ${test}`,
  }
}

/** Structs that writers must compare with their default: tagged ones, and those that some version lacks. */
function structsWithDefaults(message: MessageModel): Set<StructModel> {
  const found = new Set<StructModel>()
  const add = (struct: StructModel): void => {
    found.add(struct)
    for (const { type } of struct.fields) if (type.kind === 'struct') add(type.struct)
  }
  for (const struct of message.structs) {
    for (const field of struct.fields) {
      if (field.type.kind !== 'struct' || field.defaultValue === null) continue
      const [first, last] = field.versions
      const everywhere = first <= struct.versions[0] && last >= struct.versions[1]
      if (field.tag !== undefined || (!everywhere && !field.ignorable)) add(field.type.struct)
    }
  }
  return found
}
