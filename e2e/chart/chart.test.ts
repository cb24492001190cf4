// The chart as Helm renders it: what a value changes, what is refused, and that pods hold to the restricted standard.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { run } from '../../tools/parts/command.ts'
import { helm } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(120_000)

const chart = join(import.meta.dirname, '../../charts/kafscale')

const objectSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
})
type Rendered = z.output<typeof objectSchema>

await suiteWith('the chart', helm(), program => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-chart-'))
  })

  afterAll(() => rm(folder, { recursive: true }))

  async function template(values: unknown = {}): Promise<{ code: number | null; stderr: string; objects: Rendered[] }> {
    const file = join(folder, 'values.json')
    await writeFile(file, JSON.stringify(values))
    const { code, stdout, stderr } = await run(program, ['template', 'rel', chart, '-n', 'ops', '-f', file])
    const objects =
      code === 0
        ? parseAllDocuments(stdout).flatMap(document => {
            const value: unknown = document.toJS()
            return value === null ? [] : [objectSchema.parse(value)]
          })
        : []
    return { code, stderr, objects }
  }

  const render = async (values: unknown = {}): Promise<Rendered[]> => {
    const { code, stderr, objects } = await template(values)
    if (code !== 0) throw new Error(stderr)
    return objects
  }
  const shown = (objects: readonly Rendered[]): string[] =>
    objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? '-'}/${metadata.name}`).sort()

  test('is clean in the eyes of helm lint', async () => {
    const { code, stdout } = await run(program, ['lint', '--strict', chart])
    expect([code, stdout]).toEqual([0, expect.stringContaining('0 chart(s) failed')])
  })

  test('has rights in one namespace only, by default (gap 10)', async () => {
    expect(shown(await render())).toEqual([
      'CustomResourceDefinition -/kafscaleclusters.kafscale.io',
      'CustomResourceDefinition -/kafscaletopics.kafscale.io',
      'CustomResourceDefinition -/kafscaleusers.kafscale.io',
      'Deployment ops/rel-kafscale',
      'Pod ops/rel-kafscale-test',
      'PodDisruptionBudget ops/rel-kafscale',
      'Role ops/rel-kafscale',
      'Role ops/rel-kafscale-leader',
      'RoleBinding ops/rel-kafscale',
      'RoleBinding ops/rel-kafscale-leader',
      'Service ops/rel-kafscale',
      'ServiceAccount ops/rel-kafscale',
    ])
  })

  test('looks after another namespace, or all of them, with the rights for just that', async () => {
    const other = shown(await render({ watchNamespace: 'shop' }))
    expect(other).toEqual(expect.arrayContaining(['Role shop/rel-kafscale', 'Role ops/rel-kafscale-leader']))
    const several = shown(await render({ watchNamespace: 'shop,stock' }))
    expect(several.filter(name => name.startsWith('Role'))).toEqual([
      'Role ops/rel-kafscale-leader',
      'Role shop/rel-kafscale',
      'Role stock/rel-kafscale',
      'RoleBinding ops/rel-kafscale-leader',
      'RoleBinding shop/rel-kafscale',
      'RoleBinding stock/rel-kafscale',
    ])
    const all = shown(await render({ watchNamespace: '*' }))
    expect(all).toEqual(expect.arrayContaining(['ClusterRole -/rel-kafscale', 'ClusterRoleBinding -/rel-kafscale']))
    expect(all).not.toContain('Role ops/rel-kafscale')
  })

  test('keeps the definitions when it is uninstalled, unless it shall not, and leaves them to others on request', async () => {
    const definitions = async (crds: unknown) =>
      (await render({ crds })).filter(({ kind }) => kind === 'CustomResourceDefinition')
    for (const { metadata } of await definitions({ enabled: true, keep: true })) {
      expect(metadata.annotations?.['helm.sh/resource-policy']).toBe('keep')
    }
    for (const { metadata } of await definitions({ enabled: true, keep: false })) {
      expect(metadata.annotations?.['helm.sh/resource-policy']).toBeUndefined()
    }
    expect(await definitions({ enabled: false, keep: true })).toEqual([])
  })

  test('runs pods of the restricted standard, with probes, from the image that is named (gap 10)', async () => {
    const objects = await render({ image: { repository: 'here/kafscale', tag: '7' } })
    const text = JSON.stringify(objects.find(({ kind }) => kind === 'Deployment'))
    for (const part of [
      '"runAsNonRoot":true',
      '"readOnlyRootFilesystem":true',
      '"allowPrivilegeEscalation":false',
      '"drop":["ALL"]',
      '"type":"RuntimeDefault"',
      '"livenessProbe":',
      '"readinessProbe":',
      '"image":"here/kafscale:7"',
      '{"name":"BROKER_IMAGE","value":"here/kafscale:7"}',
    ]) {
      expect(text).toContain(part)
    }
  })

  test.each([
    [{ replica: 3 }, 'replica'],
    [{ image: { repo: 'x' } }, 'repo'],
    [{ replicas: 'two' }, 'replicas'],
    [{ watchNamespace: 'Not A Namespace' }, 'watchNamespace'],
    [{ watchNamespace: 'shop, stock' }, 'watchNamespace'],
    [{ logLevel: 'loud' }, 'logLevel'],
  ])('refuses values that it does not know (gap 10): %j', async (values, named) => {
    const { code, stderr } = await template(values)
    expect(code).not.toBe(0)
    expect(stderr).toContain(named)
  })

  test('renders whatever the values are that its schema allows', async () => {
    const odd = [
      { replicas: 0, podLabels: { a: 'yes' }, podAnnotations: { b: 'true' }, nodeSelector: { c: '1' } },
      { tolerations: [{ operator: 'Exists' }], affinity: { nodeAffinity: {} }, priorityClassName: 'high' },
      { serviceAccount: { create: false, name: 'mine', annotations: {} } },
      { rbac: { create: false }, resources: {}, image: { pullSecrets: ['a', 'b'] } },
    ]
    for (const values of odd) {
      for (const { kind, metadata } of await render(values)) expect([kind, metadata.name]).not.toContain('')
    }
  })
})
