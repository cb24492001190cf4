// The operator killed after every call of a secured cluster's and its users' life, before and after the call took effect: it
// comes to the same end, whoever may come in can, and nobody has more than one password.

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { BrokerConnection } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import type { Fault } from '../../testing/kube-api/faults.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../../testing/operator.ts'
import { freePorts } from '../../testing/ports.ts'
import { secretData } from '../cluster/kept-secrets.ts'
import type { Manifest } from '../runtime/object.ts'
import { RESOURCES } from '../runtime/resource.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'
import { USER } from '../types/kaf-scale-user.ts'
import { UserAdmin } from './user-admin.ts'

const person = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })

let broker: FolderBroker
let openPort = 0
let saslPort = 0
let api: KubeApi | undefined
let running: RunningOperator | undefined

beforeAll(async () => {
  const [open = 0, sasl = 0] = await freePorts(2)
  openPort = open
  saslPort = sasl
  broker = await FolderBroker.start({
    KAFSCALE_LISTENERS: `OPEN://127.0.0.1:${open},USERS://127.0.0.1:${sasl}`,
    KAFSCALE_LISTENER_SECURITY: JSON.stringify({
      USERS: { protocol: 'SASL_PLAINTEXT', mechanisms: ['SCRAM-SHA-512'] },
    }),
    KAFSCALE_INTERNAL_LISTENER: 'OPEN',
    KAFSCALE_AUTHORIZER: 'acl',
    KAFSCALE_SUPER_USERS: 'User:ANONYMOUS',
  })
})

afterAll(() => broker.stop())

afterEach(async () => {
  api?.faults.heal()
  await running?.stop()
  await api?.stop()
})

const manifest = (kind: typeof CLUSTER | typeof USER, name: string, spec: object): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: kind.kind,
  metadata: at(name),
  spec: { ...spec },
})
const cluster = manifest(CLUSTER, 'orders', {
  s3: { bucket: 'records', region: 'r' },
  etcd: { endpoints: ['http://etcd:2379'] },
  security: { enabled: true },
  brokers: { replicas: 1 },
  listeners: [
    { name: 'scram', port: 9092 },
    { name: 'mtls', port: 9093, authentication: { type: 'tls' } },
  ],
})
const acls = [{ resource: { type: 'topic', name: 'orders' }, operations: ['Read'] }]
const alice = manifest(USER, 'alice', {
  clusterRef: 'orders',
  authentication: { type: 'scram-sha-512' },
  authorization: { acls },
})
const bob = manifest(USER, 'bob', { clusterRef: 'orders', authentication: { type: 'tls' } })

async function live(): Promise<readonly string[]> {
  const options = { host: '127.0.0.1', port: openPort, clientId: 'test', clock: systemClock, timeoutMs: 10_000 }
  const connection = await BrokerConnection.open(options)
  try {
    const { users } = await new UserAdmin(connection).describe()
    return [...users].map(([name, { scram, acls: rules }]) => `${name} ${scram.size} ${rules.length}`).sort()
  } finally {
    connection.close()
  }
}

async function canComeIn(server: KubeApi): Promise<boolean> {
  const found = server.get(RESOURCES.secrets, at('alice'))
  const { password = '' } = found === undefined ? {} : secretData(found)
  const login = { mechanism: 'SCRAM-SHA-512' as const, user: 'alice', password }
  const options = { host: '127.0.0.1', port: saslPort, clientId: 'test', clock: systemClock, timeoutMs: 10_000 }
  return BrokerConnection.open({ ...options, login }).then(
    connection => {
      connection.close()
      return true
    },
    () => false,
  )
}

const shown = (server: KubeApi): string[] =>
  [RESOURCES.secrets, RESOURCES.configMaps, RESOURCES.services, USER]
    .flatMap(resource => server.list(resource))
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .sort()

function isReady(server: KubeApi, name: string): boolean {
  const { conditions = [] } = Object(server.get(USER, at(name))?.status)
  return Object(conditions[0]).status === 'True'
}

/** Two users are made, and one of them goes; the operator is killed where the faults say. Resolves with what is left. */
async function story(server: KubeApi): Promise<readonly string[]> {
  const more = { usersEveryMs: 200 }
  const start = (): RunningOperator =>
    runOperator(server.client('the-same'), 'the-same', () => ({ host: '127.0.0.1', port: openPort }), more)
  running = start()
  const living = async (what: string, holds: () => boolean): Promise<void> => {
    await until(what, () => holds() || server.faults.hasCrashed)
    if (server.faults.hasCrashed) {
      await running?.stop()
      server.faults.heal()
      running = start()
    }
    await until(what, holds)
  }
  const client = server.bystander()
  await client.apply(CLUSTER, cluster, person)
  await client.apply(USER, alice, person)
  await client.apply(USER, bob, person)
  await living('two users', () => isReady(server, 'alice') && isReady(server, 'bob'))
  expect(await live()).toEqual(['alice 1 1'])
  await until('the password', () => canComeIn(server))
  const before = shown(server)
  await client.delete(USER, at('alice'))
  await living('the end of one', () => server.get(USER, at('alice')) === undefined)
  expect(await live()).toEqual([])
  await running?.stop()
  running = undefined
  return [...before, '-', ...shown(server)]
}

test.each<[string, Fault]>([
  ['before it is done', { kind: 'reset' }],
  ['after it is done', { kind: 'reset after' }],
])(
  'killed at any call, %s, it comes to the same end',
  async (_, fault) => {
    api = await KubeApi.start()
    const end = await story(api)
    const calls = api.calls.length
    await api.stop()
    expect(end.filter(line => line.startsWith('Secret'))).toHaveLength(9)
    for (let call = 0; call < calls; call++) {
      api = await KubeApi.start()
      api.faults.crashAfter(call, fault)
      expect(await story(api)).toEqual(end)
      await api.stop()
    }
  },
  600_000,
)
