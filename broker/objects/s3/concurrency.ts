// How many requests may be under way at one origin. S3 asks for fewer by "503 SlowDown": the limit is then halved, once for
// all requests that were under way at that time, and grows back by one for each round of successful requests (AIMD, as TCP
// does it). Who finds no place waits in line.

import type { Clock, Timer } from '../../clock.ts'

/** A place among the requests under way; given back once. */
export interface Place {
  done(outcome: 'success' | 'failure' | 'slow-down'): void
}

/** Rejection of `take` when no place came free in time. */
export class NoPlace extends Error {
  override name = 'NoPlace'
}

const least = 2

interface Waiting {
  readonly give: (place: Place) => void
  readonly timer: Timer
}

export class Concurrency {
  readonly #clock: Clock
  readonly #most: number
  readonly #waiting = new Set<Waiting>()
  #limit: number
  #used = 0
  /** Places taken before this one were under way when the limit was last cut. */
  #cutAt = 0
  #taken = 0

  constructor(clock: Clock, most: number) {
    this.#clock = clock
    this.#most = Math.max(least, most)
    this.#limit = this.#most
  }

  /** Requests that may be under way at present. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** A place, at once or never: for requests that are not worth waiting. */
  takeNow(): Place | undefined {
    return this.#used < this.limit && this.#waiting.size === 0 ? this.#place() : undefined
  }

  /** The next place that comes free. Rejects with NoPlace after `waitMs`. */
  take(waitMs: number): Place | Promise<Place> {
    const now = this.takeNow()
    if (now !== undefined) return now
    return new Promise((give, reject) => {
      const timer = this.#clock.setTimeout(() => {
        this.#waiting.delete(waiting)
        reject(new NoPlace(`${this.#used} requests are under way and no place came free in ${Math.round(waitMs)} ms`))
      }, waitMs)
      const waiting: Waiting = { give, timer }
      this.#waiting.add(waiting)
    })
  }

  #place(): Place {
    this.#used++
    const number = ++this.#taken
    return {
      done: outcome => {
        this.#used--
        if (outcome === 'success') this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit)
        else if (outcome === 'slow-down' && number > this.#cutAt) {
          this.#cutAt = this.#taken
          this.#limit = Math.max(least, this.#limit / 2)
        }
        this.#serve()
      },
    }
  }

  #serve(): void {
    for (const next of this.#waiting) {
      if (this.#used >= this.limit) return
      this.#waiting.delete(next)
      this.#clock.clearTimeout(next.timer)
      next.give(this.#place())
    }
  }
}
