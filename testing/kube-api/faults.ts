// What can be made to go wrong, for the tests of an engine that must survive it.

import type { Resource } from '../../operator/runtime/resource.ts'
import type { Call } from './call.ts'

export type Fault =
  /** Answered with this status. */
  | { readonly kind: 'refuse'; readonly code: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** The connection is reset before anything is done. */
  | { readonly kind: 'reset' }
  /** It is done, and then the connection is reset: the caller does not know. */
  | { readonly kind: 'reset after' }
  /** No answer ever comes. */
  | { readonly kind: 'hang' }

export interface Rule {
  readonly when: (call: Call) => boolean
  readonly fault: Fault
  /** How often; once by default. */
  readonly times?: number
}

export class Faults {
  readonly #rules: { readonly rule: Rule; left: number }[] = []
  readonly #frozen = new Set<string>()
  #callsLeft = Number.POSITIVE_INFINITY
  #last: Fault = { kind: 'reset' }
  /** Watches send their bytes in pieces of this size. */
  chunkBytes = Number.POSITIVE_INFINITY

  /** The next calls for which `when` holds go wrong. */
  add(rule: Rule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 })
  }

  /** The process ends after `calls` more calls: each one after them goes wrong, and so does the last in its own way. */
  crashAfter(calls: number, last: Fault = { kind: 'reset' }): void {
    this.#callsLeft = calls
    this.#last = last
  }

  /** Whether `crashAfter` has struck. */
  get hasCrashed(): boolean {
    return this.#callsLeft < 0
  }

  /** Watches of the resource hear nothing from now on. */
  freeze({ plural }: Resource): void {
    this.#frozen.add(plural)
  }

  isFrozen({ plural }: Resource): boolean {
    return this.#frozen.has(plural)
  }

  thaw(): void {
    this.#frozen.clear()
  }

  /** Everything works again. */
  heal(): void {
    this.#rules.length = 0
    this.#frozen.clear()
    this.#callsLeft = Number.POSITIVE_INFINITY
    this.chunkBytes = Number.POSITIVE_INFINITY
  }

  /** What goes wrong with this call. */
  take(call: Call): Fault | undefined {
    if (this.#callsLeft !== Number.POSITIVE_INFINITY) {
      this.#callsLeft--
      if (this.#callsLeft === -1) return this.#last
      if (this.#callsLeft < -1) return { kind: 'reset' }
    }
    const found = this.#rules.find(({ rule, left }) => left > 0 && rule.when(call))
    if (found === undefined) return undefined
    found.left--
    return found.rule.fault
  }
}
