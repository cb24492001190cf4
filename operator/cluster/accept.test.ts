// What the operator refuses to carry out although the API server took it.

import { describe, expect, test } from '@jest/globals'
import { clusterSchema } from '../types/kaf-scale-cluster.ts'
import { refusalOf } from './accept.ts'

const refusal = (spec: Record<string, unknown>) =>
  refusalOf({
    cluster: clusterSchema.parse({
      apiVersion: 'kafscale.io/v1alpha1',
      kind: 'KafScaleCluster',
      metadata: { name: 'orders', namespace: 'shop', uid: 'uid-1' },
      spec: { s3: { bucket: 'records', region: 'eu-central-1' }, ...spec },
    }),
    secrets: [],
  })

describe('a console that may change things', () => {
  const inside = { name: 'inside', port: 9092, authentication: { type: 'none' } }
  const tls = { selfSigned: true }
  const certificates = { name: 'apps', port: 9093, tls, authentication: { type: 'tls' } }
  const passwords = { name: 'people', port: 9094, tls, authentication: { type: 'scram-sha-512' } }
  const console = { allowChanges: true }

  test.each([
    ['another listener wants certificates', { console, listeners: [inside, certificates] }],
    ['security is enabled', { console, listeners: [inside], security: { enabled: true } }],
    ['ACLs hold', { console, listeners: [inside], authorization: { type: 'acl' } }],
    ['the open one of two is named', { console: { ...console, listener: 'inside' }, listeners: [inside, passwords] }],
  ])('is refused on a listener that takes everybody, where %s', (_, spec) => {
    expect(refusal(spec)).toEqual({
      reason: 'InvalidSpec',
      message: expect.stringMatching(/console\.allowChanges .* listener inside .*: name .* in console\.listener, or /),
    })
  })

  test.each([
    ['people have passwords', { console, listeners: [inside, passwords] }],
    ['the whole cluster takes everybody', { console, listeners: [inside, { name: 'tls', port: 9093, tls }] }],
    ['security is enabled, and no listener says otherwise', { console, security: { enabled: true } }],
    ['it may look alone', { console: {}, listeners: [inside, certificates] }],
  ])('is taken where %s', (_, spec) => {
    expect(refusal(spec)).toBeUndefined()
  })
})
