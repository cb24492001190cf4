// KafScaleUsers through the whole operator: a fake API server over HTTP, and a real broker to which the operator is a super
// user and whose other listener takes users with passwords.

import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { BrokerConnection } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { Refusal } from '../../testing/kube-api/refusal.ts'
import { type RunningOperator, runOperator, until } from '../../testing/operator.ts'
import { freePorts } from '../../testing/ports.ts'
import { secretData } from '../cluster/kept-secrets.ts'
import type { Manifest } from '../runtime/object.ts'
import { RESOURCES } from '../runtime/resource.ts'
import { CLUSTER, clusterSchema } from '../types/kaf-scale-cluster.ts'
import { USER, type UserStatus, userSchema } from '../types/kaf-scale-user.ts'
import { FINALIZER } from './reconcile.ts'
import { UserAdmin } from './user-admin.ts'

const person = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

let broker: FolderBroker
let saslPort = 0
let openPort = 0
let api: KubeApi
let running: RunningOperator | undefined

beforeAll(async () => {
  const [open = 0, sasl = 0] = await freePorts(2)
  openPort = open
  saslPort = sasl
  const users = { protocol: 'SASL_PLAINTEXT', mechanisms: ['SCRAM-SHA-512', 'SCRAM-SHA-256'] }
  broker = await FolderBroker.start({
    KAFSCALE_LISTENERS: `OPEN://127.0.0.1:${open},USERS://127.0.0.1:${sasl}`,
    KAFSCALE_LISTENER_SECURITY: JSON.stringify({ USERS: users }),
    KAFSCALE_INTERNAL_LISTENER: 'OPEN',
    KAFSCALE_AUTHORIZER: 'acl',
    KAFSCALE_SUPER_USERS: 'User:ANONYMOUS',
  })
})

afterAll(() => broker.stop())

beforeEach(async () => {
  api = await KubeApi.start()
})

afterEach(async () => {
  api.faults.heal()
  await running?.stop()
  running = undefined
  await api.stop()
})

const startOperator = (port = openPort): void => {
  running = runOperator(api.client('one'), 'one', () => ({ host: '127.0.0.1', port }), { usersEveryMs: 200 })
}

const apply = (kind: typeof CLUSTER | typeof USER, name: string, spec: object): Promise<Manifest> =>
  api
    .bystander()
    .apply(kind, { apiVersion: 'kafscale.io/v1alpha1', kind: kind.kind, metadata: at(name), spec: { ...spec } }, person)
const applyCluster = (more: object = {}) =>
  apply(CLUSTER, 'orders', {
    s3: { bucket: 'records', region: 'r' },
    etcd: { endpoints: ['http://etcd:2379'] },
    security: { enabled: true },
    listeners: [
      { name: 'scram', port: 9092 },
      { name: 'mtls', port: 9093, authentication: { type: 'tls' } },
    ],
    ...more,
  })
const applyUser = (name: string, more: object = {}) =>
  apply(USER, name, { clusterRef: 'orders', authentication: { type: 'scram-sha-512' }, ...more })

const statusOf = (name: string): UserStatus | undefined => {
  const found = api.get(USER, at(name))
  return found === undefined ? undefined : userSchema.parse(found).status
}
const conditionOf = (name: string, type = 'Ready') =>
  statusOf(name)?.conditions?.find(condition => condition.type === type)
const becomes = (name: string, reason: string) =>
  until(`${name} is ${reason}`, () => (conditionOf(name)?.reason === reason ? conditionOf(name) : undefined))
const secretOf = (name: string): Readonly<Record<string, string>> => {
  const found = api.get(RESOURCES.secrets, at(name))
  return found === undefined ? {} : secretData(found)
}
const writes = () => api.writes.filter(({ caller, resource }) => caller === 'one' && resource.plural !== 'leases')

async function quiet(): Promise<void> {
  await pause(300)
  for (let tries = 0; tries < 20; tries++) {
    api.forgetCalls()
    await pause(600)
    if (writes().length === 0) return
  }
  throw new Error(`still writing ${writes().map(({ verb, resource, name }) => `${verb} ${resource.plural} ${name}`)}`)
}

async function brokers<Found>(action: (admin: UserAdmin) => Promise<Found>): Promise<Found> {
  const options = { host: '127.0.0.1', port: openPort, clientId: 'test', clock: systemClock, timeoutMs: 10_000 }
  const connection = await BrokerConnection.open(options)
  try {
    return await action(new UserAdmin(connection))
  } finally {
    connection.close()
  }
}
const live = (name: string) => brokers(async admin => (await admin.describe()).users.get(name))

