/**
 * What the code emitters work on: a message with every struct named, every version range closed and clipped to where its
 * struct occurs, and every rule of the notation checked.
 */

import {
  type DefaultValue,
  type FieldType,
  type Message,
  type ScalarType,
  Struct,
  type VersionRange,
} from '../../broker/wire/schema/notation.ts'
import { pascalCase, singular } from './naming.ts'

export type TypeModel =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'struct'; readonly struct: StructModel }
  | { readonly kind: 'array'; readonly element: ElementModel }

export type ElementModel = Exclude<TypeModel, { kind: 'array' }>

export interface FieldModel {
  readonly name: string
  readonly type: TypeModel
  readonly versions: VersionRange
  /** Infinity when it is never null. */
  readonly nullableSince: number
  readonly tag: number | undefined
  readonly ignorable: boolean
  readonly saturating: boolean
  readonly neverCompact: boolean
  /** null, a scalar, or undefined for "empty" (list, bytes, struct of defaults). */
  readonly defaultValue: DefaultValue | undefined
  /** Constructors may be called without it. */
  readonly optional: boolean
}

export interface StructModel {
  readonly typeName: string
  /** Versions in which it can occur. */
  readonly versions: VersionRange
  readonly flexibleSince: number
  readonly fields: readonly FieldModel[]
}

export interface MessageModel {
  readonly name: string
  readonly versions: VersionRange
  readonly root: StructModel
  /** The root and all others, innermost first. */
  readonly structs: readonly StructModel[]
}

export function messageModel(message: Message): MessageModel {
  const resolver = new Resolver(message)
  const root = resolver.struct(new Struct('', message.fields), '', message.name, message.versions)
  return { name: message.name, versions: message.versions, root, structs: resolver.structs }
}

class Resolver {
  readonly structs: StructModel[] = []
  private readonly message: Message
  private readonly names = new Set<string>()
  private readonly known = new Map<Struct, StructModel>()

  constructor(message: Message) {
    this.message = message
  }

  /** `holder` is the type that has the field. */
  struct(struct: Struct, fieldName: string, holder: string, occurs: VersionRange): StructModel {
    const before = this.known.get(struct)
    if (before !== undefined) return before
    const versions = struct.isShared ? this.message.versions : occurs
    const typeName = this.unusedName(struct.name ?? pascalCase(fieldName), holder)
    const fields = Object.keys(struct.fields).map(name => this.field(struct, typeName, name, versions))
    const model: StructModel = { typeName, versions, flexibleSince: this.message.flexibleSince, fields }
    checkTags(model)
    this.known.set(struct, model)
    this.structs.push(model)
    return model
  }

  private unusedName(own: string, holder: string): string {
    const name = [this.message.name + own, holder + own].find(candidate => !this.names.has(candidate))
    if (name === undefined) throw new Error(`two structs called ${holder}${own}: give one of them a name`)
    this.names.add(name)
    return name
  }

  private field(struct: Struct, typeName: string, name: string, within: VersionRange): FieldModel {
    const field = struct.fields[name]
    if (field === undefined) throw new Error(`${typeName}.${name} is missing`)
    const { facts } = field
    const where = `${typeName}.${name}`
    if (facts.since !== undefined && facts.since <= within[0]) throw new Error(`${where}: needless since`)
    if (facts.until !== undefined && facts.until >= within[1]) throw new Error(`${where}: needless until`)
    const versions: VersionRange = [facts.since ?? within[0], facts.until ?? within[1]]
    if (versions[0] > versions[1]) throw new Error(`${where}: no version left`)
    if (facts.tag !== undefined && versions[0] < this.message.flexibleSince) {
      throw new Error(`${where}: a tag before the first flexible version`)
    }
    if (facts.default === null && facts.nullableSince === undefined) throw new Error(`${where}: null is no value`)
    const type = this.type(field.type, name, versions, typeName)
    return {
      name,
      type,
      versions,
      nullableSince: facts.nullableSince ?? Number.POSITIVE_INFINITY,
      tag: facts.tag,
      ignorable: facts.ignorable ?? false,
      saturating: facts.saturating ?? false,
      neverCompact: facts.neverCompact ?? false,
      defaultValue: facts.default === undefined ? zeroOf(type) : facts.default,
      optional:
        facts.default !== undefined ||
        facts.ignorable === true ||
        facts.tag !== undefined ||
        versions[0] > within[0] ||
        versions[1] < within[1] ||
        (type.kind === 'scalar' && type.scalar === 'records'),
    }
  }

  private type(type: FieldType, name: string, versions: VersionRange, holder: string): TypeModel {
    if (type.kind === 'scalar') return type
    if (type.kind === 'struct') return { kind: 'struct', struct: this.struct(type.struct, name, holder, versions) }
    const { element } = type
    if (element.kind === 'array') throw new Error(`${holder}.${name}: a list of lists; put a struct between`)
    if (element.kind === 'scalar') return { kind: 'array', element }
    const struct = this.struct(element.struct, singular(name), holder, versions)
    return { kind: 'array', element: { kind: 'struct', struct } }
  }
}

function checkTags({ typeName, versions, fields }: StructModel): void {
  for (let version = versions[0]; version <= versions[1]; version++) {
    const tags = fields
      .filter(field => field.tag !== undefined && isIn(version, field.versions))
      .map(field => field.tag)
    tags.sort((a = 0, b = 0) => a - b)
    if (tags.some((tag, i) => tag !== i)) throw new Error(`${typeName}: tags in version ${version} do not count from 0`)
  }
}

function zeroOf(type: TypeModel): DefaultValue | undefined {
  if (type.kind !== 'scalar') return undefined
  switch (type.scalar) {
    case 'bool':
      return false
    case 'string':
    case 'uuid':
      return ''
    case 'bytes':
      return undefined
    case 'records':
      return null
    default:
      return 0
  }
}

export function isIn(version: number, [first, last]: VersionRange): boolean {
  return version >= first && version <= last
}

/** The fewest bytes that a value of the type takes in any of these versions: what a list's count is checked against. */
export function fewestBytes(type: TypeModel, versions: VersionRange, flexibleSince: number): number {
  let fewest = Number.POSITIVE_INFINITY
  for (let version = versions[0]; version <= versions[1]; version++) {
    fewest = Math.min(fewest, bytesIn(version, type, flexibleSince))
  }
  return fewest
}

function bytesIn(version: number, type: TypeModel, flexibleSince: number): number {
  const flexible = version >= flexibleSince
  if (type.kind === 'array') return flexible ? 1 : 4
  if (type.kind === 'scalar') return scalarBytes(type.scalar, flexible)
  let sum = flexible ? 1 : 0
  for (const field of type.struct.fields) {
    if (field.tag !== undefined || !isIn(version, field.versions)) continue
    const nullable = version >= field.nullableSince && field.type.kind === 'struct'
    sum += nullable ? 1 : bytesIn(version, field.type, flexibleSince)
  }
  return sum
}

function scalarBytes(scalar: ScalarType, flexible: boolean): number {
  switch (scalar) {
    case 'bool':
    case 'int8':
      return 1
    case 'int16':
    case 'uint16':
      return 2
    case 'int32':
    case 'uint32':
      return 4
    case 'int64':
    case 'float64':
      return 8
    case 'uuid':
      return 16
    case 'string':
      return flexible ? 1 : 2
    case 'bytes':
    case 'records':
      return flexible ? 1 : 4
  }
}
