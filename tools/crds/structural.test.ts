import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { anything, listMap, quantity, withRules } from '../../operator/types/schema.ts'
import { structural } from './structural.ts'

describe('structural', () => {
  test('whole numbers get a format, and only bounds that mean something', () => {
    expect(structural(z.int32().min(1))).toEqual({ type: 'integer', format: 'int32', minimum: 1 })
    expect(structural(z.int())).toEqual({ type: 'integer', format: 'int64' })
    expect(
      structural(
        z
          .int()
          .min(-1)
          .max(2 ** 40),
      ),
    ).toEqual({
      type: 'integer',
      format: 'int64',
      minimum: -1,
      maximum: 2 ** 40,
    })
  })

  test('an amount is an integer or a string in the one form that the API server takes', () => {
    expect(structural(quantity())).toMatchObject({
      'x-kubernetes-int-or-string': true,
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      pattern: expect.stringContaining('KMGTPE'),
    })
    expect(structural(quantity())).not.toHaveProperty('type')
  })

  test('an object whose fields are all optional has no list of required ones', () => {
    expect(structural(z.object({ a: z.string().optional() }))).toEqual({
      type: 'object',
      properties: { a: { type: 'string' } },
    })
  })

  test('fields with a default are not required', () => {
    expect(structural(z.object({ a: z.boolean().default(false), b: z.string() }))).toMatchObject({
      required: ['b'],
      properties: { a: { type: 'boolean', default: false } },
    })
  })

  test('what is handed on unread keeps its fields', () => {
    expect(structural(anything())).toEqual({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
  })

  test('rules and list types go over as they are', () => {
    const item = z.object({ name: z.string() })
    const rule = { rule: 'self.size() > 1', message: 'add one' }
    expect(structural(withRules(listMap(item, ['name'], 3), rule))).toEqual({
      type: 'array',
      maxItems: 3,
      items: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-validations': [rule],
    })
  })

  test.each([
    ['a union', z.union([z.string(), z.number()]), /cannot say anyOf/],
    ['a strict object', z.strictObject({}), /./],
    ['anything at all', z.object({ a: z.unknown() }), /wants a type/],
    ['look-ahead', z.string().regex(/^(?!a)b/), /RE2/],
    ['a date', z.date(), /./],
  ])('%s is refused', (_, schema, message) => {
    expect(() => structural(schema)).toThrow(message)
  })
})
