// Against a real broker in this process, to which everybody who says nothing is a super user.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { BrokerConnection } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import type { Acl, UserStep } from './plan.ts'
import { UserAdmin } from './user-admin.ts'

let broker: FolderBroker
let connection: BrokerConnection
let admin: UserAdmin

const connect = (port: number) =>
  BrokerConnection.open({ host: '127.0.0.1', port, clientId: 'operator', clock: systemClock, timeoutMs: 10_000 })

beforeAll(async () => {
  broker = await FolderBroker.start({ KAFSCALE_AUTHORIZER: 'acl', KAFSCALE_SUPER_USERS: 'User:ANONYMOUS' })
  connection = await connect(broker.port)
  admin = new UserAdmin(connection)
})

afterAll(async () => {
  connection.close()
  await broker.stop()
})

const acl = (more: Partial<Acl> = {}): Acl => ({
  ...{ resourceType: 2, resourceName: 'orders', patternType: 4, host: '*', operation: 3, permissionType: 3 },
  ...more,
})
const liveOf = async (name: string) => (await admin.describe()).users.get(name)

test('users get passwords, rights and quotas, and lose them again', async () => {
  const made: UserStep[] = [
    { kind: 'set password', name: 'alice', mechanism: 2, iterations: 5000, password: 'x' },
    { kind: 'set password', name: 'bob', mechanism: 1, iterations: 4096, password: 'y' },
    { kind: 'add acl', name: 'alice', acl: acl() },
    { kind: 'add acl', name: 'alice', acl: acl({ permissionType: 2, host: '10.0.0.0/8' }) },
    { kind: 'quotas', name: 'alice', set: new Map([['producer_byte_rate', 1000]]), remove: [] },
  ]
  expect(await admin.execute(made)).toEqual(new Map())
  const alice = await liveOf('alice')
  expect(alice?.scram).toEqual(new Map([[2, 5000]]))
  expect(alice?.acls).toEqual(expect.arrayContaining([acl(), acl({ permissionType: 2, host: '10.0.0.0/8' })]))
  expect(alice?.quotas).toEqual(new Map([['producer_byte_rate', 1000]]))
  expect((await liveOf('bob'))?.scram).toEqual(new Map([[1, 4096]]))
  const gone: UserStep[] = [
    { kind: 'remove password', name: 'alice', mechanism: 2 },
    { kind: 'remove password', name: 'nobody', mechanism: 2 },
    { kind: 'remove acl', name: 'alice', acl: acl() },
    { kind: 'remove acl', name: 'alice', acl: acl({ permissionType: 2, host: '10.0.0.0/8' }) },
    { kind: 'quotas', name: 'alice', set: new Map(), remove: ['producer_byte_rate'] },
  ]
  expect(await admin.execute(gone)).toEqual(new Map())
  expect(await liveOf('alice')).toBeUndefined()
  expect(await liveOf('bob')).toBeDefined()
})

test('refusals come by user, in the words of the broker and without the password, and do not hold up the others', async () => {
  const refusals = await admin.execute([
    { kind: 'set password', name: 'carol', mechanism: 2, iterations: 100_000, password: 'top-secret' },
    { kind: 'set password', name: 'dave', mechanism: 2, iterations: 4096, password: 'z' },
    { kind: 'quotas', name: 'erin', set: new Map([['no_such_key', 1]]), remove: [] },
  ])
  expect([...refusals.keys()].sort()).toEqual(['carol', 'erin'])
  expect(refusals.get('carol')?.message).toContain('Too many iterations')
  expect(JSON.stringify([...refusals])).not.toContain('top-secret')
  expect((await liveOf('dave'))?.scram.size).toBe(1)
})

test('where everybody may do everything there are no rights to tell of', async () => {
  const open = await FolderBroker.start()
  const other = await connect(open.port)
  expect((await new UserAdmin(other).describe()).hasAcls).toBe(false)
  other.close()
  await open.stop()
})
