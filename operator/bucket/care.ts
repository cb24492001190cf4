// Looks after the bucket of every cluster. What it finds is kept for the status of the cluster, which somebody else writes.
// That a bucket did not answer is told when it did not answer the next look either: one that is late is no news.
//
// With deletionPolicy Delete a cluster is held by a finalizer until its objects are deleted:
//   holding   the finalizer is set before anything else is done
//   resting   the cluster is being deleted: brokers and snapshots are taken away
//   removing  nobody writes any more: everything under its prefixes is deleted
//   released  when that is done; or when it did not work for five minutes, or the namespace goes: then an event names what
//             stays. So nothing that is deleted waits for ever.

import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../broker/clock.ts'
import type { Reconciler } from '../runtime/controller.ts'
import { orAborted } from '../runtime/deadline.ts'
import { type Outcome, wait } from '../runtime/step.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type BucketReport, type BucketState, lookAtBucket } from './look.ts'
import { removeObjects } from './removal.ts'
import type { Bucket } from './s3.ts'
import type { BucketWish } from './wanted.ts'

export const RECORDS_FINALIZER = 'kafscale.io/records'

export type BucketEvent = 'BucketCreated' | 'BucketChanged' | 'RecordsDeleted' | 'RecordsOrphaned'

export interface CaredBucket {
  readonly wish: BucketWish
  /** Where objects of the cluster are, each with a slash at the end. */
  readonly prefixes: readonly string[]
  /** Undefined when it cannot be asked: there is no client for it. */
  readonly open: (() => Bucket) | undefined
}

export interface BucketCareOptions {
  readonly clock: Clock
  readonly clusterOf: (key: string) => KafScaleCluster | undefined
  /** Rejects when the credentials cannot be read. */
  readonly bucketOf: (cluster: KafScaleCluster, signal: AbortSignal) => Promise<CaredBucket>
  readonly hold: (cluster: KafScaleCluster, isHeld: boolean, signal: AbortSignal) => Promise<void>
  /** Takes away whoever writes to the bucket. Resolves with whether nobody is left. */
  readonly rest: (cluster: KafScaleCluster, signal: AbortSignal) => Promise<boolean>
  /** Whether the namespace is being deleted. */
  readonly isEnding: (namespace: string, signal?: AbortSignal) => Promise<boolean>
  readonly onReport: (key: string) => void
  readonly onEvent: (cluster: KafScaleCluster, event: BucketEvent, note: string) => void
  readonly everyMs?: number | undefined
  readonly deadlineMs?: number | undefined
}

interface Context {
  readonly key: string
  readonly cluster: KafScaleCluster
  readonly signal: AbortSignal
}

const EVERY_MS = 600_000
const RETRY_MS = 30_000
const SOON_MS = 2000
const DEADLINE_MS = 300_000

/** Nothing was learned about the bucket. */
const SILENT: ReadonlySet<BucketState> = new Set(['BucketUnreachable', 'BucketNotChecked'])

interface Seen {
  readonly wish: BucketWish
  readonly report: BucketReport
  /** Whether the look after that got no answer. */
  readonly isInDoubt: boolean
}

export const isHeld = ({ metadata }: KafScaleCluster): boolean =>
  metadata.finalizers?.includes(RECORDS_FINALIZER) === true

export class BucketCare {
  readonly #options: BucketCareOptions
  readonly #seen = new Map<string, Seen>()

  constructor(options: BucketCareOptions) {
    this.#options = options
  }

  /** What was found last; undefined when nothing was. */
  report(key: string): BucketReport | undefined {
    return this.#seen.get(key)?.report
  }

  get reconciler(): Reconciler<Context> {
    return {
      name: 'bucket',
      begin: (key, { signal }) => {
        const cluster = this.#options.clusterOf(key)
        if (cluster !== undefined) return { key, cluster, signal }
        this.#seen.delete(key)
        return undefined
      },
      steps: [
        {
          name: 'care',
          run: context =>
            context.cluster.metadata.deletionTimestamp === undefined ? this.#look(context) : this.#part(context),
        },
      ],
    }
  }

