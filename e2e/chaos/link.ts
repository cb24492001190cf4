// A connection to one broker that is opened when it is needed and given up when an answer does not come in time.

import type { ApiName, RequestOf, ResponseOf } from '../../broker/wire/api.ts'
import { WireClient } from '../faults/wire-client.ts'

const ANSWER_MS = 5000

export class Link {
  readonly #port: number
  #client: Promise<WireClient> | undefined

  constructor(port: number) {
    this.#port = port
  }

  /** Rejects when the connection breaks, or when nothing comes for 5 s; then the connection is closed too. */
  async call<Name extends ApiName>(name: Name, version: number, request: RequestOf<Name>): Promise<ResponseOf<Name>> {
    this.#client ??= WireClient.open(this.#port)
    const opening = this.#client
    let timer: NodeJS.Timeout | undefined
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${name} was not answered within ${ANSWER_MS} ms`)), ANSWER_MS)
      })
      const answer = opening.then(client => client.call(name, version, request))
      return await Promise.race([answer, late])
    } catch (cause) {
      if (this.#client === opening) this.close()
      throw cause
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    const opened = this.#client
    this.#client = undefined
    opened?.then(
      client => client.close(),
      () => {},
    )
  }
}
