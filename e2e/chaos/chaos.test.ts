// The short chaos run: every kind of fault once, with real clients at work, on a cluster of real parts. `make chaos` is the
// long one.

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { available, etcd, versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { faults } from './faults.ts'
import { javaProgram } from './java-load.ts'
import { ChaosRun, type RollingReport } from './run.ts'

jest.setTimeout(300_000)

const SEED = Number(process.env.KAFSCALE_SEED ?? 1)

await suiteWith('chaos', Promise.all([etcd(), versitygw()]), () => {
  let run: ChaosRun
  let rolling: RollingReport

  beforeAll(async () => {
    const java = await available(javaProgram())
    run = await ChaosRun.start(SEED, java.have ? java.part : undefined)
  })

  afterAll(() => run.stop())

  test.each(faults.map(fault => [fault.kind, fault] as const))('%s: every client gets on again', async (_, fault) => {
    if (!run.faults.includes(fault)) return
    const { problem, stuck } = await run.inject(fault, fault.shortMs)
    expect({ problem, stuck }).toEqual({ problem: undefined, stuck: [] })
  })

  test('a rolling restart shows no client an error', async () => {
    rolling = await run.rollingRestart()
    expect(rolling).toMatchObject({ errors: [], exitCodes: [0, 0, 0] })
  })

  test('nothing was lost, doubled, moved or left behind', async () => {
    const { counts, hashesCompared, objects, ...wrong } = await run.finish()
    expect(wrong).toEqual({ violations: [], hashDifferences: [], defects: [], orphans: [], missing: [] })
    expect(counts.ack).toBeGreaterThan(5000)
    expect(counts.commit).toBeGreaterThan(500)
    expect(hashesCompared).toBeGreaterThan(10)
    expect(objects).toBeGreaterThan(0)
  })
})
