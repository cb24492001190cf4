// When a client got on: what the longest gaps are taken from.

export class Progress {
  readonly #times: number[] = []

  /** How often it got on. */
  get count(): number {
    return this.#times.length
  }

  /** `at`: ms of the monotonic clock, ascending. */
  note(at: number): void {
    this.#times.push(at)
  }

  /** Did it get on after `at`? */
  since(at: number): boolean {
    return (this.#times.at(-1) ?? Number.NEGATIVE_INFINITY) > at
  }

  /**
   * The longest time, ms, from one success to the next that reaches into the window. Where nothing came after the window's
   * end, the window's end counts as one.
   */
  longestGap(from: number, to: number): number {
    let before = this.#times.findLast(time => time <= from) ?? from
    let longest = 0
    for (const time of this.#times) {
      if (time <= from) continue
      longest = Math.max(longest, time - before)
      before = time
      if (time >= to) return longest
    }
    return Math.max(longest, to - before)
  }
}
