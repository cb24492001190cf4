// Judges the operation log of a chaos run. Pure: the same operations, the same verdict.
//
// What must be true:
//   lost        every acknowledged record stands at its offset, and lies before the end that every whole reading found
//   changed     one record per partition and offset, with the bytes that were sent, whoever reads it, whenever, wherever
//   foreign     nothing is read that was not sent to that partition
//   twice       a record of an idempotent producer stands once
//   reordered   the records of an idempotent producer stand in the order of sending, partition by partition
//   jump        a reader gets every offset, from the one where it began; a group's member begins no later than where the
//               group's members have come to
//   went back   a committed offset is never below one that was acknowledged before the question

import type { Ack, Commit, Committed, Operation, Position, Read, Send, Whole } from './operations.ts'
import { digestOf, valueFor } from './operations.ts'

export type Rule = 'lost' | 'changed' | 'foreign' | 'twice' | 'reordered' | 'jump' | 'went back'

export interface Violation {
  readonly rule: Rule
  readonly text: string
}

export function judge(operations: Iterable<Operation>): Violation[] {
  const history = new History()
  for (const operation of operations) history.add(operation)
  return history.end()
}

class History {
  readonly #violations: Violation[] = []
  readonly #sent = new Map<string, Send>()
  /** `partition@offset` -> key. */
  readonly #places = new Map<string, string>()
  readonly #acks: Ack[] = []
  readonly #wholes: Whole[] = []
  /** `reader/partition` -> the offset that comes next. */
  readonly #next = new Map<string, number>()
  readonly #groupOf = new Map<string, string>()
  /** `group/partition` -> the offset behind the last that any member has read. */
  readonly #groupNext = new Map<string, number>()
  /** `group/partition` -> acknowledged commits that are higher than all before, in order of time. */
  readonly #commits = new Map<string, Commit[]>()

  add(operation: Operation): void {
    switch (operation.kind) {
      case 'send':
        this.#sent.set(operation.key, operation)
        break
      case 'ack':
        this.#acks.push(operation)
        this.#stand(operation, 'acknowledged')
        break
      case 'read':
        this.#read(operation)
        break
      case 'position':
        this.#begin(operation)
        break
      case 'whole':
        this.#wholes.push(operation)
        break
      case 'commit':
        this.#commit(operation)
        break
      case 'committed':
        this.#committed(operation)
    }
  }

  end(): Violation[] {
    for (const whole of this.#wholes) this.#checkWhole(whole)
    for (const ack of this.#acks) this.#checkLost(ack)
    this.#checkProducers()
    return this.#violations
  }

  #violate(rule: Rule, text: string): void {
    this.#violations.push({ rule, text })
  }

  #stand({ partition, offset, key }: Ack | Read, verb: string): void {
    const place = `${partition}@${offset}`
    const known = this.#places.get(place)
    if (known === undefined) this.#places.set(place, key)
    else if (known !== key) this.#violate('changed', `"${key}" was ${verb} at ${place}, where "${known}" stands`)
  }

  #read(read: Read): void {
    const { reader, key, partition, offset, digest } = read
    const send = this.#sent.get(key)
    if (send === undefined || send.partition !== partition) {
      this.#violate('foreign', `${reader} read "${key}" at ${partition}@${offset}; it was sent to ${send?.partition}`)
    } else if (digestOf(valueFor(key)) !== digest) {
      this.#violate('changed', `${reader} read "${key}" at ${partition}@${offset} with other bytes than were sent`)
    }
    this.#stand(read, `read by ${reader}`)
    const next = this.#next.get(`${reader}/${partition}`) ?? -1
    const group = this.#groupOf.get(reader)
    // A member may get again what it fetched before its group was put together anew.
    const isNext = group === undefined ? offset === next : offset <= next
    if (!isNext) this.#violate('jump', `${reader} got ${partition}@${offset}, but ${next} was next`)
    this.#next.set(`${reader}/${partition}`, offset + 1)
    if (group === undefined) return
    const furthest = Math.max(offset + 1, this.#groupNext.get(`${group}/${partition}`) ?? 0)
    this.#groupNext.set(`${group}/${partition}`, furthest)
  }

  #begin({ reader, group, partition, offset }: Position): void {
    this.#next.set(`${reader}/${partition}`, offset)
    if (group !== undefined) this.#groupOf.set(reader, group)
    const known = group === undefined ? 0 : (this.#groupNext.get(`${group}/${partition}`) ?? 0)
    if (offset > known) this.#violate('jump', `${reader} began partition ${partition} at ${offset}, not at ${known}`)
  }

  #checkWhole({ reader, partition, end }: Whole): void {
    const next = this.#next.get(`${reader}/${partition}`) ?? 0
    if (next !== end)
      this.#violate('jump', `${reader} read partition ${partition} up to ${next}, but it ends at ${end}`)
  }

  /** What stands elsewhere than acknowledged is 'changed' already; here it may be missing from the end. */
  #checkLost({ key, partition, offset }: Ack): void {
    const where = `${partition}@${offset}`
    const send = this.#sent.get(key)
    if (offset < 0 || send?.partition !== partition) {
      this.#violate('lost', `"${key}" was acknowledged at ${where}, which cannot be`)
    }
    for (const whole of this.#wholes) {
      if (whole.partition !== partition || offset < whole.end) continue
      this.#violate('lost', `"${key}" was acknowledged at ${where}, but ${whole.reader} found the end at ${whole.end}`)
    }
  }

  #checkProducers(): void {
    const places = [...this.#places].map(([place, key]) => {
      const [partition = '', offset = ''] = place.split('@')
      return { key, partition: Number(partition), offset: Number(offset) }
    })
    places.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
    const stands = new Map<string, number>()
    const last = new Map<string, number>()
    for (const { key, partition, offset } of places) {
      const send = this.#sent.get(key)
      if (send?.idempotent !== true) continue
      const other = stands.get(key)
      if (other !== undefined) {
        this.#violate('twice', `"${key}" stands at ${partition}@${other} and at ${partition}@${offset}`)
        continue
      }
      stands.set(key, offset)
      const stream = `${send.producer}/${partition}`
      const before = last.get(stream) ?? -1
      if (send.sequence < before) {
        this.#violate('reordered', `${stream}: ${send.sequence} stands behind ${before}, at ${partition}@${offset}`)
      }
      last.set(stream, Math.max(before, send.sequence))
    }
  }

  #commit(commit: Commit): void {
    const name = `${commit.group}/${commit.partition}`
    const commits = this.#commits.get(name) ?? []
    if (commit.offset > (commits.at(-1)?.offset ?? -1)) commits.push(commit)
    this.#commits.set(name, commits)
  }

  #committed({ group, partition, offset, askedAt }: Committed): void {
    const commits = this.#commits.get(`${group}/${partition}`) ?? []
    const before = commits.findLast(({ acknowledgedAt }) => acknowledgedAt < askedAt)
    if (before === undefined || offset >= before.offset) return
    this.#violate(
      'went back',
      `group ${group} has ${offset} of partition ${partition}; ${before.offset} was acknowledged`,
    )
  }
}
