// Every kind of authentication that a listener of a spec can have, from the spec to a real broker and a real client: tokens of
// an issuer, passwords of a Secret, certificates of another authority and of the cluster's own, and a server's certificate that
// somebody else made. The API server is the fake one; brokers, etcd and S3 are real.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { issue, newAuthority } from '../../operator/certificates/certificate.ts'
import { brokerAddress } from '../../operator/cluster/broker-access.ts'
import { encoded, secretData } from '../../operator/cluster/kept-secrets.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { USER } from '../../operator/types/kaf-scale-user.ts'
import { Cluster } from '../../testing/cluster/cluster.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../../testing/operator.ts'
import { freePorts } from '../../testing/ports.ts'
import { etcd, versitygw } from '../../tools/parts/parts.ts'
import { AUDIENCE, ISSUER, Issuer } from '../security/issuer.ts'
import { suiteWith } from '../suite.ts'
import { BrokerPods } from './broker-pods.ts'

jest.setTimeout(180_000)

const DEFAULTS = { image: 'kafscale:1', etcdImage: 'etcd:3', clusterDomain: 'cluster.local' }
const person = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
const validity = { from: Date.now(), until: Date.now() + 3_600_000 }
const corporate = newAuthority('corporate', validity)
const server = issue(corporate, { commonName: 'kafka', names: ['127.0.0.1'], ...validity })

