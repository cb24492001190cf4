// The health checks for Argo CD, run by a Lua interpreter on objects as the operator leaves them.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { parse } from 'yaml'
import {
  CLUSTER_CONDITIONS,
  type ConditionTable,
  TOPIC_CONDITIONS,
  USER_CONDITIONS,
} from '../../operator/types/conditions.ts'
import { run } from '../../tools/parts/command.ts'
import { lua } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(180_000)

const folder = join(import.meta.dirname, '../../config/argocd')

/** As Argo CD hands an object to a check. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(literal).join(',')}}`
  if (typeof value !== 'object' || value === null) return value === null ? 'nil' : JSON.stringify(value)
  return `{${Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => `[${JSON.stringify(name)}]=${literal(inner)}`)
    .join(',')}}`
}

interface Found {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

const condition = (table: ConditionTable, type: string, reason: string): Found => {
  const facts = table[type]?.reasons[reason]
  if (facts === undefined) throw new Error(`there is no reason ${reason} of ${type}`)
  return { type, status: facts.status, reason, message: `${type} ${reason}` }
}

await suiteWith('health in Argo CD', lua(), program => {
  let temporary: string

  beforeAll(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'kafscale-lua-'))
  })
  afterAll(() => rm(temporary, { recursive: true }))

  async function health(kind: string, object: object): Promise<string> {
    const check = await readFile(join(folder, `${kind}-health.lua`), 'utf8')
    const script = `obj = ${literal(object)}\nlocal hs = (function()\n${check}\nend)()\nprint(hs.status .. ": " .. hs.message)\n`
    const file = join(temporary, 'check.lua')
    await writeFile(file, script)
    const { code, stdout, stderr } = await run(program, [file])
    if (code !== 0) throw new Error(stderr)
    return stdout.trim()
  }

  const cluster = (conditions: readonly Found[] | undefined, more: object = {}): Promise<string> =>
    health('kafscalecluster', {
      metadata: { name: 'orders', generation: 2 },
      ...(conditions === undefined ? {} : { status: { observedGeneration: 2, conditions } }),
      ...more,
    })
  const said = (type: string, reason: string): Found => condition(CLUSTER_CONDITIONS, type, reason)

  describe.each([
    ['kafscalecluster', CLUSTER_CONDITIONS],
    ['kafscaletopic', TOPIC_CONDITIONS],
    ['kafscaleuser', USER_CONDITIONS],
  ] as const)('%s', (kind, conditions) => {
    const table: ConditionTable = conditions
    test('every reason of Ready has the health that its severity says', async () => {
      for (const [reason, { status, severity }] of Object.entries(table.Ready?.reasons ?? {})) {
        const object = {
          metadata: { name: 'a', generation: 1 },
          status: { observedGeneration: 1, conditions: [condition(table, 'Ready', reason)] },
        }
        const rests = reason === 'Hibernated' || reason === 'NotManaged'
        const calm = rests ? 'Suspended' : status === 'True' ? 'Healthy' : 'Progressing'
        const wanted = status !== 'True' && severity === 'error' ? 'Degraded' : calm
        expect(await health(kind, object)).toBe(`${wanted}: Ready ${reason}`)
      }
    })
  })

  test('one that nobody has looked at, or not since it changed, is on its way', async () => {
    expect(await cluster(undefined)).toBe('Progressing: Waiting for the operator.')
    const old = { status: { observedGeneration: 1, conditions: [said('Ready', 'Ready')] } }
    expect(await cluster([], old)).toBe('Progressing: The operator has not looked at the newest spec yet.')
    const gone = { metadata: { name: 'orders', generation: 2, deletionTimestamp: '2026-01-01T00:00:00Z' } }
    expect(await cluster([said('Ready', 'Ready')], gone)).toBe('Progressing: Being deleted.')
  })

  test('what stalls is degraded before anything else, and a pause is a pause', async () => {
    const stalled = [said('Ready', 'NotSupported'), said('Stalled', 'NotSupported'), said('Paused', 'Paused')]
    expect(await cluster(stalled)).toBe('Degraded: Stalled NotSupported')
    const paused = [said('Ready', 'Ready'), said('Stalled', 'NotStalled'), said('Paused', 'Paused')]
    expect(await cluster(paused)).toBe('Suspended: Paused Paused')
    expect(await cluster([said('Ready', 'Ready'), said('Paused', 'NotPaused')])).toBe('Healthy: Ready Ready')
  })

  test('the ConfigMap has the same checks', async () => {
    const { data } = Object(parse(await readFile(join(folder, 'argocd-cm.yaml'), 'utf8')))
    for (const [key, file] of [
      ['KafScaleCluster', 'kafscalecluster'],
      ['KafScaleTopic', 'kafscaletopic'],
      ['KafScaleUser', 'kafscaleuser'],
    ]) {
      expect(data[`resource.customizations.health.kafscale.io_${key}`]).toBe(
        await readFile(join(folder, `${file}-health.lua`), 'utf8'),
      )
    }
  })
})
