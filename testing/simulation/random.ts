/** Seeded randomness: the same seed gives the same run on every machine. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
    for (let round = 0; round < 4; round++) this.next()
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.int(0, values.length - 1)]
    if (value === undefined) throw new Error('nothing to pick from')
    return value
  }

  /** A source of its own, for a part whose draws shall not disturb the others. */
  fork(): SeededRandom {
    return new SeededRandom(this.int(0, 0xffffffff))
  }

  uuid(): string {
    const bytes = Buffer.alloc(16)
    for (let at = 0; at < 16; at += 4) bytes.writeUInt32BE(this.int(1, 0xffffffff), at)
    bytes.writeUInt8(this.int(1, 0x7f), 0)
    return bytes.toString('base64url')
  }
}