await suiteWith('listeners of a spec', Promise.all([etcd(), versitygw()]), () => {
  let folder: string
  let api: KubeApi
  let backing: Cluster
  let operator: RunningOperator
  let issuer: Issuer
  let pods: BrokerPods | undefined

  const secret = (name: string, data: Record<string, string>) =>
    api
      .bystander()
      .apply(RESOURCES.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: at(name), data: encoded(data) }, person)
  const apply = (kind: typeof CLUSTER | typeof USER | typeof TOPIC, name: string, spec: object) =>
    api
      .bystander()
      .apply(
        kind,
        { apiVersion: 'kafscale.io/v1alpha1', kind: kind.kind, metadata: at(name), spec: { ...spec } },
        person,
      )

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-listeners-'))
    api = await KubeApi.start()
    backing = await Cluster.start({ brokers: 0 })
    const [jwks = 0] = await freePorts(1)
    issuer = await Issuer.start(jwks)
    operator = runOperator(api.client('one'), 'one', () => ({ host: '127.0.0.1', port: 1 }), {
      usersEveryMs: 300,
      addressOf: cluster => ({
        ...brokerAddress(cluster, DEFAULTS),
        ...{ host: '127.0.0.1', port: pods?.service('operator') ?? 1 },
      }),
    })
    await secret('passwords', { 'users.yaml': 'alice: alice-secret\n' })
    await secret('corporate-ca', { 'ca.crt': corporate.cert })
    await secret('server', { 'tls.crt': server.cert, 'tls.key': server.key, 'ca.crt': corporate.cert })
    const oauth = { jwksUrl: `http://127.0.0.1:${jwks}/keys`, issuer: ISSUER, audience: [AUDIENCE] }
    const selfSigned = { selfSigned: true }
    await apply(CLUSTER, 'orders', {
      s3: { bucket: 'records', region: 'r' },
      etcd: { endpoints: ['http://etcd:2379'] },
      brokers: { replicas: 1 },
      authorization: { type: 'acl' },
      listeners: [
        { name: 'tokens', port: 9092, tls: { secretRef: 'server' }, authentication: { type: 'oauth', oauth } },
        { name: 'words', port: 9093, tls: selfSigned, authentication: { type: 'plain', secretRef: 'passwords' } },
        { name: 'corp', port: 9094, tls: selfSigned, authentication: { type: 'tls', secretRef: 'corporate-ca' } },
        { name: 'own', port: 9095, tls: selfSigned, authentication: { type: 'tls' } },
        { name: 'sha', port: 9096, tls: selfSigned, authentication: { type: 'scram-sha-256' } },
      ],
    })
    await until('the Deployment', () => api.get(RESOURCES.deployments, at('orders-broker')))
    const { s3, etcd: ledger } = backing
    const settings = {
      KAFSCALE_S3_BUCKET: s3.bucket,
      KAFSCALE_S3_REGION: s3.region,
      KAFSCALE_S3_ENDPOINT: s3.endpoint,
      KAFSCALE_S3_ACCESS_KEY: s3.accessKey,
      KAFSCALE_S3_SECRET_KEY: s3.secretKey,
      KAFSCALE_ETCD_ENDPOINTS: ledger.members.map(({ endpoint }) => endpoint).join(','),
    }
    const client = api.bystander()
    pods = await BrokerPods.start({ client, ...at('orders-broker'), folder, backing: settings }, 1)
    await apply(TOPIC, 'letters', { clusterRef: 'orders', partitions: 1 })
    const acls = [{ resource: { type: 'topic', name: 'letters' }, operations: ['Describe', 'Write'] }]
    const rights = { clusterRef: 'orders', authorization: { acls } }
    // Somebody else lets these in; only what they may do is looked after.
    await apply(USER, 'carol', rights)
    await apply(USER, 'alice', rights)
    await apply(USER, 'dora', { ...rights, userName: 'dora' })
    await apply(USER, 'erik', { ...rights, authentication: { type: 'tls' } })
    await apply(USER, 'fay', { ...rights, authentication: { type: 'scram-sha-256' } })
    for (const name of ['carol', 'alice', 'dora', 'erik', 'fay']) {
      const reason = () => Object(Object(api.get(USER, at(name))?.status).conditions?.[0]).reason
      await until(`${name} is ready`, () => reason() === 'Ready', 60_000)
    }
  })

  afterAll(async () => {
    await operator?.stop()
    await pods?.stop()
    await issuer?.stop()
    await backing?.stop()
    await api?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** What comes of writing a record there, or why nothing does. */
  async function write(listener: string, config: Partial<KafkaConfig>): Promise<string> {
    const brokers = [`127.0.0.1:${pods?.service(listener)}`]
    const kafka = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 }, ...config })
    const producer = kafka.producer()
    try {
      await producer.connect()
      await producer.send({ topic: 'letters', messages: [{ value: 'x' }] })
      return 'written'
    } catch (cause) {
      return cause instanceof Error ? cause.message : 'refused'
    } finally {
      await producer.disconnect()
    }
  }
  const own = async (): Promise<string> => {
    const found = await api.bystander().get(RESOURCES.configMaps, at('orders-cluster-ca'))
    return String(Object(found.data)['ca.crt'])
  }
  const token = (subject: string) => ({
    ssl: { ca: [corporate.cert] },
    sasl: {
      mechanism: 'oauthbearer' as const,
      oauthBearerProvider: async () => ({ value: await issuer.token(subject) }),
    },
  })

  test('by a token of the issuer, over a certificate that somebody else made', async () => {
    expect(await write('tokens', token('carol'))).toBe('written')
    expect(await write('tokens', token('mallory'))).toMatch(/not authorized|does not host|authorization/i)
  })

  test('nobody is a super user by having chosen a name', async () => {
    for (const name of ['CN=system:kafscale-operator', 'system:kafscale-operator', 'User:CN=system:kafscale-broker']) {
      expect(await write('tokens', token(name))).not.toBe('written')
    }
  })

  test('by a password of the Secret', async () => {
    const login = async (password: string) => ({
      ...{ ssl: { ca: [await own()] }, sasl: { mechanism: 'plain' as const, username: 'alice', password } },
    })
    expect(await write('words', await login('alice-secret'))).toBe('written')
    expect(await write('words', await login('guessed'))).toMatch(/Invalid username or password/)
  })

  test('by a certificate of the authority that the listener names, and of no other', async () => {
    const shown = issue(corporate, { commonName: 'dora', names: [], isClientOnly: true, ...validity })
    const ca = await own()
    expect(await write('corp', { ssl: { ca: [ca], ...shown } })).toBe('written')
    const { 'tls.crt': cert = '', 'tls.key': key = '' } = secretData(
      await api.bystander().get(RESOURCES.secrets, at('erik')),
    )
    expect(await write('own', { ssl: { ca: [ca], cert, key } })).toBe('written')
    expect(await write('corp', { ssl: { ca: [ca], cert, key } })).not.toBe('written')
    expect(await write('own', { ssl: { ca: [ca], ...shown } })).not.toBe('written')
  })

  test('by a password that the operator made, of the mechanism that the listener takes', async () => {
    const data = secretData(await api.bystander().get(RESOURCES.secrets, at('fay')))
    const { username = '', password = '', 'ca.crt': ca = '' } = data
    const sasl = { username, password }
    expect(await write('sha', { ssl: { ca: [ca] }, sasl: { mechanism: 'scram-sha-256', ...sasl } })).toBe('written')
    expect(await write('sha', { ssl: { ca: [ca] }, sasl: { mechanism: 'scram-sha-512', ...sasl } })).not.toBe('written')
  })
})
