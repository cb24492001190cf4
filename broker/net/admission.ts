// Counts the connections of all listeners against `max.connections`, `max.connections.per.ip` and quotas of addresses (KIP-612).

export interface AdmissionSettings {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Counts a connection, and says whether there are too many from the address in a short time. */
  readonly isTooFast?: (address: string) => boolean
}

export class Admission {
  readonly #settings: AdmissionSettings
  readonly #perAddress = new Map<string, number>()
  #connections = 0

  constructor(settings: AdmissionSettings) {
    this.#settings = settings
  }

  get connections(): number {
    return this.#connections
  }

  /** Counts a new connection and returns null, or returns the reason to refuse it. */
  enter(address: string): string | null {
    const fromAddress = this.#perAddress.get(address) ?? 0
    if (this.#connections >= this.#settings.maxConnections) return 'too many connections'
    if (fromAddress >= this.#settings.maxConnectionsPerAddress) return 'too many connections from this address'
    if (this.#settings.isTooFast?.(address) === true) return 'too many connections from this address in a short time'
    this.#connections++
    this.#perAddress.set(address, fromAddress + 1)
    return null
  }

  leave(address: string): void {
    this.#connections--
    const fromAddress = (this.#perAddress.get(address) ?? 1) - 1
    if (fromAddress === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, fromAddress)
  }
}
