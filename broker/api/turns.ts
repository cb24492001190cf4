/**
 * One thing after another: work that decides on the state and then changes it must not overlap with its like, or two
 * requests could each find room for the last partition, or append to the same list and lose one of the items.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when all earlier work has ended, well or not. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }
}
