// Security on a real Kubernetes of one node: turned on for a cluster that runs, with real pods that mount their Secrets, and a
// client from outside that has nothing but the Secret of its user. Certificates are renewed under it without a restart.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { z } from 'zod'
import { secretData } from '../../operator/cluster/kept-secrets.ts'
import { type Manifest, manifestSchema } from '../../operator/runtime/object.ts'
import { auditedCalls } from '../../testing/kubernetes/audit.ts'
import { type KubernetesNode, startNode } from '../../testing/kubernetes/node.ts'
import { kafscaleImage, nodeParts } from '../../testing/kubernetes/node-parts.ts'
import {
  helmRelease,
  KAFKA_NODE_PORT,
  NAMESPACE,
  prepareNamespace,
  sampleCluster,
} from '../../testing/kubernetes/platform.ts'
import { until } from '../../testing/operator.ts'
import { helm } from '../../tools/parts/parts.ts'
import { nodeSuite } from '../kubernetes/node-suite.ts'

jest.setTimeout(300_000)

const OPERATOR = `system:serviceaccount:${NAMESPACE}:kafscale`
const CLUSTER = 'ksc/kafscale'
const TOPIC = 'payments'
/** A kubelet looks at the Secrets of a pod once a minute, and a little later; a machine under load is slower. */
const MOUNTED_MS = 240_000

/**
 * Runs in a pod of the brokers, which trusts the authority of the cluster: signs in at the console with the name and password
 * that it is given, and writes the headings of what it was shown.
 */
const VISIT = `
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
const ca = readFileSync('/etc/kafscale-tls/cluster/ca.crt')
const origin = 'https://kafscale-console:48080'
const ask = (path, cookie = '', form) => new Promise((resolve, reject) => {
  const headers = { cookie, ...(form && { origin, 'content-type': 'application/x-www-form-urlencoded' }) }
  const sent = request(origin + path, { ca, headers, method: form ? 'POST' : 'GET' }, answer => {
    let text = ''
    answer.on('data', chunk => (text += chunk))
    answer.on('end', () => resolve({ text, cookie: answer.headers['set-cookie']?.[0].split(';')[0], to: answer.headers.location }))
  })
  sent.on('error', reject)
  sent.end(form && new URLSearchParams(form).toString())
})
const heading = async (path, cookie) => {
  const { to, text } = await ask(path, cookie)
  return to === undefined ? /<h1>([^<]*)</.exec(text)[1] : heading(to, cookie)
}
const [user, password] = process.argv.slice(-2)
const first = await heading('/topics')
const { cookie } = await ask('/sign-in', '', { user, password, next: '/topics' })
console.log(JSON.stringify([first, await heading('/topics', cookie), await heading('/topics/${TOPIC}', cookie)]))
`

const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ uid: z.string(), deletionTimestamp: z.string().optional() }),
      status: z.object({
        containerStatuses: z.array(z.object({ ready: z.boolean(), restartCount: z.number() })).default([]),
      }),
    }),
  ),
})

const parts = Promise.all([nodeParts(), helm()])

