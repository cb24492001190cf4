// Which kinds of others are installed: looked for at the start and again from time to time, since they may come later.

import type { Clock } from '../broker/clock.ts'
import type { Logger } from '../broker/observe/logger.ts'
import type { ClusterInputs } from './cluster/inputs.ts'
import { pause } from './runtime/deadline.ts'
import type { KubeClient } from './runtime/kube-client.ts'
import type { Source } from './runtime/manager.ts'
import { RESOURCES } from './runtime/resource.ts'

const EVERY_MS = 300_000
const RETRY_MS = 1000

export interface DiscoveryOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Logger
  /** Something came or went. */
  readonly onChange: () => void
}

export class Discovery implements Source {
  readonly #options: DiscoveryOptions
  readonly #first = Promise.withResolvers<void>()
  #found: ClusterInputs['has'] = { podMonitors: false, prometheusRules: false, certificates: false }

  constructor(options: DiscoveryOptions) {
    this.#options = options
  }

  get found(): ClusterInputs['has'] {
    return this.#found
  }

  /** Resolves after the first answer. */
  get synced(): Promise<void> {
    return this.#first.promise
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options
    while (!signal.aborted) {
      const isDone = await this.#look(signal).catch((cause: unknown) => {
        if (!signal.aborted) log.warn({ error: String(cause) }, 'what is installed could not be found out')
        return false
      })
      await pause(clock, isDone ? EVERY_MS : RETRY_MS, signal)
    }
  }

  async #look(signal: AbortSignal): Promise<true> {
    const { podMonitors, prometheusRules, certificates } = RESOURCES
    const plurals = await this.#options.client.discover(podMonitors.group, podMonitors.version, { signal })
    const issued = await this.#options.client.discover(certificates.group, certificates.version, { signal })
    const found = {
      podMonitors: plurals.has(podMonitors.plural),
      prometheusRules: plurals.has(prometheusRules.plural),
      certificates: issued.has(certificates.plural),
    }
    const hasChanged =
      found.podMonitors !== this.#found.podMonitors ||
      found.prometheusRules !== this.#found.prometheusRules ||
      found.certificates !== this.#found.certificates
    this.#found = found
    this.#first.resolve()
    if (hasChanged) this.#options.onChange()
    return true
  }
}
