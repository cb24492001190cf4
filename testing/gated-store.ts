/** A store in memory whose puts a test finishes or fails one by one, in any order; reads are counted. */
import { MemoryStore } from '../broker/objects/memory.ts'
import { type ByteRange, StoreError } from '../broker/objects/object-store.ts'

export interface WaitingPut {
  readonly key: string
  readonly bytes: number
  finish(): void
  fail(): void
}

export class GatedStore extends MemoryStore {
  /** Every put so far, in the order in which they began. */
  readonly puts: WaitingPut[] = []
  /** Puts wait while this is set. */
  gated = true
  reads = 0

  override async put(key: string, body: readonly Uint8Array[]): Promise<void> {
    const gate = Promise.withResolvers<void>()
    const bytes = body.reduce((sum, { length }) => sum + length, 0)
    const fail = (): void => gate.reject(new StoreError('as the test wants it'))
    this.puts.push({ key, bytes, finish: gate.resolve, fail })
    if (this.gated) await gate.promise
    await super.put(key, body)
  }

  override get(key: string, range?: ByteRange): Promise<Buffer> {
    this.reads++
    return super.get(key, range)
  }
}
