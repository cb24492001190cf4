/** InitProducerId for idempotent producers (KIP-98). Ids come in blocks from the ledger, so that a thousand cost one entry. */
import type { Replica } from '../ledger/replica.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'
import { newInitProducerIdResponse } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const BLOCK = 1000

export function initProducerId(parts: Pick<Parts, 'replica'>): Handler<'InitProducerId'> {
  const ids = new ProducerIds(parts.replica)
  return async ({ transactionalId }) => {
    if (transactionalId !== null) return refusal(errorCode.UNSUPPORTED_VERSION)
    try {
      const producerId = await ids.next()
      return newInitProducerIdResponse({ errorCode: errorCode.NONE, producerId, producerEpoch: 0 })
    } catch (cause) {
      // Retriable by what Kafka's producers take for InitProducerId.
      if (cause instanceof KafkaError) return refusal(errorCode.COORDINATOR_NOT_AVAILABLE)
      throw cause
    }
  }
}

function refusal(code: number) {
  return newInitProducerIdResponse({ errorCode: code, producerEpoch: -1 })
}

/** Hands out each producer id once, over all brokers and restarts. */
export class ProducerIds {
  readonly #replica: Replica
  #next = 0
  #end = 0
  #refilling: Promise<void> | undefined

  constructor(replica: Replica) {
    this.#replica = replica
  }

  async next(): Promise<number> {
    while (this.#next >= this.#end) {
      this.#refilling ??= this.#refill().finally(() => {
        this.#refilling = undefined
      })
      await this.#refilling
    }
    return this.#next++
  }

  async #refill(): Promise<void> {
    const outcome = await this.#replica.submit({ type: 'allocateProducerIds', body: { count: BLOCK } })
    this.#next = outcome.firstProducerId
    this.#end = outcome.firstProducerId + BLOCK
  }
}