/** Whether the broker takes this password of this user. */
async function canLogIn(
  user: string,
  password: string,
  mechanism: 'SCRAM-SHA-512' | 'SCRAM-SHA-256',
): Promise<boolean> {
  const options = { host: '127.0.0.1', port: saslPort, clientId: 'test', clock: systemClock, timeoutMs: 10_000 }
  return BrokerConnection.open({ ...options, login: { mechanism, user, password } }).then(
    connection => {
      connection.close()
      return true
    },
    () => false,
  )
}

const ACLS = [{ resource: { type: 'topic', name: 'orders', patternType: 'prefix' }, operations: ['Read', 'Write'] }]

describe('a user with a password', () => {
  test('comes in with what its Secret holds, and is then left alone', async () => {
    await applyCluster()
    await applyUser('alice', { authorization: { acls: ACLS }, quotas: { producerByteRate: 1000 } })
    startOperator()
    await becomes('alice', 'Ready')
    const data = secretOf('alice')
    expect(data).toMatchObject({
      username: 'alice',
      'security.protocol': 'SASL_SSL',
      'bootstrap.servers': 'orders-broker.shop.svc.cluster.local:9092',
      'ca.crt': expect.stringContaining('BEGIN CERTIFICATE'),
    })
    expect(await canLogIn('alice', data.password ?? '', 'SCRAM-SHA-512')).toBe(true)
    expect(await canLogIn('alice', 'guessed', 'SCRAM-SHA-512')).toBe(false)
    expect((await live('alice'))?.acls).toHaveLength(2)
    expect((await live('alice'))?.quotas).toEqual(new Map([['producer_byte_rate', 1000]]))
    expect(statusOf('alice')).toMatchObject({ principal: 'User:alice', secret: 'alice', listener: 'scram' })
    expect(api.get(RESOURCES.secrets, at('alice'))?.metadata.ownerReferences).toMatchObject([{ kind: 'KafScaleUser' }])
    await quiet()
  })

  test('is set right when somebody changes it in the brokers', async () => {
    await applyCluster()
    await applyUser('bob', { authorization: { acls: ACLS } })
    startOperator()
    await becomes('bob', 'Ready')
    const password = secretOf('bob').password ?? ''
    const [first] = (await live('bob'))?.acls ?? []
    if (first === undefined) throw new Error('bob has no rights')
    await brokers(admin =>
      admin.execute([
        { kind: 'set password', name: 'bob', mechanism: 2, iterations: 4096, password: 'taken over' },
        { kind: 'remove acl', name: 'bob', acl: first },
        { kind: 'add acl', name: 'bob', acl: { ...first, resourceName: '*', patternType: 3 } },
        { kind: 'quotas', name: 'bob', set: new Map([['consumer_byte_rate', 1]]), remove: [] },
      ]),
    )
    await until('the right password', () => canLogIn('bob', password, 'SCRAM-SHA-512'))
    expect(await canLogIn('bob', 'taken over', 'SCRAM-SHA-512')).toBe(false)
    const { acls = [], quotas } = (await live('bob')) ?? {}
    expect(acls.map(({ resourceName }) => resourceName)).toEqual(['orders', 'orders'])
    expect(quotas?.size).toBe(0)
  })

  test('gets another one when its Secret is deleted, and the one that a Secret of somebody else has', async () => {
    const source = (password: string): Manifest => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: at('from-vault'),
      stringData: { pass: password },
      data: { pass: Buffer.from(password).toString('base64') },
    })
    await applyCluster()
    await applyUser('carol')
    await applyUser('dave', {
      authentication: { type: 'scram-sha-256', passwordSecretRef: { name: 'from-vault', key: 'pass' } },
      listener: 'sha',
    })
    startOperator()
    await becomes('carol', 'Ready')
    expect((await becomes('dave', 'ListenerMissing')).message).toContain('Listener sha does not take')
    await applyCluster({
      listeners: [
        { name: 'scram', port: 9092 },
        { name: 'sha', port: 9094, authentication: { type: 'scram-sha-256' } },
      ],
    })
    expect((await becomes('dave', 'SecretMissing')).message).toContain('from-vault')
    await api.bystander().apply(RESOURCES.secrets, source('one'), person)
    await becomes('dave', 'Ready')
    expect(await canLogIn('dave', 'one', 'SCRAM-SHA-256')).toBe(true)
    await api.bystander().apply(RESOURCES.secrets, source('two'), person)
    await until('the new password', () => canLogIn('dave', 'two', 'SCRAM-SHA-256'))
    const before = secretOf('carol').password
    await api.bystander().delete(RESOURCES.secrets, at('carol'))
    const after = await until('another password', () => {
      const { password } = secretOf('carol')
      return password !== undefined && password !== before && password
    })
    await until('its effect', () => canLogIn('carol', after, 'SCRAM-SHA-512'))
    expect(await canLogIn('carol', before ?? '', 'SCRAM-SHA-512')).toBe(false)
  })

  test('loses everything when its object goes', async () => {
    await applyCluster()
    await applyUser('erin', { authorization: { acls: ACLS }, quotas: { producerByteRate: 5 } })
    startOperator()
    await becomes('erin', 'Ready')
    const { password = '' } = secretOf('erin')
    expect(api.get(USER, at('erin'))?.metadata.finalizers).toEqual([FINALIZER])
    await api.bystander().delete(USER, at('erin'))
    await until('its end', () => api.get(USER, at('erin')) === undefined)
    expect(await live('erin')).toBeUndefined()
    expect(await canLogIn('erin', password, 'SCRAM-SHA-512')).toBe(false)
    await until('the end of its Secret', () => api.get(RESOURCES.secrets, at('erin')) === undefined)
  })
})

