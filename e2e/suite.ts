// Suites that need a part which some machines cannot have: left out aloud, with the reason; in CI they fail instead.

import { describe, test } from '@jest/globals'
import { available } from '../tools/parts/parts.ts'

/** Runs `suite` with the part, or reports it as skipped under a name that says why. */
export async function suiteWith<T>(name: string, wanted: Promise<T>, suite: (part: T) => void): Promise<void> {
  const found = await available(wanted)
  if (found.have) {
    describe(name, () => suite(found.part))
    return
  }
  // Straight to the terminal: jest would decorate and may hide it.
  process.stderr.write(`\nLEFT OUT: ${name}: ${found.why}\n`)
  describe(name, () => test.skip(`left out: ${found.why}`, () => {}))
}
