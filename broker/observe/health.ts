// Whether the broker is ready to serve: every part that can be unready registers a check.

/** Null when the part is ready, otherwise the reason in a few words. Must not throw and not take long. */
export type ReadinessCheck = () => string | null

export class Health {
  readonly #checks = new Map<string, ReadinessCheck>()

  /** Registers the check of a part under its name, in place of an earlier one of that name. */
  check(part: string, check: ReadinessCheck): void {
    this.#checks.set(part, check)
  }

  /** One line per part that is not ready, as `part: reason`; ready when there is none. */
  unready(): string[] {
    const reasons: string[] = []
    for (const [part, check] of this.#checks) {
      const reason = check()
      if (reason !== null) reasons.push(`${part}: ${reason}`)
    }
    return reasons
  }
}
