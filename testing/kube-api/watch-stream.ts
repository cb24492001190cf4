// One open watch: what happened since its version, and what happens from now on, as lines of JSON.

import type { ServerResponse } from 'node:http'
import type { Call } from './call.ts'
import type { Faults } from './faults.ts'
import type { JsonObject } from './json.ts'
import { metaOf, type ObjectTable, type StoredEvent } from './object-table.ts'
import { Refusal } from './refusal.ts'
import { metadataOf, type Selector, selector } from './selectors.ts'

export interface WatchParts {
  readonly call: Call
  readonly table: ObjectTable
  readonly faults: Faults
  readonly response: ServerResponse
  readonly metadataOnly: boolean
}

export class WatchStream {
  readonly #parts: WatchParts
  readonly #matches: Selector
  #stop: () => void = () => {}
  #isSilent = false
  #held: StoredEvent[] = []
  #lines = Promise.resolve()

  constructor(parts: WatchParts) {
    this.#parts = parts
    const { query } = parts.call
    this.#matches = selector(query.get('labelSelector'), query.get('fieldSelector'))
    parts.response.on('close', () => this.#stop())
  }

  get plural(): string {
    return this.#parts.call.resource.plural
  }

  /** Sends what was missed, and from then on what happens; or that the version is too old. */
  begin(): void {
    const { call, table, response } = this.#parts
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const from = Number(call.query.get('resourceVersion') ?? 0)
    if (from < table.floor) {
      const expired = new Refusal(410, `too old resource version: ${from} (${table.floor})`)
      this.#write({ type: 'ERROR', object: expired.status })
      this.end()
      return
    }
    for (const event of table.since(from)) this.#hear(event)
    this.#stop = table.subscribe(event => this.#hear(event))
  }

  bookmark(): void {
    const { table, call } = this.#parts
    const { group, version, kind } = call.resource
    if (this.#isSilent || this.#parts.faults.isFrozen(call.resource)) return
    const apiVersion = group === '' ? version : `${group}/${version}`
    this.#write({
      type: 'BOOKMARK',
      object: { kind, apiVersion, metadata: { resourceVersion: String(table.revision) } },
    })
  }

  /** The connection stays open and says nothing more, ever. */
  silence(): void {
    this.#isSilent = true
  }

  /** Sends what was held back while the resource was frozen; in another order of objects, if `isReversed`. */
  thaw(isReversed: boolean): void {
    const held = this.#held
    this.#held = []
    for (const event of isReversed ? reversedByObject(held) : held) this.#send(event)
  }

  /** Ends as at the time limit of the server. */
  end(): void {
    this.#stop()
    this.#lines = this.#lines.then(() => {
      this.#parts.response.end()
    })
  }

  /** Ends in the middle of whatever is being sent. */
  reset(): void {
    this.#stop()
    this.#parts.response.destroy()
  }

  #hear(event: StoredEvent): void {
    const { call, faults } = this.#parts
    const { resource, namespace } = call
    if (event.resource.plural !== resource.plural || event.resource.group !== resource.group) return
    if (namespace !== undefined && metaOf(event.object).namespace !== namespace) return
    if (faults.isFrozen(resource)) this.#held.push(event)
    else this.#send(event)
  }

  /** An object that begins or ends to match comes and goes for the watcher. */
  #send({ type, object, previous }: StoredEvent): void {
    const matches = this.#matches(object)
    const matched = previous !== undefined && this.#matches(previous)
    if (type === 'DELETED') {
      if (matched) this.#write({ type, object: this.#shown(object) })
      return
    }
    if (matches) this.#write({ type: matched ? 'MODIFIED' : 'ADDED', object: this.#shown(object) })
    else if (matched) this.#write({ type: 'DELETED', object: this.#shown(object) })
  }

  #shown(object: JsonObject): JsonObject {
    return this.#parts.metadataOnly ? metadataOf(object) : object
  }

  #write(event: JsonObject): void {
    if (this.#isSilent) return
    const { response, faults } = this.#parts
    const bytes = Buffer.from(`${JSON.stringify(event)}\n`)
    const size = Math.min(faults.chunkBytes, bytes.length)
    this.#lines = this.#lines.then(async () => {
      for (let start = 0; start < bytes.length && !response.destroyed; start += size) {
        response.write(bytes.subarray(start, start + size))
        if (size < bytes.length) await new Promise(resolve => setImmediate(resolve))
      }
    })
  }
}

/** The order of the events of one object stays; that of objects is turned round. */
function reversedByObject(events: readonly StoredEvent[]): readonly StoredEvent[] {
  const byObject = Map.groupBy(events, ({ object }) => metaOf(object).uid)
  return [...byObject.values()].reverse().flat()
}
