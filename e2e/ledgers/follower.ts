// A broker as far as the ledger goes: one connection, one follower that keeps what it saw, and patience for faults.

import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../broker/clock.ts'
import { EtcdLedger, type EtcdLedgerOptions } from '../../broker/ledger/etcd/ledger.ts'
import type { Epoch, Following, LedgerEvent, Position } from '../../broker/ledger/ledger.ts'

const PATIENCE_MS = 40_000

/** Waits until `condition` holds; fails with `what` when that takes too long. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`this did not come about: ${what}`)
    await sleep(20)
  }
}

export class Follower {
  readonly ledger: EtcdLedger
  readonly events: LedgerEvent[] = []
  readonly warnings: string[]
  broken: Error | undefined
  #following: Following | undefined

  private constructor(ledger: EtcdLedger, warnings: string[]) {
    this.ledger = ledger
    this.warnings = warnings
  }

  /** Connects, and resolves when it has caught up from `from`; null: without following. */
  static async start(
    options: Omit<EtcdLedgerOptions, 'clock' | 'onWarning'>,
    from: Position | null = 0,
  ): Promise<Follower> {
    const warnings: string[] = []
    const onWarning = (message: string): void => void warnings.push(message)
    const follower = new Follower(await EtcdLedger.open({ ...options, clock: systemClock, onWarning }), warnings)
    if (from !== null) {
      await follower.follow(from).catch(async (cause: unknown) => {
        await follower.stop()
        throw cause
      })
    }
    return follower
  }

  async follow(from: Position): Promise<void> {
    this.#following = await this.ledger.follow(from, {
      onEvent: event => this.events.push(event),
      onBroken: cause => {
        this.broken = cause
      },
    })
  }

  /** Numbers of the entries of a session, as they came. */
  numbers(epoch: Epoch): number[] {
    return this.events.flatMap(event => (event.kind === 'entry' && event.epoch === epoch ? [event.number] : []))
  }

  /** Every event in a line, which compares faster than buffers do. */
  get history(): string[] {
    return this.events.map(event => {
      const { kind, position, epoch } = event
      const bytes = event.kind === 'entry' ? event.payload : event.kind === 'session-opened' ? event.info : ''
      const number = event.kind === 'entry' ? event.number : 0
      return [position, kind, epoch, number, createHash('sha1').update(bytes).digest('hex')].join(' ')
    })
  }

  sees(kind: LedgerEvent['kind'], epoch: Epoch): boolean {
    return this.events.some(event => event.kind === kind && event.epoch === epoch)
  }

  async stop(): Promise<void> {
    this.#following?.stop()
    await this.ledger.close()
  }
}

export const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)
