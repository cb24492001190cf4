// Whatever the values of the chart are, as long as its schema takes them, the API server takes the objects.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type ApiCluster, startApiCluster } from '../../testing/kubernetes/api-cluster.ts'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { run } from '../../tools/parts/command.ts'
import { etcd, helm, kubernetes } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(180_000)

const CHART = join(import.meta.dirname, '../../charts/kafscale')
const SEED = 20_260_101
const ROUNDS = 10

/** Values that the schema allows, each of them there or not. */
function randomValues(random: SeededRandom): object {
  const maybe = (make: () => object): object => (random.next() < 0.5 ? make() : {})
  const words = (): Record<string, string> => ({
    [`example.com/${random.pick(['a', 'b'])}`]: random.pick(['', 'yes', '1', 'true']),
  })
  return {
    ...maybe(() => ({ replicas: random.int(0, 10) })),
    ...maybe(() => ({
      image: {
        ...maybe(() => ({ repository: random.pick(['kafscale', 'registry.example.com:5000/team/kafscale']) })),
        ...maybe(() => ({ tag: random.pick(['', '1', '1.0', 'v2-rc.1']) })),
        ...maybe(() => ({ pullPolicy: random.pick(['Always', 'IfNotPresent', 'Never']) })),
        ...maybe(() => ({ pullSecrets: ['one', 'two'].slice(0, random.int(0, 2)) })),
      },
    })),
    ...maybe(() => ({ watchNamespace: random.pick(['', '*', 'default', 'other']) })),
    ...maybe(() => ({ clusterDomain: random.pick(['cluster.local', 'k8s.example.com']) })),
    ...maybe(() => ({ scalingIntervalSeconds: random.int(1, 300) })),
    ...maybe(() => ({ logLevel: random.pick(['trace', 'warn', 'silent']) })),
    crds: { enabled: random.next() < 0.5, keep: random.next() < 0.5 },
    ...maybe(() => ({ rbac: { create: random.next() < 0.5 } })),
    ...maybe(() => ({ serviceAccount: { create: random.next() < 0.5, name: 'somebody', annotations: words() } })),
    ...maybe(() => ({ resources: random.pick([{}, { limits: { cpu: 1, memory: '1Gi' }, requests: { cpu: '10m' } }]) })),
    ...maybe(() => ({ podAnnotations: words(), podLabels: words(), nodeSelector: words() })),
    ...maybe(() => ({
      tolerations: [{ operator: 'Exists' }, { key: 'spot', effect: 'NoSchedule', operator: 'Exists' }],
    })),
    ...maybe(() => ({
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 1,
              podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: words() } },
            },
          ],
        },
      },
    })),
    ...maybe(() => ({ priorityClassName: random.pick(['', 'system-cluster-critical']) })),
  }
}

const parts = Promise.all([kubernetes(), etcd(), helm()])

await suiteWith('the chart on a real API server', parts, ([kubernetesPrograms, etcdPrograms, helmProgram]) => {
  let api: ApiCluster
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-chart-api-'))
    api = await startApiCluster({ kubernetes: kubernetesPrograms, etcd: etcdPrograms })
    await api.kubectl.run(['create', 'namespace', 'other'])
    // A dry run makes no account, and a pod, that of `helm test`, is only taken with its account.
    for (const account of ['kafscale', 'somebody']) await api.kubectl.run(['create', 'serviceaccount', account])
  })

  afterAll(async () => {
    await api?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const random = new SeededRandom(SEED)
  const cases = Array.from({ length: ROUNDS }, (_, index) => [index, randomValues(random)] as const)

  test.each(cases)('renders what the API server takes: values %i', async (index, values) => {
    const file = join(folder, `values-${index}.json`)
    await writeFile(file, JSON.stringify(values))
    const rendered = await run(helmProgram, ['template', 'kafscale', CHART, '-n', 'default', '-f', file])
    expect([rendered.code, rendered.stderr, values]).toEqual([0, '', values])
    const { code, stderr } = await api.kubectl.outcome(
      ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'],
      rendered.stdout,
    )
    expect([code, stderr.replaceAll(/^Warning:.*\n/gm, ''), values]).toEqual([0, '', values])
  })

  test('and so are the bases of config/', async () => {
    await api.kubectl.run(['create', 'namespace', 'plain'])
    const base = join(import.meta.dirname, '../../config/default')
    await api.kubectl.run([
      '-n',
      'plain',
      'apply',
      '--server-side',
      '--dry-run=server',
      '--validate=strict',
      '-k',
      base,
    ])
  })
})
