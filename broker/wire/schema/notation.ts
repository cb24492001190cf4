/**
 * The notation for message facts, from which `npm run generate` writes the codecs.
 *
 * How to write a schema file
 * --------------------------
 * One file per API (or per family of messages). Export `api({...})` for a request with its response, `message(...)` for
 * anything else; the generator takes every such export of every file in the folder. Fields stand in wire order:
 *
 *     export const createTopic = message('CreateTopic', { versions: [0, 0], flexibleSince: 0 }, {
 *       name: string(),                                    // always there, never null
 *       topicId: uuid(),
 *       replicas: array(int32()),                          // a list of scalars
 *       configs: array({ name: string(), value: string({ nullableSince: 0 }) }), // a list of structs
 *       origin: object({ host: string(), port: uint16() }, { nullableSince: 0 }), // one struct, or null
 *       key: bytes({ nullableSince: 0, default: null }),   // null when left out of newCreateTopic()
 *       maxTimestamp: int64({ since: 1, default: -1 }),    // only from version 1; read as -1 before
 *       note: string({ tag: 0, default: '' }),             // a tagged field (KIP-482): written only when not the default
 *     })
 *
 * Rules
 * - Versions are whole ranges `[first, last]`; `since` and `until` of a field are inclusive and default to that range.
 * - From `flexibleSince` on, lengths are compact and every struct ends in tagged fields (KIP-482). Leave it out for never.
 * - Tags of a struct count from 0 without gaps in every version.
 * - A field absent in a version reads as its default: 0, false, '', empty, the zero uuid, or `default`. Writing anything
 *   else there is refused, unless the field is `ignorable`, in which case it is dropped (Kafka's rule).
 * - A struct type is called message + singular of its field (`CreateTopicConfig`); where that name is taken by a struct
 *   further up, the type that holds the field stands in place of the message. `name` replaces the singular.
 *   `shared(name, fields)` is a struct used in more than one place of a message.
 * - int64 is a JavaScript number and refuses what lies outside -2^53..2^53-1; with `saturating` reading clamps instead,
 *   for fields in which clients do send Long.MAX_VALUE ("no limit", "the very end").
 */

/** The smallest and largest version, both included. */
export type VersionRange = readonly [first: number, last: number]

export type ScalarType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'

export type DefaultValue = string | number | boolean | null

export interface FieldOptions {
  /** First version that has the field. */
  readonly since?: number
  /** Last version that has the field. */
  readonly until?: number
  /** First version in which null is a value. */
  readonly nullableSince?: number
  /** Number of a tagged field; only flexible versions have it. */
  readonly tag?: number
  /** May be dropped silently when written in a version without the field. */
  readonly ignorable?: true
  readonly default?: DefaultValue
}

interface StringOptions extends FieldOptions {
  /** Keeps the two-byte length in flexible versions (the client id of the request header). */
  readonly neverCompact?: true
}

interface Int64Options extends FieldOptions {
  readonly saturating?: true
}

interface StructOptions extends FieldOptions {
  /** Last part of the struct's type name, instead of the singular of the field's name. */
  readonly name?: string
}

/** The fields of a struct, in wire order. */
export type Fields = Readonly<Record<string, Field>>

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'struct'; readonly struct: Struct }
  | { readonly kind: 'array'; readonly element: FieldType }

export type FieldFacts = StringOptions & Int64Options & StructOptions

export class Field {
  readonly type: FieldType
  readonly facts: FieldFacts

  constructor(type: FieldType, facts: FieldFacts) {
    this.type = type
    this.facts = facts
  }
}

/** A struct; `name` is undefined when it is named after the only field that holds it. */
export class Struct {
  readonly name: string | undefined
  readonly fields: Fields
  /** May occur in several places; its `since` and `until` then speak of all versions of the message. */
  readonly isShared: boolean

  constructor(name: string | undefined, fields: Fields, isShared = false) {
    this.name = name
    this.fields = fields
    this.isShared = isShared
  }
}

export interface MessageVersions {
  readonly versions: VersionRange
  readonly flexibleSince?: number
}

export class Message {
  readonly name: string
  readonly versions: VersionRange
  /** Infinity when no version is flexible. */
  readonly flexibleSince: number
  readonly fields: Fields

  constructor(name: string, { versions, flexibleSince }: MessageVersions, fields: Fields) {
    this.name = name
    this.versions = versions
    this.flexibleSince = flexibleSince ?? Number.POSITIVE_INFINITY
    this.fields = fields
  }
}

export interface ApiFacts extends MessageVersions {
  readonly key: number
  readonly name: string
  readonly request: Fields
  readonly response: Fields
}

export class ApiSchema {
  readonly key: number
  readonly name: string
  readonly request: Message
  readonly response: Message

  constructor(facts: ApiFacts) {
    this.key = facts.key
    this.name = facts.name
    this.request = new Message(`${facts.name}Request`, facts, facts.request)
    this.response = new Message(`${facts.name}Response`, facts, facts.response)
  }
}

export function api(facts: ApiFacts): ApiSchema {
  return new ApiSchema(facts)
}

export function message(name: string, versions: MessageVersions, fields: Fields): Message {
  return new Message(name, versions, fields)
}

export function shared(name: string, fields: Fields): Struct {
  return new Struct(name, fields, true)
}

export function array(element: Field | Struct | Fields, options: StructOptions = {}): Field {
  const type: FieldType =
    element instanceof Field ? element.type : { kind: 'struct', struct: asStruct(element, options.name) }
  return new Field({ kind: 'array', element: type }, options)
}

export function object(fields: Struct | Fields, options: StructOptions = {}): Field {
  return new Field({ kind: 'struct', struct: asStruct(fields, options.name) }, options)
}

function asStruct(of: Struct | Fields, name: string | undefined): Struct {
  return of instanceof Struct ? of : new Struct(name, of)
}

function scalar(type: ScalarType, facts: FieldFacts): Field {
  return new Field({ kind: 'scalar', scalar: type }, facts)
}

type Default<T extends DefaultValue> = { readonly default?: T }

export const bool = (options: FieldOptions & Default<boolean> = {}): Field => scalar('bool', options)
export const int8 = (options: FieldOptions & Default<number> = {}): Field => scalar('int8', options)
export const int16 = (options: FieldOptions & Default<number> = {}): Field => scalar('int16', options)
export const uint16 = (options: FieldOptions & Default<number> = {}): Field => scalar('uint16', options)
export const int32 = (options: FieldOptions & Default<number> = {}): Field => scalar('int32', options)
export const uint32 = (options: FieldOptions & Default<number> = {}): Field => scalar('uint32', options)
export const int64 = (options: Int64Options & Default<number> = {}): Field => scalar('int64', options)
export const float64 = (options: FieldOptions & Default<number> = {}): Field => scalar('float64', options)
export const string = (options: StringOptions & Default<string | null> = {}): Field => scalar('string', options)
/** Sixteen bytes; in messages the 22 base64url characters that Kafka prints. */
export const uuid = (options: FieldOptions & Default<string> = {}): Field => scalar('uuid', options)
export const bytes = (options: FieldOptions & Default<null> = {}): Field => scalar('bytes', options)
/** Record batches: a list of slices, or null. Always nullable. */
export const records = (options: FieldOptions & Default<null> = {}): Field =>
  scalar('records', { ...options, nullableSince: 0 })
