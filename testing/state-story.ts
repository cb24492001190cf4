/** Ledger events for tests: numbers positions, epochs and entries as a ledger does, and applies them to a state. */
import { ClusterState, type StateEvent } from '../broker/state/cluster-state.ts'
import { type AppendSpan, newAppendSpan } from '../broker/state/commands.gen.ts'
import { type Command, encodeCommand, encodeEntry } from '../broker/state/commands.ts'
import type { Applied, Outcome, SpanOutcome } from '../broker/state/outcome.ts'

/** 22 characters that are a topic id, different for each number. */
export const topicIdOf = (number: number): string => {
  const bytes = Buffer.alloc(16, 7)
  bytes.writeUInt32BE(number, 12)
  return bytes.toString('base64url')
}

export const encoded = (clock: number, ...commands: Command[]): Buffer =>
  encodeEntry(
    clock,
    commands.map(command => encodeCommand(command)),
  )

/** A span of `records` records, ten bytes each, without a producer unless one is given. */
export const spanOf = (
  records: number,
  more: Partial<Pick<AppendSpan, 'producerId' | 'producerEpoch' | 'baseSequence' | 'maxTimestamp' | 'length'>> = {},
): AppendSpan => newAppendSpan({ length: records * 10, records, maxTimestamp: 1000, flags: 0, ...more })

/** `records` of a producer from `sequence` on. */
export const idempotent = (producerId: number, sequence: number, records = 1, producerEpoch = 0): AppendSpan =>
  spanOf(records, { producerId, producerEpoch, baseSequence: sequence })

export interface RunPlan {
  readonly topicId: string
  readonly partition?: number
  readonly spans: readonly AppendSpan[]
}

/** One object with these runs, one behind the other. */
export const objectOf = (number: number, ...plans: RunPlan[]) => {
  let size = 0
  const runs = plans.map(({ topicId, partition = 0, spans }) => {
    const run = { topicId, partition, position: size, spans }
    for (const span of spans) size += span.length
    return run
  })
  return { number, size: size + 16, runs }
}

export class StateStory {
  readonly state: ClusterState
  readonly events: StateEvent[] = []
  /** Clock reading of the entries to come, ms. */
  clock = 1_000_000
  readonly #numbers = new Map<number, number>()
  #objects = 0

  constructor(state = new ClusterState()) {
    this.state = state
  }

  apply(event: StateEvent): Applied {
    this.events.push(event)
    return this.state.apply(event)
  }

  get next(): number {
    return this.state.position + 1
  }

  /** Answers the epoch. */
  open(): number {
    const epoch = this.next
    this.apply({ kind: 'session-opened', position: epoch, epoch, info: Buffer.from(`broker ${epoch}`) })
    this.#numbers.set(epoch, 0)
    return epoch
  }

  close(epoch: number): void {
    this.apply({ kind: 'session-closed', position: this.next, epoch })
  }

  /** One entry of a session with these commands. */
  entry(epoch: number, ...commands: Command[]): Applied {
    const number = (this.#numbers.get(epoch) ?? 0) + 1
    this.#numbers.set(epoch, number)
    const payload = encoded(this.clock, ...commands)
    return this.apply({ kind: 'entry', position: this.next, epoch, number, payload })
  }

  /** The outcome of one command in an entry of its own. */
  do(epoch: number, command: Command): Outcome {
    const [outcome] = this.entry(epoch, command).outcomes
    if (outcome === undefined) throw new Error('the entry had no outcome')
    return outcome
  }

  createTopic(epoch: number, topicId: string, name: string, partitions = 1): void {
    this.do(epoch, { type: 'createTopic', body: { topicId, name, partitions, replicationFactor: 1, configs: [] } })
  }

  /** The verdicts on the spans of one object with these runs. */
  append(epoch: number, ...plans: RunPlan[]): readonly SpanOutcome[] {
    const objects = [objectOf(++this.#objects, ...plans)]
    return this.do(epoch, { type: 'append', body: { objects } }).spans
  }

  trim(epoch: number, topicId: string, logStartOffset: number, partition = 0): void {
    this.do(epoch, { type: 'trim', body: { partitions: [{ topicId, partition, logStartOffset }] } })
  }
}
