// One byte budget that many connections share: whoever would exceed it waits its turn, first come, first served.
// More than the whole budget is granted when nothing else is out, so that no request can wait for ever.

interface Waiter {
  readonly bytes: number
  readonly granted: () => void
}

export class ByteBudget {
  readonly capacity: number
  #used = 0
  readonly #waiting = new Set<Waiter>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Bytes that are out. */
  get used(): number {
    return this.#used
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Takes bytes out. Returns null when they were granted at once; otherwise calls `granted` when they are, and the
   * result, disposed of before that, gives up the place in the queue.
   */
  take(bytes: number, granted: () => void): Disposable | null {
    if (this.#waiting.size === 0 && this.#fits(bytes)) {
      this.#used += bytes
      return null
    }
    const waiter = { bytes, granted }
    this.#waiting.add(waiter)
    return {
      [Symbol.dispose]: () => {
        if (this.#waiting.delete(waiter)) this.#grant()
      },
    }
  }

  /** Puts bytes back that were granted. */
  release(bytes: number): void {
    this.#used -= bytes
    this.#grant()
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.capacity
  }

  #grant(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.bytes)) return
      this.#waiting.delete(waiter)
      this.#used += waiter.bytes
      waiter.granted()
    }
  }
}
