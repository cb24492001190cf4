// E20 in a Kubernetes of one node, by its own manifests: in a namespace that takes only restricted pods, with the brokers of
// the operator, answering on port 30080 of the node. `make test-examples-kubernetes`.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type KubernetesNode, startNode } from '../../testing/kubernetes/node.ts'
import { kafscaleImage, nodeParts } from '../../testing/kubernetes/node-parts.ts'
import { helmRelease, NAMESPACE, prepareNamespace, sampleCluster } from '../../testing/kubernetes/platform.ts'
import { until } from '../../testing/operator.ts'
import { EXAMPLE_IMAGE, writeExampleImage } from '../../tools/examples/image.ts'
import { helm, maven } from '../../tools/parts/parts.ts'
import { nodeSuite } from '../kubernetes/node-suite.ts'

jest.setTimeout(300_000)

const MANIFESTS = join(import.meta.dirname, '../../examples/E20_spring-boot-kafscale-demo/k8s')
const NODE_PORT = 30_080
const LIMIT_MS = 60_000

const parts = Promise.all([nodeParts(), helm(), maven()])
await nodeSuite('E20 in Kubernetes', parts, ([parts, helmProgram]) => {
  let folder: string
  let node: KubernetesNode

  const kubectl = (...args: string[]): Promise<string> => node.kubectl.run(['-n', NAMESPACE, ...args])
  const ask = async (path: string, order?: object): Promise<[number, string]> => {
    const post = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(order) }
    const answer = await fetch(`http://${node.address}:${NODE_PORT}${path}`, order === undefined ? {} : post)
    return [answer.status, await answer.text()]
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-e20-node-'))
    const application = join(folder, 'e20.tar')
    const [image, started] = await Promise.all([
      kafscaleImage(folder),
      startNode(parts),
      writeExampleImage(application),
    ])
    node = started
    await node.importImage(image)
    await node.importImage(application)
    const place = { kubectl: node.kubectl, helm: helmProgram, address: node.address }
    await prepareNamespace(place)
    await helmRelease(place, 'install')
    await node.kubectl.apply([await sampleCluster(1)])
    await kubectl('wait', 'ksc/kafscale', '--for=condition=Ready', '--timeout=150s')
  }, 600_000)

  afterAll(async () => {
    await node?.stop()
    await rm(folder, { recursive: true, force: true })
  }, 120_000)

  test('its manifests bring it up, and its port on the node answers that it is healthy', async () => {
    await kubectl('apply', '-f', MANIFESTS)
    await kubectl('rollout', 'status', 'deployment/spring-demo', '--timeout=180s')
    const image = '{.items[0].spec.containers[0].image}'
    expect(await kubectl('get', 'pods', '-l', 'app.kubernetes.io/name=spring-demo', '-o', `jsonpath=${image}`)).toBe(
      EXAMPLE_IMAGE,
    )
    await until('an answer', async () => (await ask('/api/health').catch(() => [0]))[0] === 200, LIMIT_MS)
    expect(await ask('/api/health')).toEqual([200, '{"status":"healthy","broker":"kafscale-broker:9092"}'])
  })

  test('orders go through the brokers, and dead letters too', async () => {
    const [status] = await ask('/api/orders', { product: 'widget', quantity: 2 })
    expect(status).toBe(201)
    await ask('/api/orders', { product: 'broken widget', quantity: 2 })
    await until('the order', async () => (await ask('/api/orders'))[1].includes('"widget"'), LIMIT_MS)
    await until('the letter', async () => (await ask('/api/orders/dead-letters'))[1].includes('broken'), LIMIT_MS)
  })
})