  async #look({ key, cluster, signal }: Context): Promise<Outcome> {
    const { hold, onEvent, everyMs = EVERY_MS } = this.#options
    const isWanted = cluster.spec.deletionPolicy === 'Delete'
    if (isWanted !== isHeld(cluster)) await hold(cluster, isWanted, signal)
    const { wish, open } = await this.#options.bucketOf(cluster, signal)
    if (open === undefined) return wait('BucketNotChecked', everyMs)
    const bucket = open()
    try {
      const report = await orAborted(lookAtBucket(bucket, wish), signal)
      if (report.created) onEvent(cluster, 'BucketCreated', `Bucket ${wish.bucket} was created.`)
      if (report.changed.length > 0)
        onEvent(
          cluster,
          'BucketChanged',
          `Of bucket ${wish.bucket} these were made as the spec says: ${report.changed.join(', ')}.`,
        )
      this.#note(key, wish, report)
      return wait(report.state, report.state === 'BucketReady' ? everyMs : Math.min(everyMs, RETRY_MS))
    } finally {
      await bucket.close()
    }
  }

  async #part({ cluster, signal }: Context): Promise<Outcome> {
    if (!isHeld(cluster)) return wait('Deleting', EVERY_MS)
    const problem = await this.#tryToPart(cluster, signal).catch((error: unknown) => String(error))
    if (problem === undefined) return wait('RecordsDeleted', EVERY_MS)
    const { clock, hold, onEvent, isEnding, deadlineMs = DEADLINE_MS } = this.#options
    const { namespace = 'default', deletionTimestamp = '' } = cluster.metadata
    const isLate = clock.now() - Date.parse(deletionTimestamp) > deadlineMs
    if (!isLate && !(await isEnding(namespace, signal))) return wait('RecordsRemain', SOON_MS)
    onEvent(cluster, 'RecordsOrphaned', `Objects stay in bucket ${cluster.spec.s3.bucket}: ${problem}.`)
    await hold(cluster, false, signal)
    return wait('RecordsOrphaned', EVERY_MS)
  }

  /** Resolves with what is still to be done; undefined when it is over. */
  async #tryToPart(cluster: KafScaleCluster, signal: AbortSignal): Promise<string | undefined> {
    const { rest, bucketOf, hold, onEvent } = this.#options
    if (!(await rest(cluster, signal))) return 'brokers are still running'
    const { wish, prefixes, open } = await bucketOf(cluster, signal)
    if (open === undefined) return 'the operator cannot use the bucket'
    const bucket = open()
    try {
      const { isDone } = await removeObjects(bucket, prefixes, signal)
      if (!isDone) return 'there are more objects than could be deleted in time'
    } finally {
      await bucket.close()
    }
    onEvent(
      cluster,
      'RecordsDeleted',
      `All objects under ${prefixes.join(' and ')} of bucket ${wish.bucket} were deleted.`,
    )
    await hold(cluster, false, signal)
    return undefined
  }

  /** What the operator does last of all: lets clusters go whose namespace is being deleted, for nobody would come after it. */
  async letGo(clusters: Iterable<KafScaleCluster>, signal: AbortSignal): Promise<void> {
    const { hold, isEnding } = this.#options
    for (const cluster of clusters) {
      if (isHeld(cluster) && (await isEnding(cluster.metadata.namespace ?? 'default', signal)))
        await hold(cluster, false, signal)
    }
  }

  #note(key: string, wish: BucketWish, report: BucketReport): void {
    const seen = this.#seen.get(key)
    const before = seen?.report
    if (seen !== undefined && SILENT.has(report.state) && isDeepStrictEqual(seen.wish, wish)) {
      // Why it does not answer is said in other words every time.
      if (seen.report.state === report.state) return
      if (!seen.isInDoubt) {
        this.#seen.set(key, { ...seen, isInDoubt: true })
        return
      }
    }
    // That it was made, and what was changed, was told when it happened.
    const lasting = { ...report, created: report.created || before?.created === true, changed: [] }
    this.#seen.set(key, { wish, report: lasting, isInDoubt: false })
    if (!isDeepStrictEqual(before, lasting)) this.#options.onReport(key)
  }
}
