// The sample `production`, applied as it is to a real API server with the rights of the chart, with real brokers on real etcd
// and S3: it refuses strangers, and serves an authenticated client of each family that has nothing but the Secret of its user.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { BrokerConnection, type BrokerConnectionOptions } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import { newMetadataRequest } from '../../broker/wire/messages.gen.ts'
import { issue, newAuthority } from '../../operator/certificates/certificate.ts'
import { brokerAddress } from '../../operator/cluster/broker-access.ts'
import { secretData } from '../../operator/cluster/kept-secrets.ts'
import { kubeconfigConnection } from '../../operator/runtime/connection.ts'
import { HttpKubeClient } from '../../operator/runtime/http-kube-client.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { TopicAdmin } from '../../operator/topic/topic-admin.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC, topicSchema } from '../../operator/types/kaf-scale-topic.ts'
import { USER } from '../../operator/types/kaf-scale-user.ts'
import { Cluster } from '../../testing/cluster/cluster.ts'
import { type ApiCluster, startApiCluster } from '../../testing/kubernetes/api-cluster.ts'
import { auditedCalls, isWrite } from '../../testing/kubernetes/audit.ts'
import { runHelm } from '../../testing/kubernetes/kubectl.ts'
import { type PretendedKubelet, pretendKubelet } from '../../testing/kubernetes/pretended-kubelet.ts'
import { type RunningOperator, runOperator, until } from '../../testing/operator.ts'
import { find } from '../../testing/operator-story.ts'
import { fileName } from '../../tools/crds/definition.ts'
import { run } from '../../tools/parts/command.ts'
import { available, etcd, helm, kcat, kubernetes, versitygw } from '../../tools/parts/parts.ts'
import { KafkaTools, kafkaToolsProgram } from '../clients/kafka-tools.ts'
import { suiteWith } from '../suite.ts'
import { BrokerPods } from './broker-pods.ts'

jest.setTimeout(300_000)

