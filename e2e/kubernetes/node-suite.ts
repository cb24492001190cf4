// Suites that need a box: left out aloud where the machine cannot have one, in CI too; whatever else is missing fails there.

import { test } from '@jest/globals'
import { MachineUnable } from '../../testing/kubernetes/node-parts.ts'
import { suiteWith } from '../suite.ts'

export async function nodeSuite<T>(name: string, wanted: Promise<T>, suite: (part: T) => void): Promise<void> {
  const unable = await wanted.then(
    () => undefined,
    (error: unknown) => (error instanceof MachineUnable ? error : undefined),
  )
  if (unable === undefined) return suiteWith(name, wanted, suite)
  process.stderr.write(`\nLEFT OUT: ${name}: ${unable.message}\n`)
  test.skip(`left out: ${unable.message}`, () => {})
}
