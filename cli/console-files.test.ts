// The files that a console goes by while it runs, with a clock that moves when told to.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { systemClock } from '../broker/clock.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { LOOK_EVERY_MS } from '../broker/watched-files.ts'
import { ConsoleServer } from '../console/server.ts'
import { type Issued, issue, newAuthority } from '../operator/certificates/certificate.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { openCertificate, openCommandConfig, scaledClusterIn } from './console-files.ts'
import { UsageError } from './usage.ts'

const validity = { from: Date.now(), until: Date.now() + 86_400_000 }
const authority = newAuthority('test', validity)
const certificate = (commonName: string): Issued => issue(authority, { commonName, names: ['127.0.0.1'], ...validity })

let folder: string
let clock: VirtualClock
let problems: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-console-'))
  clock = new VirtualClock()
  problems = []
})
afterEach(() => rm(folder, { recursive: true }))

const path = (name: string): string => join(folder, name)
const watching = () => ({ clock, onProblem: (problem: string) => void problems.push(problem) })

/** Looks go on until it is so; each reads real files. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500 && !(await isSo()); i++) {
    await clock.advance(LOOK_EVERY_MS)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  expect(await isSo()).toBe(true)
}

test('browsers see a renewed certificate without a restart, and the old one while the new one makes no sense', async () => {
  const put = async ({ cert, key }: Issued): Promise<void> => {
    await writeFile(path('cert'), cert)
    await writeFile(path('key'), key)
  }
  await put(certificate('first'))
  const found = await openCertificate({ cert: path('cert'), key: path('key') }, watching())
  const server = await ConsoleServer.open({
    listen: { host: '127.0.0.1', port: 0 },
    ...(found.value === undefined ? {} : { certificate: found.value }),
    hostNames: [],
    brokers: { bootstrap: [{ host: '127.0.0.1', port: 1 }], timeoutMs: 1000 },
    mechanism: undefined,
    metrics: [],
    scaledCluster: undefined,
    allowsChanges: false,
    clock: systemClock,
    log: createLogger('silent'),
  })
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: server.port, ca: authority.cert }, () => {
        resolve(socket.getPeerX509Certificate()?.subject ?? '')
        socket.destroy()
      })
      socket.on('error', reject)
    })
  try {
    expect(await shown()).toBe('CN=first')
    await writeFile(path('cert'), certificate('second').cert)
    await until(() => problems.length > 0)
    expect([await shown(), problems]).toEqual(['CN=first', [expect.stringContaining('is not the key of')]])
    await put(certificate('third'))
    await until(async () => (await shown()) === 'CN=third')
  } finally {
    found.close()
    await server.close()
  }
})

test('whom brokers are trusted by is read again', async () => {
  await writeFile(path('ca'), authority.cert)
  const stores = `ssl.truststore.type=PEM\nssl.truststore.location=${path('ca')}\n`
  await writeFile(path('config'), `security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n${stores}`)
  const found = await openCommandConfig(path('config'), {}, watching())
  expect(found.value()).toMatchObject({ mechanism: 'SCRAM-SHA-512', login: undefined })
  const next = newAuthority('next', validity).cert
  await writeFile(path('ca'), authority.cert + next)
  await until(() => String(found.value().tls?.ca) === authority.cert + next)
  found.close()
})

test.each([
  ['the login of one person for everybody', 'sasl.jaas.config=x.y.Z required;', 'plain.PlainLoginModule'],
  [
    'the login of one person for everybody',
    'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=a password=hidden;',
    'people sign in to the console as themselves',
  ],
  ['a store that is not there', 'ssl.truststore.type=PEM\nssl.truststore.location=/nowhere', 'ENOENT'],
])('%s is refused in a sentence', async (_, lines, sentence) => {
  await writeFile(path('config'), `security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n${lines}\n`)
  const refusal = await openCommandConfig(path('config'), {}, watching()).catch((cause: unknown) => cause)
  expect(refusal).toBeInstanceOf(UsageError)
  expect(String(refusal)).toContain(sentence)
  expect(String(refusal)).not.toContain('hidden')
})

test('half of a certificate is refused, and none is none', async () => {
  await expect(openCertificate({ cert: path('cert') }, watching())).rejects.toThrow('--cert and --key go together')
  expect((await openCertificate({}, watching())).value).toBeUndefined()
})

test('what the operator tells is read whenever somebody looks', async () => {
  const read = scaledClusterIn(path('cluster.json'))
  await expect(read()).rejects.toThrow('ENOENT')
  const told = { metadata: { namespace: 'shop', name: 'orders' }, spec: { scaling: { mode: 'Auto', max: 9 } } }
  await writeFile(path('cluster.json'), JSON.stringify({ ...told, status: { brokers: { summary: '2/3' } } }))
  expect(await read()).toMatchObject({ spec: { scaling: { mode: 'Auto' } }, status: { brokers: { summary: '2/3' } } })
})
