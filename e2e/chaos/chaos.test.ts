// The short chaos run: every kind of fault once, with real clients at work, on a cluster of real parts. `make chaos` is the
// long one.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { faketime } from '../../tools/parts/faketime.ts'
import { available, etcd, versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { clientFaults, clockFaults, etcdFaults, type Fault, processFaults, storeFaults, twin } from './faults.ts'
import { javaProgram } from './java-load.ts'
import { ChaosRun, type FaultReport } from './run.ts'

jest.setTimeout(300_000)

const SEED = Number(process.env.KAFSCALE_SEED ?? 1)

const clocks = await available(faketime())

await suiteWith('chaos', Promise.all([etcd(), versitygw()]), () => {
  let run: ChaosRun

  beforeAll(async () => {
    const java = await available(javaProgram())
    run = await ChaosRun.start(SEED, java.have ? java.part : undefined)
  })

  afterAll(() => run.stop())

  const getsOver = async (report: Promise<FaultReport>): Promise<void> => {
    const { problem, stuck } = await report
    expect({ problem, stuck }).toEqual({ problem: undefined, stuck: [] })
  }

  const eachOf = (faults: readonly Fault[]): void => {
    test.each(faults.map(fault => [fault.kind, fault] as const))('%s: every client gets on again', async (_, fault) => {
      await getsOver(run.inject(fault, fault.shortMs))
    })
  }

  eachOf([...processFaults, ...etcdFaults, ...clientFaults])
  if (clocks.have) eachOf(clockFaults)
  else test.skip(`jumps of clocks left out: ${clocks.why}`, () => {})

  describe('while a second broker tries to take the id of another one', () => {
    let tried: Promise<FaultReport>

    // It takes as long as a session might live on; none of the faults below ends one.
    beforeAll(() => {
      tried = run.inject(twin, twin.shortMs)
    })

    eachOf(storeFaults)

    test('it gives up, and the first one does not notice', () => getsOver(tried))
  })

  test('a rolling restart shows no client an error', async () => {
    expect(await run.rollingRestart()).toMatchObject({ errors: [], exitCodes: [0, 0, 0] })
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