const root = join(import.meta.dirname, '../..')
const NAMESPACE = 'shop'
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:kafscale`
const QUIET_MS = 8000
const DEFAULTS = { image: 'kafscale:1', etcdImage: 'etcd:3', clusterDomain: 'cluster.local' }

const kcatProgram = await available(kcat())
const parts = Promise.all([kubernetes(), etcd(), helm(), kafkaToolsProgram(), versitygw()])

type Data = Readonly<Record<string, string>>

await suiteWith('the production sample', parts, ([kubernetesPrograms, etcdPrograms, helmProgram, toolsProgram]) => {
  let folder: string
  let api: ApiCluster
  let person: HttpKubeClient
  let account: HttpKubeClient
  let backing: Cluster
  let kubelet: PretendedKubelet
  let operator: RunningOperator | undefined
  let pods: BrokerPods
  let operatorLog = ''

  const connectKube = async (file: string): Promise<HttpKubeClient> =>
    new HttpKubeClient({
      connection: await kubeconfigConnection(file, systemClock),
      clock: systemClock,
      userAgent: 'test',
    })

  /** What the Secret of a user holds; the name of a Service leads to loopback here, as DNS and kube-proxy would lead it. */
  const secretOf = async (name: string): Promise<Data> => {
    const data = secretData(await person.get(RESOURCES.secrets, { namespace: NAMESPACE, name }))
    const { 'bootstrap.servers': named = '' } = data
    const port = named.endsWith(':9093') ? pods.service('clients') : pods.service('mtls')
    return Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, text.replaceAll(named, `127.0.0.1:${port}`)]),
    )
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-production-'))
    const definitions = [CLUSTER, TOPIC, USER].map(kind => join(root, fileName(kind)))
    api = await startApiCluster({ kubernetes: kubernetesPrograms, etcd: etcdPrograms, definitions })
    backing = await Cluster.start({ brokers: 0 })
    person = await connectKube(api.kubeconfig)
    await api.kubectl.run(['create', 'namespace', NAMESPACE])
    await api.kubectl.run(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted'])
    await runHelm(helmProgram, api.kubeconfig, [
      ...['install', 'kafscale', join(root, 'charts/kafscale'), '-n', NAMESPACE],
      ...['--set', 'replicas=0,crds.enabled=false'],
    ])
    const token = await api.kubectl.run(['-n', NAMESPACE, 'create', 'token', 'kafscale', '--duration=1h'])
    account = await connectKube(await api.credentials.tokenKubeconfig('operator', token.trim(), NAMESPACE))
    kubelet = pretendKubelet(person, NAMESPACE)
    const log = createLogger(
      'trace',
      new Writable({
        write: (chunk, _, done) => {
          operatorLog += String(chunk)
          done()
        },
      }),
    )
    operator = runOperator(account, 'in-process', () => ({ host: '127.0.0.1', port: 1 }), {
      log,
      figuresEveryMs: 3000,
      addressOf: cluster => ({
        ...brokerAddress(cluster, DEFAULTS),
        host: '127.0.0.1',
        port: pods === undefined ? 1 : pods.service('operator'),
      }),
    })
    const keys = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'my-bucket-keys', namespace: NAMESPACE } }
    await api.kubectl.apply([keys])
    await api.kubectl.run(['-n', NAMESPACE, 'apply', '-f', join(root, 'config/samples/production.yaml')])
    await until('the Deployment', () => find(person, RESOURCES.deployments, 'kafscale-broker'), 60_000)
    const { s3, etcd: ledger } = backing
    pods = await BrokerPods.start(
      {
        client: person,
        namespace: NAMESPACE,
        name: 'kafscale-broker',
        folder,
        backing: {
          KAFSCALE_S3_BUCKET: s3.bucket,
          KAFSCALE_S3_REGION: s3.region,
          KAFSCALE_S3_ENDPOINT: s3.endpoint,
          KAFSCALE_S3_ACCESS_KEY: s3.accessKey,
          KAFSCALE_S3_SECRET_KEY: s3.secretKey,
          KAFSCALE_ETCD_ENDPOINTS: ledger.members.map(({ endpoint }) => endpoint).join(','),
        },
      },
      2,
    )
    const all = ['kst/payments', 'ksu/payment-service', 'ksu/payment-ledger', 'ksu/payment-desk', 'ksu/platform-admin']
    await api.kubectl.run(['-n', NAMESPACE, 'wait', ...all, '--for=condition=Ready', '--timeout=120s'])
  })

  afterAll(async () => {
    await operator?.stop()
    await pods?.stop()
    await kubelet?.stop()
    await Promise.all([person?.close(), account?.close()])
    await api?.stop()
    await backing?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const connect = (port: number, more: Partial<BrokerConnectionOptions> = {}): Promise<BrokerConnection> =>
    BrokerConnection.open({
      ...{ host: '127.0.0.1', port, clientId: 'stranger', clock: systemClock, timeoutMs: 10_000 },
      ...more,
    })
  /** What somebody gets who comes like this and asks for the topics. */
  const answer = async (port: number, more: Partial<BrokerConnectionOptions> = {}): Promise<string> => {
    let connection: BrokerConnection | undefined
    try {
      connection = await connect(port, more)
      const { topics } = await connection.call('Metadata', newMetadataRequest({ topics: null }))
      return `topics: ${topics.map(({ name }) => name).join(',')}`
    } catch (cause) {
      return cause instanceof Error ? cause.name : 'refused'
    } finally {
      connection?.close()
    }
  }

  describe('a stranger', () => {
    const LISTENERS = ['clients', 'mtls', 'operator', 'peers'] as const
    const portOf = (listener: (typeof LISTENERS)[number]) =>
      listener === 'peers' ? pods.pod(0, 'peers') : pods.service(listener)

    test.each(LISTENERS)('without TLS, or without showing who it is, gets nothing from %s', async listener => {
      const { 'ca.crt': ca = '' } = await secretOf('payment-desk')
      expect(await answer(portOf(listener))).toBe('BrokerUnreachable')
      expect(await answer(portOf(listener), { tls: { ca } })).toBe('BrokerUnreachable')
    })

    test('with a certificate of somebody else gets nothing, whatever name is in it', async () => {
      const { 'ca.crt': ca = '' } = await secretOf('payment-desk')
      const validity = { from: Date.now(), until: Date.now() + 3_600_000 }
      const own = newAuthority('own', validity)
      for (const commonName of ['payment-ledger', 'system:kafscale-operator']) {
        const { cert, key } = issue(own, { commonName, names: [], ...validity })
        for (const listener of ['mtls', 'operator', 'peers'] as const) {
          expect(await answer(portOf(listener), { tls: { ca, cert, key } })).toBe('BrokerUnreachable')
        }
      }
    })

    test('with a wrong password, or the name of nobody, hears that it is wrong and no more', async () => {
      const { 'ca.crt': ca = '', password = '' } = await secretOf('payment-desk')
      const login = { mechanism: 'SCRAM-SHA-512' as const, user: 'payment-desk', password: 'guessed' }
      expect(await answer(portOf('clients'), { tls: { ca }, login })).toBe('AuthenticationFailed')
      const nobody = { ...login, user: 'nobody', password }
      expect(await answer(portOf('clients'), { tls: { ca }, login: nobody })).toBe('AuthenticationFailed')
    })
  })

  test('a user’s certificate opens the doors of the brokers and of the operator to nothing', async () => {
    const { 'ca.crt': ca = '', 'tls.crt': cert = '', 'tls.key': key = '' } = await secretOf('payment-ledger')
    for (const port of [pods.service('operator'), pods.pod(0, 'peers')]) {
      const tls = { ca, cert, key }
      expect(await answer(port, { tls })).toBe('topics: ')
      const connection = await connect(port, { tls })
      const refusals = await new TopicAdmin(connection).execute([{ kind: 'delete', name: 'payments' }])
      connection.close()
      expect(refusals.get('payments')?.code).toBe(errorCode.TOPIC_AUTHORIZATION_FAILED)
    }
  })

  describe('an authenticated client', () => {
    const file = async (name: string, text: string): Promise<string> => {
      const path = join(folder, name)
      await writeFile(path, text)
      return path
    }

    test('of Java writes and reads with the properties of the Secret, by password and by certificate', async () => {
      const [desk, ledger] = [await secretOf('payment-desk'), await secretOf('payment-ledger')]
      const tools = new KafkaTools(toolsProgram, desk['bootstrap.servers'] ?? '')
      const byCertificate = new KafkaTools(toolsProgram, ledger['bootstrap.servers'] ?? '')
      const configOf = async (name: string, data: Data) => [
        ...['--topic', 'payments', '--command-config'],
        await file(`${name}.properties`, data['client.properties'] ?? ''),
      ]
      const read = ['--from-beginning', '--max-messages', '1', '--timeout-ms', '60000']
      try {
        const own = await configOf('desk', desk)
        expect(await tools.run('kafka-console-producer', own, 'by java\n')).toMatchObject({ code: 0 })
        const got = await tools.run('kafka-console-consumer', [...own, '--group', 'payment-desk.java', ...read])
        expect(got.stdout).toContain('by java')
        const others = [...(await configOf('ledger', ledger)), '--group', 'payment-ledger.java', ...read]
        expect((await byCertificate.run('kafka-console-consumer', others)).stdout).toContain('by java')
      } finally {
        await Promise.all([tools.stop(), byCertificate.stop()])
      }
    })

    const kafkajs = (config: Partial<KafkaConfig>, data: Data): Kafka =>
      new Kafka({ clientId: 'app', brokers: [data['bootstrap.servers'] ?? ''], logLevel: logLevel.NOTHING, ...config })

    async function readOne(kafka: Kafka, groupId: string, wanted: string): Promise<string> {
      const consumer = kafka.consumer({ groupId })
      try {
        await consumer.connect()
        await consumer.subscribe({ topic: 'payments', fromBeginning: true })
        const found = Promise.withResolvers<string>()
        await consumer.run({
          eachMessage: async ({ message }) => {
            if (String(message.value) === wanted) found.resolve(wanted)
          },
        })
        return await found.promise
      } finally {
        await consumer.disconnect()
      }
    }

    test('of kafkajs does the same', async () => {
      const desk = await secretOf('payment-desk')
      const { username = '', password = '', 'ca.crt': ca = '' } = desk
      const kafka = kafkajs({ ssl: { ca: [ca] }, sasl: { mechanism: 'scram-sha-512', username, password } }, desk)
      const producer = kafka.producer()
      await producer.connect()
      await producer.send({ topic: 'payments', messages: [{ value: 'by kafkajs' }] })
      await producer.disconnect()
      expect(await readOne(kafka, 'payment-desk.js', 'by kafkajs')).toBe('by kafkajs')
      const ledger = await secretOf('payment-ledger')
      const { 'tls.crt': cert = '', 'tls.key': key = '' } = ledger
      const byCertificate = kafkajs({ ssl: { ca: [ledger['ca.crt'] ?? ''], cert, key } }, ledger)
      expect(await readOne(byCertificate, 'payment-ledger.js', 'by kafkajs')).toBe('by kafkajs')
      const writer = byCertificate.producer({ retry: { retries: 0 } })
      await writer.connect()
      const refused = writer.send({ topic: 'payments', messages: [{ value: 'x' }] })
      await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/not authorized|authorization/i) })
      await writer.disconnect()
    })

    test('of @platformatic/kafka does the same', async () => {
      const {
        username = '',
        password = '',
        'ca.crt': ca = '',
        'bootstrap.servers': servers = '',
      } = await secretOf('payment-desk')
      const common = {
        ...{ clientId: 'app', bootstrapBrokers: [servers], tls: { ca } },
        sasl: { mechanism: 'SCRAM-SHA-512' as const, username, password },
      }
      const producer = new Producer({ ...common, serializers: stringSerializers })
      await producer.send({ messages: [{ topic: 'payments', key: 'k', value: 'by platformatic' }] })
      await producer.close()
      const consumer = new Consumer({ ...common, groupId: 'payment-desk.p', deserializers: stringDeserializers })
      const stream = await consumer.consume({ topics: ['payments'], mode: 'earliest', autocommit: false })
      let found = false
      for await (const { value } of stream) {
        found = value === 'by platformatic'
        if (found) break
      }
      await consumer.close(true)
      expect(found).toBe(true)
    })

    const withKcat = kcatProgram.have ? test : test.skip
    withKcat('of librdkafka does the same', async () => {
      const program = kcatProgram.have ? kcatProgram.part : ''
      const desk = await secretOf('payment-desk')
      const ca = await file('ca.crt', desk['ca.crt'] ?? '')
      const settings = [
        `security.protocol=${desk['security.protocol']}`,
        ...[`ssl.ca.location=${ca}`, `sasl.mechanisms=${desk['sasl.mechanism']}`],
        ...[`sasl.username=${desk.username}`, `sasl.password=${desk.password}`],
      ].flatMap(setting => ['-X', setting])
      const base = ['-b', desk['bootstrap.servers'] ?? '', '-t', 'payments', ...settings]
      expect(await run(program, [...base, '-P'], { input: 'by librdkafka\n' })).toMatchObject({ code: 0 })
      expect((await run(program, [...base, '-C', '-e', '-q'])).stdout).toContain('by librdkafka')
      const ledger = await secretOf('payment-ledger')
      const cert = await file('ledger.crt', ledger['tls.crt'] ?? '')
      const key = await file('ledger.key', ledger['tls.key'] ?? '')
      const own = ['security.protocol=SSL', `ssl.ca.location=${ca}`, `ssl.certificate.location=${cert}`]
      const got = await run(program, [
        ...['-b', ledger['bootstrap.servers'] ?? '', '-t', 'payments', '-C', '-e', '-q'],
        ...[...own, `ssl.key.location=${key}`].flatMap(setting => ['-X', setting]),
      ])
      expect(got.stdout).toContain('by librdkafka')
    })

    test('may do what its rights say, and sees nothing else', async () => {
      const loginOf = async (user: string) => {
        const { password = '', 'ca.crt': ca = '' } = await secretOf(user)
        return { tls: { ca }, login: { mechanism: 'SCRAM-SHA-512' as const, user, password } }
      }
      const clients = pods.service('clients')
      const admin = await connect(clients, await loginOf('platform-admin'))
      const hidden = [{ kind: 'create' as const, name: 'hidden', partitions: 1, config: {} }]
      expect(await new TopicAdmin(admin).execute(hidden)).toEqual(new Map())
      admin.close()
      expect(await answer(clients, await loginOf('payment-service'))).toBe('topics: payments')
      expect(await answer(clients, await loginOf('platform-admin'))).toMatch(/hidden/)
    })
  })

  test('the operator sees records and groups through its own listener', async () => {
    const status = async () => {
      const { status: told } = await person.get(TOPIC, { namespace: NAMESPACE, name: 'payments' })
      return topicSchema.shape.status.parse(told)
    }
    const seen = await until('offsets and groups', async () => {
      const { offsets, groups = [] } = (await status()) ?? {}
      return (offsets?.latest ?? 0) >= 3 && groups.length > 0 && groups.map(({ group }) => group)
    })
    expect(seen.every(group => /^payment-(desk|ledger)\./.test(group))).toBe(true)
  })

  test('a certificate that is made anew is shown by brokers that nobody restarted, and trusted by those who were there', async () => {
    const { 'ca.crt': ca = '' } = await secretOf('payment-desk')
    const shown = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ host: '127.0.0.1', port: pods.service('clients'), ca }, () => {
          resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
          socket.destroy()
        })
        socket.on('error', reject)
      })
    const before = new Set([await shown(), await shown()])
    expect(before.size).toBe(1)
    const pids = pods.pids
    await person.delete(RESOURCES.secrets, { namespace: NAMESPACE, name: 'kafscale-broker-tls' })
    await until('another certificate', async () => !before.has(await shown()) && !before.has(await shown()), 60_000)
    expect(pods.pids).toEqual(pids)
  })

  test('who goes is refused from then on', async () => {
    const { password = '', 'ca.crt': ca = '' } = await secretOf('payment-service')
    const login = { mechanism: 'SCRAM-SHA-512' as const, user: 'payment-service', password }
    expect(await answer(pods.service('clients'), { tls: { ca }, login })).toMatch(/^topics/)
    await api.kubectl.run(['-n', NAMESPACE, 'delete', 'ksu/payment-service', '--timeout=60s'])
    expect(await answer(pods.service('clients'), { tls: { ca }, login })).toBe('AuthenticationFailed')
  })

  test('the operator writes nothing when everything is as it should be, and was never refused anything', async () => {
    const own = async (since = 0) =>
      (await auditedCalls(api.auditFile)).filter(({ user, at }) => user === ACCOUNT && at >= since)
    await until(
      'a quiet while',
      async () => {
        const from = Date.now()
        await new Promise(resolve => setTimeout(resolve, QUIET_MS))
        return (await own(from)).filter(isWrite).every(({ resource }) => resource === 'leases')
      },
      120_000,
    )
    expect((await own()).filter(({ code }) => code === 401 || code === 403)).toEqual([])
  })

  test('nothing that is secret is in a log, a metric, an event or an object', async () => {
    const list = await api.kubectl.run(['-n', NAMESPACE, 'get', 'secrets', '-o', 'json'])
    const secrets: Data[] = JSON.parse(list).items.map(secretData)
    const hidden = secrets.flatMap(data =>
      Object.entries(data).flatMap(([key, text]) => {
        if (key === 'password') return [text, Buffer.from(text).toString('base64')]
        // A line of the key itself.
        return /-----BEGIN (EC )?PRIVATE KEY-----\n(.+)/.exec(text)?.[2] ?? []
      }),
    )
    expect(hidden.length).toBeGreaterThan(8)
    const kinds = 'ksc,kst,ksu,deploy,rs,sts,pods,svc,cm,networkpolicies,events'
    const metrics = await Promise.all(
      pods.metricsPorts.map(async port => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
    )
    const shown = {
      objects: await api.kubectl.run(['-n', NAMESPACE, 'get', kinds, '-o', 'json', '--show-managed-fields']),
      brokers: pods.logs(),
      operator: operatorLog,
      metrics: metrics.join('\n'),
      sample: await readFile(join(root, 'config/samples/production.yaml'), 'utf8'),
    }
    expect(operatorLog.length).toBeGreaterThan(1000)
    expect(shown.brokers).toContain('"audit":"authentication"')
    for (const [where, text] of Object.entries(shown)) {
      for (const secret of hidden) expect({ where, found: text.includes(secret) }).toEqual({ where, found: false })
    }
  })
})