await nodeSuite('security on a Kubernetes node', parts, ([found, helmProgram]) => {
  let folder: string
  let node: KubernetesNode

  const kubectl = (...args: string[]): Promise<string> => node.kubectl.run(['-n', NAMESPACE, ...args])
  const ready = (...what: string[]): Promise<string> =>
    kubectl('wait', ...what, '--for=condition=Ready', '--timeout=180s')

  /** The cluster of the samples, and what is different about its spec. */
  const cluster = async (more: object = {}): Promise<Manifest> => {
    const sample = await sampleCluster(2)
    return { ...sample, spec: { ...Object(sample.spec), ...more } }
  }
  /** The listener on the node stands under the address of the node, which only its user knows. */
  const secured = () => ({
    security: { enabled: true },
    networkPolicy: { enabled: true },
    console: {},
    listeners: [
      { name: 'internal', port: 9092 },
      {
        ...{ name: 'outside', port: 9094, type: 'nodePort', nodePort: KAFKA_NODE_PORT },
        tls: { selfSigned: true, names: [node.address] },
      },
    ],
  })
  const kind = (name: string, what: 'KafScaleTopic' | 'KafScaleUser', spec: object): object => ({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: what,
    metadata: { name, namespace: NAMESPACE },
    spec: { clusterRef: 'kafscale', ...spec },
  })

  const brokers = async () => {
    const list = podList.parse(
      JSON.parse(await kubectl('get', 'pods', '-l', 'app.kubernetes.io/component=broker', '-o', 'json')),
    )
    return list.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }
  const secretOf = async (name: string): Promise<Readonly<Record<string, string>>> =>
    secretData(manifestSchema.parse(JSON.parse(await kubectl('get', 'secret', name, '-o', 'json'))))

  const client = (more: object): Kafka =>
    new Kafka({
      ...{ clientId: 'outside', brokers: [`${node.address}:${KAFKA_NODE_PORT}`], logLevel: logLevel.NOTHING },
      ...{ connectionTimeout: 5000, retry: { retries: 3 }, ...more },
    })
  const asUser = async (name: string, password?: string): Promise<Kafka> => {
    const { username = '', password: own = '', 'ca.crt': ca = '' } = await secretOf(name)
    const sasl: SASLOptions = { mechanism: 'scram-sha-512', username, password: password ?? own }
    return client({ ssl: { ca: [ca] }, sasl })
  }

  async function writes(kafka: Kafka, value: string): Promise<boolean> {
    const producer = kafka.producer({ retry: { retries: 2 } })
    try {
      await producer.connect()
      await producer.send({ topic: TOPIC, messages: [{ value }] })
      return true
    } catch {
      return false
    } finally {
      await producer.disconnect()
    }
  }

  async function reads(kafka: Kafka, groupId: string, wanted: readonly string[]): Promise<boolean> {
    const consumer = kafka.consumer({ groupId })
    const missing = new Set(wanted)
    try {
      await consumer.connect()
      await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
      const all = Promise.withResolvers<boolean>()
      await consumer.run({
        eachMessage: async ({ message }) => {
          missing.delete(String(message.value))
          if (missing.size === 0) all.resolve(true)
        },
      })
      return await all.promise
    } finally {
      await consumer.disconnect()
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-secure-node-'))
    // One after the other: a node that is started beside an image that fails would be left behind.
    const image = await kafscaleImage(folder)
    node = await startNode(found)
    await node.importImage(image)
    const place = { kubectl: node.kubectl, helm: helmProgram, address: node.address }
    await prepareNamespace(place)
    await helmRelease(place, 'install')
    await node.kubectl.apply([await cluster(), kind(TOPIC, 'KafScaleTopic', { partitions: 2 })])
    await ready(CLUSTER, `kst/${TOPIC}`)
  })

  afterAll(async () => {
    await node?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('is turned on for a cluster that takes everybody: its brokers are replaced, and strangers are refused', async () => {
    expect(await writes(client({}), 'by a stranger')).toBe(true)
    const before = new Set((await brokers()).map(({ metadata }) => metadata.uid))
    const acls = [
      { resource: { type: 'topic', name: TOPIC }, operations: ['Describe', 'Read', 'Write'] },
      { resource: { type: 'group', name: 'shop', patternType: 'prefix' }, operations: ['Read'] },
    ]
    const user = { authentication: { type: 'scram-sha-512' }, authorization: { acls }, listener: 'outside' }
    await node.kubectl.apply([await cluster(secured()), kind('shop', 'KafScaleUser', user)])
    await until(
      'other brokers',
      async () => {
        const now = await brokers()
        const isReady = now.every(({ status }) => status.containerStatuses.every(container => container.ready))
        return now.length === 2 && isReady && now.every(({ metadata }) => !before.has(metadata.uid))
      },
      240_000,
    )
    await ready(CLUSTER, 'ksu/shop', `kst/${TOPIC}`)
    expect(await writes(client({}), 'by a stranger again')).toBe(false)
    expect(await writes(await asUser('shop', 'guessed'), 'guessed')).toBe(false)
  })

  test('a client from outside comes in with what the Secret of its user holds, and finds what was there', async () => {
    const kafka = await asUser('shop')
    expect(await writes(kafka, 'by shop')).toBe(true)
    expect(await reads(kafka, 'shop.outside', ['by a stranger', 'by shop'])).toBe(true)
  })

  test('the console of the cluster answers by its Service, and shows its topic to who signs in with the password of a user', async () => {
    await kubectl('rollout', 'status', 'deployment/kafscale-console', '--timeout=180s')
    await until('the console in the status', async () => {
      const told = await kubectl('get', CLUSTER, '-o', 'jsonpath={.status.console.url} {.status.console.ready}')
      return told === `https://kafscale-console.${NAMESPACE}.svc.cluster.local:48080 true`
    })
    const { username = '', password = '' } = await secretOf('shop')
    const visit = async (tried: string): Promise<readonly string[]> => {
      const exec = ['exec', 'deployment/kafscale-broker', '--', 'node', '--input-type=module', '-e', VISIT]
      return z.array(z.string()).parse(JSON.parse(await kubectl(...exec, username, tried)))
    }
    expect(await visit('guessed')).toEqual(['Sign in', 'Sign in', 'Sign in'])
    expect(await visit(password)).toEqual(['Sign in', 'Topics', TOPIC])
    const log = await kubectl('logs', 'deployment/kafscale-console')
    expect(log).toContain('signed in')
    expect(log).not.toContain(password)
    const pod = await kubectl('get', 'pods', '-l', 'app.kubernetes.io/component=console', '-o', 'json')
    expect(pod).not.toContain('kube-api-access')
  })

  test('a certificate that is made anew is shown by the pods that are there', async () => {
    const { 'ca.crt': ca = '' } = await secretOf('shop')
    const shown = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ host: node.address, port: KAFKA_NODE_PORT, ca }, () => {
          resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
          socket.destroy()
        })
        socket.on('error', reject)
      })
    const old = await shown()
    const uids = (await brokers()).map(({ metadata }) => metadata.uid).sort()
    await kubectl('delete', 'secret', 'kafscale-broker-tls')
    await until('another certificate', async () => (await shown()) !== old, MOUNTED_MS)
    const now = await brokers()
    expect(now.map(({ metadata }) => metadata.uid).sort()).toEqual(uids)
    expect(now.flatMap(({ status }) => status.containerStatuses).map(({ restartCount }) => restartCount)).toEqual([
      0, 0,
    ])
  })

  test('the operator was refused nothing, with the rights of the chart', async () => {
    const calls = (await auditedCalls(node.auditFile)).filter(({ user }) => user === OPERATOR)
    expect(calls.length).toBeGreaterThan(50)
    expect(calls.filter(({ code }) => code === 403)).toEqual([])
  })
})
