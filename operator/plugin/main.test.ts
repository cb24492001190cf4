// The plug-in as kubectl starts it: a process with a kubeconfig file.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'

// Five processes, each of which reads its source anew.
jest.setTimeout(120_000)

const main = join(import.meta.dirname, 'main.ts')

let api: KubeApi
let folder: string

beforeEach(async () => {
  api = await KubeApi.start()
  folder = await mkdtemp(join(tmpdir(), 'kafscale-plugin-main-'))
})
afterEach(async () => {
  await api.stop()
  await rm(folder, { recursive: true })
})

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function kafscale(args: readonly string[], kubeconfig: string): Promise<Ended> {
  const { NODE_OPTIONS: _forJestOnly, ...inherited } = process.env
  const env = { ...inherited, KUBECONFIG: kubeconfig }
  return new Promise(resolve => {
    execFile(process.execPath, [main, ...args], { env }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}

test('it finds the cluster and the namespace of the context, writes files, and ends with the code of the command', async () => {
  const kubeconfig = join(folder, 'config')
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters: [{ name: 'k', cluster: { server: api.connection.server } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'shop' } }],
  }
  await writeFile(kubeconfig, JSON.stringify(content))
  const cluster = {
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { namespace: 'shop', name: 'orders' },
    spec: { s3: { bucket: 'records', region: 'r' } },
  }
  await api.bystander().apply(CLUSTER, cluster, { manager: 'user', force: true })
  const shown = await kafscale(['status'], kubeconfig)
  expect([shown.code, shown.err]).toEqual([1, ''])
  expect(shown.out).toContain('orders')
  const file = join(folder, 'report.yaml')
  expect(await kafscale(['report', 'orders', '--output', file], kubeconfig)).toMatchObject({ code: 0 })
  expect((await kafscale(['stats'], kubeconfig)).code).toBe(2)
})

test('without a kubeconfig file it says which one it looked for', async () => {
  const missing = join(folder, 'missing')
  const { code, err } = await kafscale(['status'], missing)
  expect([code, err]).toEqual([
    1,
    `kubectl kafscale status: there is no kubeconfig file ${missing}: give --kubeconfig FILE or set KUBECONFIG\n`,
  ])
})
