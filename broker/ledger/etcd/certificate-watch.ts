/**
 * Looks now and then whether the files with etcd's certificates have changed, as they do when a Secret is renewed, so that
 * no broker has to be started anew for it. A pair that is being replaced and does not fit together is tried again later.
 */
import type { Clock, Timer } from '../../clock.ts'
import { messageOf } from './problems.ts'

/** PEM texts. */
export interface Certificates {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface CertificateWatchOptions {
  readonly clock: Clock
  readonly read: () => Promise<Certificates | undefined>
  /** Throws for what cannot be used. */
  readonly use: (certificates: Certificates) => void
  readonly onWarning: (message: string) => void
  readonly everyMs?: number
}

const EVERY_MS = 30_000

export class CertificateWatch {
  readonly #options: CertificateWatchOptions
  #timer: Timer | undefined
  #known: string | undefined
  #stopped = false

  constructor(options: CertificateWatchOptions) {
    this.#options = options
    void this.#look(true)
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
  }

  async #look(isFirst: boolean): Promise<void> {
    const { clock, read, use, onWarning, everyMs = EVERY_MS } = this.#options
    try {
      const found = await read()
      const text = JSON.stringify(found)
      if (this.#stopped) return
      if (!isFirst && found !== undefined && text !== this.#known) use(found)
      this.#known = text
    } catch (cause) {
      onWarning(`etcd's new certificates cannot be used yet, the old ones go on: ${messageOf(cause)}`)
    }
    if (!this.#stopped) this.#timer = clock.setTimeout(() => void this.#look(false), everyMs)
  }
}
