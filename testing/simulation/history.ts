/**
 * The operation log of a simulated run, and what must be true of it:
 *
 *   - no acknowledged record is lost, and each stands at the offset that was acknowledged
 *   - one value per (topic id, partition, offset), whoever reads it from whichever broker at whatever time
 *   - offsets are dense from the log start on
 *   - an idempotent producer's records appear once each and in order of sequence
 *   - records are only in the topic (by id) that they were produced to
 *   - an acknowledged offset commit is never followed by an older one
 */
export interface Place {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
}

interface Acknowledged extends Place {
  readonly value: string
}

export class Violation extends Error {
  override readonly name = 'Violation'
}

export class History {
  readonly #acknowledged: Acknowledged[] = []
  readonly #values = new Map<string, string>()
  readonly #sentTo = new Map<string, string>()
  readonly #commits = new Map<string, number>()
  #reads = 0

  get acknowledged(): number {
    return this.#acknowledged.length
  }

  get reads(): number {
    return this.#reads
  }

  /** A value, unique in the run, is about to be produced. */
  sending(value: string, topicId: string): void {
    this.#sentTo.set(value, topicId)
  }

  acknowledge(value: string, place: Place): void {
    this.#acknowledged.push({ ...place, value })
    this.#expectOneValue(place, value, 'acknowledged')
  }

  read(value: string, place: Place): void {
    this.#reads++
    const sentTo = this.#sentTo.get(value)
    if (sentTo !== place.topicId)
      throw new Violation(`"${value}" was read from ${nameOf(place)}, but sent to ${sentTo}`)
    this.#expectOneValue(place, value, 'read')
  }

  committed(group: string, offset: number): void {
    this.#commits.set(group, Math.max(offset, this.#commits.get(group) ?? -1))
  }

  fetchedCommit(group: string, offset: number): void {
    const acknowledged = this.#commits.get(group) ?? -1
    if (offset < acknowledged) {
      throw new Violation(`group ${group} has offset ${offset}, but ${acknowledged} was acknowledged`)
    }
  }

  #expectOneValue(place: Place, value: string, verb: string): void {
    const known = this.#values.get(nameOf(place))
    if (known !== undefined && known !== value) {
      throw new Violation(`"${value}" was ${verb} at ${nameOf(place)}, where "${known}" stands`)
    }
    this.#values.set(nameOf(place), value)
  }

  /** Checks a whole partition as it is read at the end. `values[n]` stands at `start + n`. */
  checkPartition(topicId: string, partition: number, start: number, values: readonly string[]): void {
    for (const [index, value] of values.entries()) this.read(value, { topicId, partition, offset: start + index })
    for (const one of this.#acknowledged) {
      if (one.topicId !== topicId || one.partition !== partition || one.offset < start) continue
      if (values[one.offset - start] !== one.value) {
        throw new Violation(`acknowledged record "${one.value}" is not at ${nameOf(one)}`)
      }
    }
    this.#checkProducers(`${topicId}/${partition}`, values)
  }

  /** Values are `producer/idempotent?/sequence`. */
  #checkProducers(where: string, values: readonly string[]): void {
    const last = new Map<string, number>()
    for (const value of values) {
      const [producer = '', kind, sequence] = value.split('/')
      if (kind !== 'idempotent') continue
      const before = last.get(producer) ?? -1
      if (Number(sequence) <= before) {
        throw new Violation(`producer ${producer} in ${where}: ${sequence} stands behind ${before}`)
      }
      last.set(producer, Number(sequence))
    }
  }
}

function nameOf({ topicId, partition, offset }: Place): string {
  return `${topicId}/${partition}@${offset}`
}
