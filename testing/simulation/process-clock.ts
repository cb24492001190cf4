/**
 * The clock of one simulated process. It can be stopped and continued (SIGSTOP, SIGCONT: timers that fell due meanwhile
 * fire late) and killed (no timer of it ever fires again, so nothing that waits goes on). Its wall clock may be off.
 */
import type { Clock, Timer } from '../../broker/clock.ts'

export class ProcessClock implements Clock {
  readonly #world: Clock
  #wallOffsetMs: number
  #state: 'running' | 'stopped' | 'killed' = 'running'
  readonly #late: (() => void)[] = []

  constructor(world: Clock, wallOffsetMs: number) {
    this.#world = world
    this.#wallOffsetMs = wallOffsetMs
  }

  now(): number {
    return this.#world.now() + this.#wallOffsetMs
  }

  monotonic(): number {
    return this.#world.monotonic()
  }

  setTimeout(callback: () => void, ms: number): Timer {
    let cancelled = false
    const fire = (): void => {
      if (cancelled || this.#state === 'killed') return
      if (this.#state === 'stopped') this.#late.push(fire)
      else callback()
    }
    const timer = this.#world.setTimeout(fire, ms)
    return {
      [Symbol.dispose]: () => {
        cancelled = true
        this.#world.clearTimeout(timer)
      },
    }
  }

  clearTimeout(timer: Timer): void {
    timer[Symbol.dispose]()
  }

  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms
  }

  kill(): void {
    this.#state = 'killed'
    this.#late.length = 0
  }

  stop(): void {
    if (this.#state === 'running') this.#state = 'stopped'
  }

  continue(): void {
    if (this.#state !== 'stopped') return
    this.#state = 'running'
    for (const fire of this.#late.splice(0)) fire()
  }
}
