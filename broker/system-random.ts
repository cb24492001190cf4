/** Randomness of the operating system. */
import { randomBytes, randomInt } from 'node:crypto'
import type { RandomSource } from './core.ts'

export const systemRandom: RandomSource = {
  uuid: () => {
    for (;;) {
      const bytes = randomBytes(16)
      const id = bytes.toString('base64url')
      // Kafka reserves ids that begin with a dash (they look like options), and the first hundred of all.
      if (!id.startsWith('-') && bytes.readUInt32BE(0) !== 0) return id
    }
  },
  int: max => randomInt(1, max + 1),
}
