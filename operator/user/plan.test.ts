import { expect, test } from '@jest/globals'
import { userSchema } from '../types/kaf-scale-user.ts'
import { type Acl, NOBODY, planRemoval, planUser, type UserStep, wantedAcls } from './plan.ts'

const user = (spec: object = {}) =>
  userSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleUser',
    metadata: { name: 'alice' },
    spec: { clusterRef: 'orders', authentication: { type: 'scram-sha-512' }, ...spec },
  })

const topic = (name: string, more: object = {}) => ({
  resource: { type: 'topic', name, ...more },
  operations: ['Read', 'Describe'],
})
const password = { mechanism: 2, iterations: 4100, password: 'x' }
const kinds = (steps: readonly UserStep[]) => steps.map(({ kind }) => kind)

test('a new user gets rights, quotas and a password', () => {
  const spec = { authorization: { acls: [topic('a')] }, quotas: { producerByteRate: 1000 } }
  expect(planUser(user(spec), password, NOBODY)).toEqual([
    { kind: 'add acl', name: 'alice', acl: expect.objectContaining({ resourceName: 'a', operation: 3, host: '*' }) },
    { kind: 'add acl', name: 'alice', acl: expect.objectContaining({ operation: 8, permissionType: 3 }) },
    { kind: 'quotas', name: 'alice', set: new Map([['producer_byte_rate', 1000]]), remove: [] },
    { kind: 'set password', name: 'alice', ...password },
  ])
})

test('a user that is as it should be is left alone', () => {
  const spec = user({ authorization: { acls: [topic('a')] }, quotas: { requestPercentage: 12.5 } })
  const live = {
    scram: new Map([[2, 4100]]),
    acls: wantedAcls(spec.spec.authorization?.acls ?? []).toReversed(),
    quotas: new Map([['request_percentage', 12.5]]),
  }
  expect(planUser(spec, password, live)).toEqual([])
})

test('what others gave it is taken away, and what they took is given back', () => {
  const foreign: Acl = {
    resourceType: 2,
    resourceName: '*',
    patternType: 3,
    host: '*',
    operation: 2,
    permissionType: 3,
  }
  const live = {
    scram: new Map([
      [1, 8192],
      [2, 4096],
    ]),
    acls: [foreign],
    quotas: new Map([['consumer_byte_rate', 1]]),
  }
  expect(planUser(user({ authorization: { acls: [topic('a')] } }), password, live)).toEqual([
    { kind: 'remove acl', name: 'alice', acl: foreign },
    expect.objectContaining({ kind: 'add acl' }),
    expect.objectContaining({ kind: 'add acl' }),
    { kind: 'quotas', name: 'alice', set: new Map(), remove: ['consumer_byte_rate'] },
    expect.objectContaining({ kind: 'set password', iterations: 4100 }),
    { kind: 'remove password', name: 'alice', mechanism: 1 },
  ])
})

test('at no moment somebody may do more than before and after', () => {
  const denied = { resource: { type: 'topic', name: 'secret' }, operations: ['Read'], type: 'deny' }
  const before = user({ authorization: { acls: [topic('a'), { ...denied, host: '10.0.0.1' }] } })
  const after = user({ authorization: { acls: [topic('b'), denied] } })
  const live = { ...NOBODY, scram: new Map([[2, 4100]]), acls: wantedAcls(before.spec.authorization?.acls ?? []) }
  const steps = planUser(after, password, live)
  const order = steps.map(step => ('acl' in step ? `${step.kind} ${step.acl.permissionType}` : step.kind))
  expect(order).toEqual(['add acl 2', 'remove acl 3', 'remove acl 3', 'add acl 3', 'add acl 3', 'remove acl 2'])
})

test('a user without a password loses the one that somebody gave it', () => {
  const live = { ...NOBODY, scram: new Map([[1, 4096]]) }
  expect(kinds(planUser(user({ authentication: { type: 'tls' } }), undefined, live))).toEqual(['remove password'])
})

test('the same rule twice is one, and the cluster has its name', () => {
  const cluster = { resource: { type: 'cluster' }, operations: ['Describe'], host: '*', type: 'allow' }
  const { acls = [] } = user({ authorization: { acls: [topic('a'), topic('a'), cluster] } }).spec.authorization ?? {}
  expect(wantedAcls(acls)).toHaveLength(3)
  expect(wantedAcls(acls).at(-1)).toMatchObject({ resourceType: 4, resourceName: 'kafka-cluster', patternType: 3 })
})

test('a user that goes leaves nothing', () => {
  const { acls = [] } = user({ authorization: { acls: [topic('a')] } }).spec.authorization ?? {}
  const live = { scram: new Map([[2, 4100]]), acls: wantedAcls(acls), quotas: new Map([['producer_byte_rate', 1]]) }
  expect(kinds(planRemoval(user(), live))).toEqual(['remove password', 'remove acl', 'remove acl', 'quotas'])
  expect(planRemoval(user(), NOBODY)).toEqual([])
})
