// Events of events.k8s.io/v1, by a closed table of reasons. Recording never waits and never fails: events go out one after
// the other in the background, and the oldest are dropped when too many wait.
//
// The same event of the same object within ten minutes is one Event with a count (its `series`), written at most once a
// minute.

import { createHash } from 'node:crypto'
import type { Clock } from '../../broker/clock.ts'
import type { Logger } from '../../broker/observe/logger.ts'
import { pause } from './deadline.ts'
import type { KubeClient } from './kube-client.ts'
import { microTime } from './lease-elector.ts'
import type { KubeObject, Manifest } from './object.ts'
import { RESOURCES } from './resource.ts'

export interface EventFacts {
  readonly type: 'Normal' | 'Warning'
  /** What was being done, in one word. */
  readonly action: string
  readonly meaning: string
}

export type EventTable = Readonly<Record<string, EventFacts>>

export interface EventRecorderOptions<Table extends EventTable> {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Logger
  readonly table: Table
  /** `kafscale.io/operator`. */
  readonly controller: string
  /** Which of the operators: the name of its pod. */
  readonly instance: string
}

interface Series {
  readonly event: Manifest
  readonly begunAt: number
  count: number
  sentCount: number
  sentAt: number
  lastSeen: string
}

const NOTE_BYTES = 1024
const SERIES_MS = 600_000
const RESEND_MS = 60_000
const MAX_SERIES = 2000

export class EventRecorder<Table extends EventTable> {
  readonly #options: EventRecorderOptions<Table>
  readonly #series = new Map<string, Series>()
  #wake: () => void = () => {}

  constructor(options: EventRecorderOptions<Table>) {
    this.#options = options
  }

  /** `note` says what happened, to a person; above a kilobyte it is cut. */
  record(object: KubeObject, reason: keyof Table & string, note: string): void {
    const { clock } = this.#options
    const facts = this.#options.table[reason]
    if (facts === undefined) return
    const key = JSON.stringify([object.metadata.uid, reason, note])
    const known = this.#series.get(key)
    if (known !== undefined && clock.monotonic() - known.begunAt < SERIES_MS) {
      known.count++
      known.lastSeen = microTime(clock.now())
      this.#wake()
      return
    }
    if (this.#series.size >= MAX_SERIES) this.#forgetOldest()
    this.#series.delete(key)
    this.#series.set(key, this.#begin(object, reason, facts, note))
    this.#wake()
  }

  /** Sends until the signal aborts, and then what is still to be sent. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#send(false)
      this.#expire()
      await this.#change(signal)
    }
    await this.#send(true)
  }

  #begin(object: KubeObject, reason: string, { type, action }: EventFacts, note: string): Series {
    const { clock, controller, instance } = this.#options
    const { name, namespace, uid } = object.metadata
    const now = microTime(clock.now())
    const hash = createHash('sha256')
      .update(JSON.stringify([uid, reason, note, now, instance]))
      .digest('hex')
    const event: Manifest = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, 200)}.${hash.slice(0, 16)}`, namespace: namespace ?? 'default' },
      type,
      reason,
      action,
      note: cut(note),
      eventTime: now,
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
      regarding: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
      },
    }
    return {
      event,
      begunAt: clock.monotonic(),
      count: 1,
      sentCount: 0,
      sentAt: Number.NEGATIVE_INFINITY,
      lastSeen: now,
    }
  }

  async #send(isLast: boolean): Promise<void> {
    const { client, clock, log, controller } = this.#options
    for (const series of this.#series.values()) {
      const isDue = isLast || clock.monotonic() - series.sentAt >= RESEND_MS
      if (series.sentCount === series.count || !isDue) continue
      const { count, lastSeen } = series
      const event = count === 1 ? series.event : { ...series.event, series: { count, lastObservedTime: lastSeen } }
      series.sentCount = count
      series.sentAt = clock.monotonic()
      await client.apply(RESOURCES.events, event, { manager: controller, force: true }).catch((error: unknown) => {
        log.debug({ err: error, reason: series.event.reason }, 'an event could not be written')
      })
    }
  }

  #expire(): void {
    const now = this.#options.clock.monotonic()
    for (const [key, { begunAt, count, sentCount }] of this.#series) {
      if (now - begunAt >= SERIES_MS && count === sentCount) this.#series.delete(key)
    }
  }

  #forgetOldest(): void {
    for (const [key] of this.#series) {
      this.#series.delete(key)
      return
    }
  }

  /** Until something is recorded, or a minute has gone by. */
  async #change(signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    const hasNew = [...this.#series.values()].some(({ sentCount }) => sentCount === 0)
    if (!hasNew) await pause(this.#options.clock, RESEND_MS, AbortSignal.any([signal, woken.signal]))
    this.#wake = () => {}
  }
}

function cut(note: string): string {
  const bytes = Buffer.from(note)
  if (bytes.length <= NOTE_BYTES) return note
  return `${bytes
    .subarray(0, NOTE_BYTES - 3)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}…`
}
