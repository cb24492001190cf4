import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Acl } from '../state/security.ts'
import { operation, patternType, permission, resourceType } from './acl.ts'
import type { Principal } from './authentication.ts'
import { Authorizer, type Denial, EVERYTHING } from './authorizer.ts'

const { READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, ALL, ALTER_CONFIGS, DESCRIBE_CONFIGS } = operation
const { TOPIC, GROUP } = resourceType

let acls: Acl[]
let version: number | undefined
let denials: Denial[]
let authorizer: Authorizer

const acl = (change: Partial<Acl>): Acl => ({
  resourceType: TOPIC,
  patternType: patternType.LITERAL,
  resourceName: 't',
  principal: 'User:a',
  host: '*',
  operation: READ,
  permission: permission.ALLOW,
  ...change,
})
const DENY = { permission: permission.DENY }
const PREFIXED = { patternType: patternType.PREFIXED }

const setUp = (allowsUnnamed = false): void => {
  acls = []
  version = 0
  denials = []
  authorizer = new Authorizer({
    acls: () => (version === undefined ? undefined : { version, all: acls }),
    superUsers: new Set(['User:root']),
    allowsUnnamed,
    onDenied: denial => denials.push(denial),
  })
}
const rule = (...changes: Partial<Acl>[]): void => {
  acls.push(...changes.map(acl))
  version = (version ?? 0) + 1
}
const may = (
  wanted: number,
  name = 't',
  more: { principal?: Principal; host?: string; type?: number } = {},
): boolean => {
  const { principal = 'User:a', host = '1.2.3.4', type = TOPIC } = more
  return authorizer.accessOf(principal, host).may(wanted, type, name)
}

beforeEach(() => setUp())

test('nobody may do what no ACL allows, but super users may do everything', () => {
  expect([may(READ), may(READ, 't', { principal: 'User:root' })]).toEqual([false, true])
  rule({})
  expect([may(READ), may(WRITE), may(READ, 'u'), may(READ, 't', { principal: 'User:b' })]).toEqual([
    ...[true, false, false, false],
  ])
})

test('everybody may do what no ACL speaks of, where that is set', () => {
  setUp(true)
  expect(may(READ)).toBe(true)
  rule({ principal: 'User:b' })
  expect([may(READ), may(READ, 'u')]).toEqual([false, true])
})

test('names may be literal, prefixed or all', () => {
  rule({ ...PREFIXED, resourceName: 'ab' }, { resourceName: '*', operation: WRITE })
  expect(['ab', 'abc', 'a', 'b'].map(name => may(READ, name))).toEqual([true, true, false, false])
  expect(may(WRITE, 'whatever')).toBe(true)
  expect(may(WRITE, 'whatever', { type: GROUP })).toBe(false)
})

test('hosts may be addresses, networks or all', () => {
  rule({ host: '1.2.3.4' }, { host: '10.0.0.0/8', operation: WRITE }, { host: 'fd00::/8', operation: CREATE })
  const at = (wanted: number, host: string) => may(wanted, 't', { host })
  expect([at(READ, '1.2.3.4'), at(READ, '1.2.3.5')]).toEqual([true, false])
  expect([at(WRITE, '10.9.8.7'), at(WRITE, '11.0.0.1'), at(WRITE, 'fd00::1')]).toEqual([true, false, false])
  expect([at(CREATE, 'fd00::1'), at(CREATE, 'fe00::1')]).toEqual([true, false])
})

test('an ACL that denies wins, however many allow', () => {
  rule({ operation: ALL }, { principal: 'User:*', ...DENY, operation: WRITE })
  expect([may(READ), may(WRITE)]).toEqual([true, false])
  rule({ ...DENY, ...PREFIXED, resourceName: '', operation: ALL })
  expect(may(READ)).toBe(false)
})

test('to be allowed some operations is to be allowed others; to be denied them is not', () => {
  for (const strong of [READ, WRITE, DELETE, ALTER]) {
    setUp()
    rule({ operation: strong })
    expect([strong, may(DESCRIBE)]).toEqual([strong, true])
  }
  setUp()
  rule({ operation: ALTER_CONFIGS })
  expect([may(DESCRIBE_CONFIGS), may(DESCRIBE)]).toEqual([true, false])
  setUp()
  rule({ operation: DESCRIBE }, { operation: READ, ...DENY })
  expect(may(DESCRIBE)).toBe(true)
})

test('changes count from the next request on', () => {
  rule({})
  const access = authorizer.accessOf('User:a', 'h')
  expect(access.may(READ, TOPIC, 't')).toBe(true)
  acls.length = 0
  rule()
  expect(access.may(READ, TOPIC, 't')).toBe(false)
})

test('while nothing is known of ACLs, only super users may do anything', () => {
  setUp(true)
  version = undefined
  expect([may(READ), may(READ, 't', { principal: 'User:root' })]).toEqual([false, true])
  version = 5
  expect(may(READ)).toBe(true)
})

test('a denial is told once, not for every request', () => {
  may(READ)
  may(READ)
  const denial = { principal: 'User:a', host: '1.2.3.4', operation: 'READ', resourceType: 'TOPIC', resourceName: 't' }
  expect(denials).toEqual([denial])
})

describe('some resource of a type', () => {
  const some = (wanted: number) => authorizer.accessOf('User:a', 'h').maySome(wanted, TOPIC)

  test('is there when an ACL allows one', () => {
    expect(some(WRITE)).toBe(false)
    rule({ operation: WRITE })
    expect([some(WRITE), some(READ)]).toEqual([true, false])
  })

  test('is not there when all that is allowed is denied', () => {
    rule({ operation: WRITE, resourceName: 'abc' }, { ...DENY, ...PREFIXED, resourceName: 'ab', operation: WRITE })
    expect(some(WRITE)).toBe(false)
    rule({ ...PREFIXED, resourceName: 'x', operation: WRITE })
    expect(some(WRITE)).toBe(true)
    rule({ ...DENY, resourceName: '*', operation: WRITE })
    expect(some(WRITE)).toBe(false)
  })
})

test('the operations of a client are bits by their numbers', () => {
  rule({})
  expect(authorizer.accessOf('User:a', 'h').operations(TOPIC, 't')).toBe((1 << READ) | (1 << DESCRIBE))
  expect(EVERYTHING.operations(GROUP, 'g')).toBe((1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11))
})