describe('a user with a certificate', () => {
  test('gets one of the cluster’s authority, in its own name and for nothing else', async () => {
    await applyCluster()
    await applyUser('frank', { authentication: { type: 'tls' }, userName: 'frank.b' })
    startOperator()
    await becomes('frank', 'Ready')
    const { 'tls.crt': cert = '', 'ca.crt': ca = '', 'bootstrap.servers': servers } = secretOf('frank')
    const leaf = new X509Certificate(cert)
    expect([leaf.subject, leaf.subjectAltName]).toEqual(['CN=frank.b', undefined])
    expect(leaf.verify(new X509Certificate(ca).publicKey)).toBe(true)
    expect(servers).toBe('orders-broker-mtls.shop.svc.cluster.local:9093')
    expect(Date.parse(statusOf('frank')?.certificateExpires ?? '')).toBeGreaterThan(Date.now())
    expect(await live('frank.b')).toBeUndefined()
    await quiet()
  })
})

describe('what stands in the way', () => {
  test('of two users with one name the older has it, and the other one takes over', async () => {
    await applyCluster()
    await applyUser('first', { userName: 'shared' })
    await until('the first', () => api.get(USER, at('first')))
    await pause(1100)
    await applyUser('second', { userName: 'shared', authentication: { type: 'tls' } })
    startOperator()
    await becomes('first', 'Ready')
    expect((await becomes('second', 'ResourceConflict')).message).toContain('KafScaleUser first is older')
    expect(api.get(RESOURCES.secrets, at('second'))).toBeUndefined()
    await api.bystander().delete(USER, at('first'))
    await becomes('second', 'Ready')
    expect(await live('shared')).toBeUndefined()
  })

  test('a Secret of somebody else is not taken', async () => {
    const foreign: Manifest = { apiVersion: 'v1', kind: 'Secret', metadata: at('gina'), data: { password: 'eA==' } }
    await api.bystander().apply(RESOURCES.secrets, foreign, person)
    await applyCluster()
    await applyUser('gina')
    startOperator()
    expect((await becomes('gina', 'NameConflict')).message).toContain('secretName')
    expect(secretOf('gina')).toEqual({ password: 'x' })
    await apply(USER, 'gina', {
      clusterRef: 'orders',
      authentication: { type: 'scram-sha-512' },
      secretName: 'gina-login',
    })
    await becomes('gina', 'Ready')
    expect(Object.keys(secretOf('gina-login'))).toContain('password')
  })

  test('a rule that the brokers refuse shows in their words, and the others go on', async () => {
    await applyCluster()
    await applyUser('hugo', { authorization: { acls: [{ ...ACLS[0], host: 'nowhere/99' }] } })
    await applyUser('ivan')
    startOperator()
    expect((await becomes('hugo', 'InvalidSpec')).message).toMatch(/INVALID_REQUEST|host/i)
    await becomes('ivan', 'Ready')
  })

  test('a Secret that the API server refuses shows in its words, and the others go on', async () => {
    await api.stop()
    api = await KubeApi.start({
      admission: (object, _, { plural }) => {
        const { name } = Object(object.metadata)
        if (plural === 'secrets' && name === 'quinn') throw new Refusal(403, 'exceeded quota: secrets')
        return object
      },
    })
    await applyCluster()
    await applyUser('quinn')
    await applyUser('rosa')
    startOperator()
    expect((await becomes('quinn', 'ApiServerRefused')).message).toContain('exceeded quota')
    await becomes('rosa', 'Ready')
  })

  test('a cluster that takes everybody has no users', async () => {
    await apply(CLUSTER, 'orders', { s3: { bucket: 'records', region: 'r' }, etcd: { endpoints: ['http://e:2379'] } })
    await applyUser('jane')
    startOperator()
    expect((await becomes('jane', 'ListenerMissing')).status).toBe('False')
    expect(conditionOf('jane', 'Stalled')?.status).toBe('True')
  })

  test('a user without a cluster waits for it, and may go', async () => {
    await applyUser('kate')
    startOperator()
    await becomes('kate', 'ClusterMissing')
    await api.bystander().delete(USER, at('kate'))
    await until('its end', () => api.get(USER, at('kate')) === undefined)
    await until('the event', () => JSON.stringify(api.list(RESOURCES.events)).includes('UserOrphaned'))
  })

  test('never keeps a namespace from going whose brokers are gone', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }
    await api.bystander().create(RESOURCES.namespaces, namespace, person)
    await applyCluster()
    await applyUser('luke')
    startOperator(1)
    await until('the finalizer', () => api.get(USER, at('luke'))?.metadata.finalizers?.includes(FINALIZER))
    await becomes('luke', 'ClusterNotReady')
    await api.bystander().delete(RESOURCES.namespaces, { name: 'shop' })
    await until('its end', () => api.get(USER, at('luke')) === undefined)
  })

  test('rights that nobody asks for are told of', async () => {
    const open = await FolderBroker.start()
    await applyCluster({ authorization: { type: 'none' } })
    await applyUser('olaf', { authorization: { acls: ACLS } })
    await applyUser('pia')
    startOperator(open.port)
    expect((await becomes('olaf', 'AuthorizationDisabled')).status).toBe('True')
    await becomes('pia', 'Ready')
    await running?.stop()
    running = undefined
    await open.stop()
  })

  test('a pause leaves a user as it is', async () => {
    await applyCluster()
    await applyUser('lena', { authorization: { acls: ACLS } })
    startOperator()
    await becomes('lena', 'Ready')
    const note = { metadata: { ...at('lena'), annotations: { 'kafscale.io/pause': 'all' } } }
    await api
      .bystander()
      .apply(
        USER,
        { apiVersion: 'kafscale.io/v1alpha1', kind: USER.kind, ...note },
        { manager: 'annotator', force: true },
      )
    await until('the pause', () => conditionOf('lena', 'Paused')?.status === 'True')
    await brokers(async admin => {
      const acl = (await admin.describe()).users.get('lena')?.acls[0]
      if (acl !== undefined) await admin.execute([{ kind: 'remove acl', name: 'lena', acl }])
    })
    await pause(600)
    expect((await live('lena'))?.acls).toHaveLength(1)
    expect(conditionOf('lena')?.reason).toBe('Ready')
  })
})

test('nothing that is secret stands in an object, an event or a status', async () => {
  await applyCluster()
  await applyUser('mona', { authorization: { acls: ACLS } })
  await applyUser('nina', { authentication: { type: 'tls' } })
  startOperator()
  await Promise.all([becomes('mona', 'Ready'), becomes('nina', 'Ready')])
  await until('the Deployment', () => api.get(RESOURCES.deployments, at('orders-broker')))
  const secrets = api.list(RESOURCES.secrets).flatMap(secret => Object.entries(secretData(secret)))
  const hidden = secrets.flatMap(([key, value]) => {
    if (key === 'password') return [value, Buffer.from(value).toString('base64')]
    return value.includes('PRIVATE KEY') ? [value.split('\n')[1] ?? ''] : []
  })
  expect(hidden.length).toBeGreaterThan(5)
  const others = Object.values(RESOURCES).filter(({ plural }) => plural !== 'secrets')
  const shown = JSON.stringify([...others, CLUSTER, USER].flatMap(resource => api.list(resource)))
  for (const secret of hidden) expect(shown).not.toContain(secret)
  expect(clusterSchema.parse(api.get(CLUSTER, at('orders'))).status?.certificates?.phase).toBe('steady')
})
