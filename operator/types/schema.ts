// The building blocks of the custom resources' schemas. Each is bounded, because the API server estimates the cost of CEL
// rules from the bounds, and because an object has to fit into etcd. What stands in `x-kubernetes-*` goes into the CRD as it is.

import { z } from 'zod'

/** A rule in CEL. `message` is what the user reads when it is broken: it says what to change. */
export interface Rule {
  readonly rule: string
  readonly message: string
}

/**
 * The schema with rules that the API server checks at admission ("CRD validation rules"). A rule of an object that has a
 * default must hold for the default as it is written, before the defaults inside it are filled in: ask `has` first.
 */
export const withRules = <Schema extends z.ZodType>(schema: Schema, ...rules: readonly Rule[]): Schema =>
  schema.meta({ 'x-kubernetes-validations': rules })

/** Any text of at most `max` characters. */
export const text = (max: number) => z.string().min(1).max(max)

/** A name of an object, a namespace or a listener as DNS has it (RFC 1123 label). */
export const dnsLabel = (max = 63) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)

/** A name of an object where dots are allowed (RFC 1123 subdomain). */
export const objectName = () =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)

export const hostName = () =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9._:-]+$/)

export const httpUrl = () =>
  z
    .string()
    .max(500)
    .regex(/^https?:\/\/[^\s/]+/)

export const port = () => z.int32().min(1).max(65535)

/** A port that Kubernetes hands out for NodePort services by default. */
export const nodePort = () => z.int32().min(1).max(65535)

/** RFC 3339. */
export const time = () => z.string().max(40).meta({ format: 'date-time' })

export const count = () => z.int32().min(0)

/** Bytes, records, offsets: whole numbers that may be large. */
export const large = () => z.int().min(0)

export const QUANTITY = '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?[0-9]+))?$'

/** An amount as Kubernetes writes it: `500m`, `2Gi`, `3`. parseQuantity reads it. */
export const quantity = () =>
  z
    .union([z.int().min(0), z.string().max(40).regex(new RegExp(QUANTITY))])
    .meta({ 'x-kubernetes-int-or-string': true, pattern: QUANTITY, maxLength: 40 })

const COUNT_OR_PERCENT = '^(100|[1-9]?[0-9])%$'

/** A number of pods, or a share of them such as `25%`. */
export const countOrPercent = () =>
  z
    .union([z.int().min(0), z.string().max(4).regex(new RegExp(COUNT_OR_PERCENT))])
    .meta({ 'x-kubernetes-int-or-string': true, pattern: COUNT_OR_PERCENT, maxLength: 4 })

/** The value of a setting: text, or a whole number without quotes. YAML's true and false need quotes. */
export const settingValue = () =>
  z.union([z.int(), z.string().max(1000)]).meta({ 'x-kubernetes-int-or-string': true, maxLength: 1000 })

/** At most `max` settings by name. */
export const settings = (max: number) => z.record(z.string(), settingValue()).meta({ maxProperties: max })

const amounts = () => z.record(z.string(), quantity()).meta({ maxProperties: 16 })

/** As in a container: what it is promised and what it may use at most. */
export const resources = () =>
  z.object({
    requests: amounts().optional().describe('What the container is promised.'),
    limits: amounts().optional().describe('What the container may use at most.'),
  })

export const labels = () => z.record(z.string(), z.string().max(1000)).meta({ maxProperties: 64 })

/** A list whose order means nothing and that an applier owns as a whole. */
export const list = <Item extends z.ZodType>(item: Item, max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'atomic' })

/** A list of values that differ; each applier owns the values that it names. */
export const set = <Item extends z.ZodType>(item: Item, max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'set' })

/** A list of objects that are told apart by `keys`; each applier owns the objects that it names. */
export const listMap = <Item extends z.ZodObject>(item: Item, keys: readonly string[], max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys })

/** Whatever another kind of Kubernetes has there; it is handed on unread. */
export const anything = () => z.looseObject({}).meta({ 'x-kubernetes-preserve-unknown-fields': true })
