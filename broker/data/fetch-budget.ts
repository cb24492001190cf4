/**
 * One budget for the records of all fetch answers that are being read or have not left yet, so that many readers of cold
 * data, or slow ones, share memory instead of multiplying it. Who asks for more than is free waits, first come first
 * served. An answer larger than the whole budget is let through alone.
 */
export class FetchBudget {
  readonly #capacity: number
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = []
  #used = 0

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes
  }

  /** Bytes taken and not given back. */
  get used(): number {
    return this.#used
  }

  /** Resolves when the bytes are taken; give back exactly as many. */
  take(bytes: number): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push({ bytes, grant: resolve })
      this.#grant()
    })
  }

  give(bytes: number): void {
    this.#used -= bytes
    this.#grant()
  }

  #grant(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#used > 0 && this.#used + next.bytes > this.#capacity) return
      this.#waiting.shift()
      this.#used += next.bytes
      next.grant()
    }
  }
}
