// Looks after the managed etcd of every cluster: asks its members how they are, does the one thing that is due, and keeps what
// it saw for the status of the cluster. It writes nothing to the API server.

import { z } from 'zod'
import type { Clock } from '../../broker/clock.ts'
import type { Reconciler } from '../runtime/controller.ts'
import { orAborted } from '../runtime/deadline.ts'
import type { Step } from '../runtime/step.ts'
import { type Outcome, wait } from '../runtime/step.ts'
import { EtcdMember, type EtcdTls } from './etcd-member.ts'
import { type MaintenanceStep, nextStep, type SeenMember } from './maintenance.ts'

/** What a ledger that was put back to an older copy says of that (broker/ledger/restorable.ts). */
const recoveredSchema = z.object({
  time: z.number(),
  lostFrom: z.number(),
  loss: z
    .object({ lostUntil: z.number().optional(), objects: z.number(), records: z.number(), report: z.string() })
    .optional(),
})

export type Recovered = Readonly<z.output<typeof recoveredSchema>>

export interface EtcdReport {
  /** Full, and nothing more can be freed. */
  readonly isFull: boolean
  /** A member found that its data is not that of the others (alarm CORRUPT). */
  readonly isCorrupt: boolean
  readonly recovered: Recovered | undefined
}

export interface CaredEtcd {
  readonly members: readonly { readonly name: string; readonly endpoint: string }[]
  readonly tls: EtcdTls | undefined
  readonly quotaBytes: number
  /** Of the ledger, without slashes around it. */
  readonly prefix: string
}

export type CareEvent = 'EtcdDefragmented' | 'EtcdSpaceFreed'

export interface EtcdCareOptions {
  readonly clock: Clock
  readonly isManaged: (key: string) => boolean
  /** Undefined while it does not run. */
  readonly etcdOf: (key: string, signal: AbortSignal) => Promise<CaredEtcd | undefined>
  readonly onReport: (key: string) => void
  readonly onEvent: (key: string, event: CareEvent, note: string) => void
  readonly everyMs?: number | undefined
}

interface Context {
  readonly key: string
  readonly etcd: CaredEtcd | undefined
  readonly signal: AbortSignal
}

const EVERY_MS = 30_000
const SOON_MS = 2000

export class EtcdCare {
  readonly #options: EtcdCareOptions
  readonly #reports = new Map<string, EtcdReport>()
  /** Clusters whose history was dropped because of the present alarm. */
  readonly #compacted = new Set<string>()

  constructor(options: EtcdCareOptions) {
    this.#options = options
  }

  /** What was seen last; undefined when nothing was. */
  report(key: string): EtcdReport | undefined {
    return this.#reports.get(key)
  }

  get reconciler(): Reconciler<Context> {
    const steps: Step<Context>[] = [{ name: 'look', run: context => orAborted(this.#look(context), context.signal) }]
    return {
      name: 'etcd',
      begin: async (key, { signal }) => {
        if (this.#options.isManaged(key)) return { key, etcd: await this.#options.etcdOf(key, signal), signal }
        this.#reports.delete(key)
        return undefined
      },
      steps,
    }
  }

  async #look({ key, etcd }: Context): Promise<Outcome> {
    const { everyMs = EVERY_MS } = this.#options
    if (etcd === undefined) return wait('EtcdNotRunning', everyMs)
    const members = etcd.members.map(({ name, endpoint }) => ({ name, etcd: new EtcdMember(endpoint, etcd.tls) }))
    try {
      const seen = await Promise.all(
        members.map(async ({ name, etcd: member }): Promise<SeenMember> => {
          return { name, status: await member.status().catch(() => undefined) }
        }),
      )
      const working = members.find(({ name }) => seen.find(one => one.name === name)?.status !== undefined)?.etcd
      if (working === undefined) return wait('EtcdSilent', everyMs)
      const alarms = await working.alarms()
      if (alarms.length === 0) this.#compacted.delete(key)
      const step = nextStep({ members: seen, alarms, quotaBytes: etcd.quotaBytes }, this.#compacted.has(key))
      const stored = await working.value(`${etcd.prefix}/recovered`)
      const recovered = stored === undefined ? undefined : recoveredSchema.parse(JSON.parse(stored.toString()))
      this.#note(key, {
        isFull: step.kind === 'full',
        isCorrupt: alarms.some(({ alarm }) => alarm === 'CORRUPT'),
        recovered,
      })
      const byName = new Map(members.map(({ name, etcd: member }) => [name, member]))
      await this.#take(key, step, byName, working)
      return step.kind === 'none' || step.kind === 'full' ? wait('EtcdLookedAt', everyMs) : wait(step.kind, SOON_MS)
    } catch (cause) {
      // It may be electing, or starting: the pods say so. The next look is soon enough.
      return wait(cause instanceof z.ZodError ? 'RecoveredUnreadable' : 'EtcdSilent', everyMs)
    } finally {
      for (const { etcd: member } of members) member.close()
    }
  }

  async #take(
    key: string,
    step: MaintenanceStep,
    members: ReadonlyMap<string, EtcdMember>,
    working: EtcdMember,
  ): Promise<void> {
    const { onEvent } = this.#options
    if (step.kind === 'compact') {
      await working.compact(step.revision)
      this.#compacted.add(key)
    } else if (step.kind === 'defragment') {
      await members.get(step.name)?.defragment()
      const mebibytes = Math.round(step.freedBytes / 1024 / 1024)
      onEvent(key, 'EtcdDefragmented', `Member ${step.name} of etcd gave back about ${mebibytes} MiB.`)
    } else if (step.kind === 'disarm') {
      for (const member of step.members) await working.disarm(member)
      onEvent(key, 'EtcdSpaceFreed', 'etcd was full; it was compacted and defragmented and takes writes again.')
    }
  }

  #note(key: string, report: EtcdReport): void {
    if (JSON.stringify(this.#reports.get(key)) === JSON.stringify(report)) return
    this.#reports.set(key, report)
    this.#options.onReport(key)
  }
}
