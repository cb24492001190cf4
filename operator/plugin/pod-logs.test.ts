// Against the fake API server over HTTP.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import type { Manifest } from '../runtime/object.ts'
import { podLogs } from './pod-logs.ts'

let api: KubeApi
beforeEach(async () => {
  api = await KubeApi.start()
})
afterEach(() => api.stop())

interface Words {
  readonly containers?: readonly string[]
  readonly initContainers?: readonly string[]
  readonly restarted?: readonly string[]
}

function pod(name: string, { containers = ['broker'], initContainers = [], restarted = [] }: Words = {}): Manifest {
  const named = (names: readonly string[]) => names.map(container => ({ name: container }))
  const statuses = (names: readonly string[]) =>
    names.map(container => ({ name: container, ready: true, restartCount: restarted.includes(container) ? 2 : 0 }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name },
    spec: { containers: named(containers), initContainers: named(initContainers) },
    status: { containerStatuses: statuses(containers), initContainerStatuses: statuses(initContainers) },
  }
}
const say = (name: string, text: string, container = 'broker', previous = false): void =>
  api.logs.set({ namespace: 'shop', pod: name, container, previous }, text)
const read = (...pods: Manifest[]) => podLogs(api.client('plugin'), pods)

test('every container, and what it said before it was restarted', async () => {
  const both = pod('etcd-0', { containers: ['etcd', 'agent'], initContainers: ['prepare'], restarted: ['agent'] })
  say('etcd-0', 'prepared\n', 'prepare')
  say('etcd-0', 'ready\nleader\n', 'etcd')
  say('etcd-0', '', 'agent')
  say('etcd-0', 'out of memory\n', 'agent', true)
  const { logs, leftOut } = await read(both)
  expect(logs).toEqual([
    { pod: 'etcd-0', container: 'prepare', lines: ['prepared'] },
    { pod: 'etcd-0', container: 'etcd', lines: ['ready', 'leader'] },
    { pod: 'etcd-0', container: 'agent', lines: [] },
    { pod: 'etcd-0', container: 'agent', previous: true, lines: ['out of memory'] },
  ])
  expect(leftOut).toEqual([])
})

test('the last lines of much, whole ones, and not more than is bearable', async () => {
  say('many', Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join(''))
  say('long', Array.from({ length: 200 }, (_, index) => `${index} ${'x'.repeat(2000)}\n`).join(''))
  const [many, long] = (await read(pod('many'), pod('long'))).logs
  expect([many?.lines?.length, many?.lines?.[0], many?.lines?.at(-1)]).toEqual([300, 'line 4700', 'line 4999'])
  expect(long?.lines?.join('\n').length).toBeLessThanOrEqual(64 * 1024)
  expect(long?.lines?.at(-1)).toMatch(/^199 x/)
  expect(long?.lines?.[0]).toMatch(/^\d+ x/)
})

test('nothing secret, also where only a part of it is in the lines', async () => {
  const key = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo='
  say(
    'told',
    [
      `${key}`,
      '-----END PRIVATE KEY-----',
      'GET https://s3/x?X-Amz-Credential=keyid&X-Amz-Signature=abcdef&list-type=2',
      'authorization: AWS4-HMAC-SHA256 Credential=keyid/x, Signature=abcdef',
      '{"config":"{\\"s3SecretKey\\":\\"geheim\\",\\"port\\":1}"}',
      'password="with some words" user=me',
      'connected to broker 3',
      '-----BEGIN RSA PRIVATE KEY-----',
      key,
    ].join('\n'),
  )
  const lines = (await read(pod('told'))).logs[0]?.lines?.join('\n') ?? ''
  for (const secret of [key, 'keyid', 'abcdef', 'geheim', 'some words']) expect(lines).not.toContain(secret)
  for (const plain of ['list-type=2', 'user=me', 'connected to broker 3', 'port']) expect(lines).toContain(plain)
})

test('what may not be read and what has not begun is said, beside what could be read', async () => {
  say('fine', 'well\n')
  say('secret', 'not for you\n')
  api.faults.add({
    when: ({ subresource, name }) => subresource === 'log' && name === 'secret',
    fault: { kind: 'refuse', code: 403, reason: 'Forbidden' },
  })
  const { logs } = await read(pod('secret'), pod('waiting'), pod('fine'))
  expect(logs).toEqual([
    { pod: 'secret', container: 'broker', problem: expect.stringMatching(/^Forbidden: /) },
    { pod: 'waiting', container: 'broker', problem: expect.stringMatching(/^BadRequest: .*waiting to start/) },
    { pod: 'fine', container: 'broker', lines: ['well'] },
  ])
})

test('of very many pods those that are not well, and the names of the others', async () => {
  const pods = Array.from({ length: 30 }, (_, index) => pod(`p-${index}`, { restarted: index >= 28 ? ['broker'] : [] }))
  for (const { metadata } of pods) say(metadata.name, 'here\n')
  const { logs, leftOut } = await read(...pods)
  expect(new Set(logs.map(({ pod: name }) => name)).size).toBe(20)
  expect(logs.slice(0, 4).map(({ pod: name }) => name)).toEqual(['p-28', 'p-28', 'p-29', 'p-29'])
  expect(leftOut).toEqual(Array.from({ length: 10 }, (_, index) => `p-${index + 18}`))
})
