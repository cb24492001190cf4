// What server-side apply does, by the examples of the Kubernetes documentation and by what was seen on a real server.

import { describe, expect, test } from '@jest/globals'
import type { JsonObject } from './json.ts'
import { applied, updated } from './managers.ts'

const deployment = (spec: object, metadata: object = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'demo', namespace: 'a', ...metadata },
  spec,
})

function apply(live: JsonObject, config: JsonObject, manager = 'operator', force = false): JsonObject {
  const outcome = applied(live, config, { manager, subresource: '' }, force)
  if ('conflicts' in outcome) throw new Error(JSON.stringify(outcome.conflicts))
  return outcome.object
}

const update = (live: JsonObject, next: JsonObject, manager = 'user', subresource = ''): JsonObject =>
  updated(live, next, { manager, subresource })

const specOf = (object: JsonObject): unknown => object.spec

describe('apply', () => {
  test('sets its fields and keeps those of others', () => {
    const live = update({}, deployment({ replicas: 3, paused: true }))
    expect(specOf(apply(live, deployment({ minReadySeconds: 5 })))).toEqual({
      replicas: 3,
      paused: true,
      minReadySeconds: 5,
    })
  })

  test('that changes nothing leaves the object as it is, also when another manager applied last', () => {
    const first = apply({}, deployment({ replicas: 3 }), 'one')
    const second = apply(first, deployment({ paused: true }), 'two')
    expect(apply(second, deployment({ replicas: 3 }), 'one')).toEqual(second)
    expect(apply(second, deployment({ paused: true }), 'two')).toEqual(second)
  })

  test('takes away what it had and leaves out now', () => {
    const live = apply({}, deployment({ replicas: 3, paused: true }))
    expect(specOf(apply(live, deployment({ replicas: 3 })))).toEqual({ replicas: 3 })
  })

  test('leaves what it had and another manager has too', () => {
    const first = apply({}, deployment({ replicas: 3, paused: true }))
    const second = apply(first, deployment({ paused: true }), 'other')
    expect(specOf(apply(second, deployment({ replicas: 3 })))).toEqual({ replicas: 3, paused: true })
  })

  test('of another value conflicts, unless by force, which takes the field', () => {
    const live = apply({}, deployment({ replicas: 3 }))
    expect(() => apply(live, deployment({ replicas: 5 }), 'other')).toThrow('"field":".spec.replicas"')
    const taken = apply(live, deployment({ replicas: 5 }), 'other', true)
    expect(specOf(taken)).toEqual({ replicas: 5 })
    // It is not the first one's any more, so leaving it out takes nothing away.
    expect(specOf(apply(taken, deployment({})))).toEqual({ replicas: 5 })
  })

  test('of the same again changes nothing at all', () => {
    const config = deployment(
      { template: { spec: { containers: [{ name: 'a', image: 'x' }] } } },
      { labels: { l: '1' } },
    )
    const live = apply({}, config)
    expect(apply(live, config)).toEqual(live)
  })

  test('tells items of a list apart by their key', () => {
    const containers = (...items: object[]) => deployment({ template: { spec: { containers: items } } })
    const live = update({}, containers({ name: 'sidecar', image: 's' }))
    const both = apply(live, containers({ name: 'broker', image: 'b', env: [{ name: 'A', value: '1' }] }))
    expect(specOf(both)).toEqual(
      specOf(
        containers({ name: 'sidecar', image: 's' }, { name: 'broker', image: 'b', env: [{ name: 'A', value: '1' }] }),
      ),
    )
    const less = apply(both, containers({ name: 'broker', image: 'b' }))
    expect(specOf(less)).toEqual(specOf(containers({ name: 'sidecar', image: 's' }, { name: 'broker', image: 'b' })))
    expect(specOf(apply(less, deployment({})))).toEqual(specOf(containers({ name: 'sidecar', image: 's' })))
  })

  test('an object that was empty may get fields', () => {
    const live = apply({}, deployment({}, { labels: {} }))
    expect(apply(live, deployment({}, { labels: { a: 'b' } })).metadata).toMatchObject({ labels: { a: 'b' } })
  })
})

describe('an update', () => {
  test('owns what it changed, and takes it from who had it', () => {
    const live = apply({}, deployment({ replicas: 3, paused: true }))
    const scaled = update(live, { ...live, spec: { replicas: 7, paused: true } }, 'hpa', 'scale')
    expect(scaled.metadata).toMatchObject({
      managedFields: [
        { manager: 'operator', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:paused': {} } } },
        { manager: 'hpa', operation: 'Update', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
      ],
    })
    expect(() => apply(scaled, deployment({ replicas: 3, paused: true }))).toThrow('"manager":"hpa"')
  })
})
