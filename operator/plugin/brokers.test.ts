// Brokers that take only whom they know, asked by commands of the plug-in with the configuration file that a client would have.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { freePorts } from '../../testing/ports.ts'
import { SmallClient } from '../../testing/small-client.ts'
import { issue, newAuthority } from '../certificates/certificate.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'
import { certificateSecret } from '../user/connection-secret.ts'
import { runProgram } from './program.ts'

const validity = { from: Date.now(), until: Date.now() + 86_400_000 }
const names = ['127.0.0.1', 'localhost']

let folder: string
let broker: FolderBroker
let api: KubeApi
let ports: readonly number[]

const path = (name: string): string => join(folder, name)

async function kafscale(...words: string[]): Promise<{ readonly code: number; readonly out: string }> {
  const out: string[] = []
  const print = (text: string): void => void out.push(text)
  const session = {
    client: api.client('plugin'),
    clock: systemClock,
    namespace: 'shop',
    print,
    writeFile,
    readFile,
    environment: { KAFKA_PASSWORD: 'alice-secret' },
  }
  const connect = async () => ({ session, close: async () => {} })
  const code = await runProgram(words, { print, complain: print, connect })
  return { code, out: out.join('\n') }
}

const password = (value: string): string =>
  `security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="${value}";
ssl.truststore.type=PEM
ssl.truststore.location=${path('ca.pem')}
bootstrap.servers=127.0.0.1:${ports[0]}
`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-plugin-'))
  ports = await freePorts(3)
  const authority = newAuthority('test', validity)
  const server = issue(authority, { commonName: 'broker', names, ...validity })
  const alice = issue(authority, { commonName: 'alice', names: [], isClientOnly: true, ...validity })
  const facts = { userName: 'alice', bootstrapServers: `127.0.0.1:${ports[1]}`, protocol: 'SSL' }
  const byCertificate = certificateSecret({ ...facts, authority: authority.cert }, alice.cert, alice.key)
  const provider = 'config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider'
  const files = {
    'ca.pem': authority.cert,
    'cert.pem': server.cert,
    'key.pem': server.key,
    'users.yaml': 'alice: alice-secret\n',
    'certificate.properties': byCertificate['client.properties'] ?? '',
    'password.properties': password('alice-secret'),
    'environment.properties': `${password(`\${env:KAFKA_PASSWORD}`)}config.providers=env\n${provider}\n`,
    'wrong.properties': password('guessed-secret'),
    'stranger.properties': password('alice-secret').replace(/^ssl.*\n/gm, ''),
    'broken.properties': password('alice-secret').replace('PLAIN\n', 'GSSAPI\n'),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(path(name), text)
  const tls = { certFile: path('cert.pem'), keyFile: path('key.pem') }
  const security = {
    PASSWORDS: { protocol: 'SASL_SSL', ...tls, mechanisms: ['PLAIN'], usersFile: path('users.yaml') },
    CERTIFICATES: { protocol: 'SSL', ...tls, clientAuth: 'required', clientCaFile: path('ca.pem') },
  }
  broker = await FolderBroker.start({
    KAFSCALE_LISTENERS: ['PASSWORDS', 'CERTIFICATES', 'OPEN']
      .map((name, at) => `${name}://127.0.0.1:${ports[at]}`)
      .join(),
    KAFSCALE_LISTENER_SECURITY: JSON.stringify(security),
  })
  const client = await SmallClient.open(ports[2] ?? 0)
  await client.admin.execute([{ kind: 'create', name: 'orders', partitions: 1, config: {} }])
  await client.produce('orders', 0, 9)
  await client.commit('billing', 'orders', 0, 2)
  client.close()
  api = await KubeApi.start()
  const cluster = { apiVersion: 'kafscale.io/v1alpha1', kind: 'KafScaleCluster' }
  const spec = { s3: { bucket: 'records', region: 'r' } }
  const manifest = { ...cluster, metadata: { namespace: 'shop', name: 'shop' }, spec }
  await api.bystander().apply(CLUSTER, manifest, { manager: 'user', force: true })
})

afterAll(async () => {
  await api.stop()
  await broker.stop()
  await rm(folder, { recursive: true })
})

describe('lag', () => {
  test.each(['password', 'environment', 'certificate'])('is told to whom %s.properties lets in', async name => {
    const { code, out } = await kafscale('lag', 'shop', '--command-config', path(`${name}.properties`))
    expect([code, out]).toEqual([0, expect.stringMatching(/billing +Empty +orders +0 +2 +9 +7/)])
  })

  test('may be of one group alone', async () => {
    const { out } = await kafscale('lag', 'shop', '--group', 'other', '--command-config', path('password.properties'))
    expect(out).not.toContain('billing')
  })

  test('the option for the brokers wins over the file', async () => {
    const file = path('password.properties')
    const { out } = await kafscale('lag', 'shop', '--bootstrap', '127.0.0.1:1', '--command-config', file)
    expect(out).toContain('127.0.0.1:1')
  })

  test('where the first broker is away the next one tells', async () => {
    const brokers = `127.0.0.1:1, 127.0.0.1:${ports[2]}`
    expect((await kafscale('lag', 'shop', '--bootstrap', brokers)).out).toContain('billing')
  })

  test('a place that is none is told as it was written', async () => {
    const { code, out } = await kafscale('lag', 'shop', '--bootstrap', '127.0.0.1:1,here')
    expect([code, out]).toEqual([1, expect.stringContaining('must be HOST:PORT, and is here')])
  })

  test.each([
    ['a wrong password', 'wrong', 'the brokers refuse the login: Authentication failed'],
    ['brokers that nobody vouches for', 'stranger', 'cannot be reached'],
    ['a mechanism that is not known here', 'broken', 'sasl.mechanism must be one of PLAIN'],
    ['a file that is not there', 'missing', 'ENOENT'],
  ])('%s is told in a sentence without the password', async (_, name, sentence) => {
    const { code, out } = await kafscale('lag', 'shop', '--command-config', path(`${name}.properties`))
    expect([code, out]).toEqual([1, expect.stringContaining(sentence)])
    expect(out).not.toContain('-secret')
  })

  test('who asks without a login is told how to bring one', async () => {
    const { code, out } = await kafscale('lag', 'shop', '--bootstrap', `127.0.0.1:${ports[0]}`)
    expect([code, out]).toEqual([1, expect.stringContaining('give --command-config FILE')])
  })
})

test('a topic is adopted from brokers that ask for a login', async () => {
  const words = ['topic', 'adopt', 'orders', '--cluster', 'shop', '--command-config', path('password.properties')]
  expect((await kafscale(...words)).out).toContain('partitions: 1')
})
