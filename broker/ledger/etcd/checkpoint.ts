/**
 * The checkpoint of a ledger in etcd, and what is removed behind it.
 *
 * The keys of events up to the checkpoint before the newest one are removed, and etcd's history up to there is compacted:
 * a broker that was away for less than a checkpoint's interval goes on where it was. `floor` is written with the
 * checkpoint, before anything is removed, so that whoever reads the keys knows what may be missing.
 */
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { type Checkpoint, type Epoch, LedgerFailed, type Position } from '../ledger.ts'
import type { EtcdClient } from './client.ts'
import { afterKey, type Keys } from './keys.ts'
import { messageOf, problemOf } from './problems.ts'
import { retrying, type Trouble } from './retry.ts'
import { closedEpoch, put, type Sessions } from './sessions.ts'

const LIMIT_MS = 20_000
/** etcd takes 128 operations in a transaction. */
const PAIRS_AT_ONCE = 60
const KEYS_AT_ONCE = 5000

const content = z.object({
  version: z.literal(1),
  position: z.int().nonnegative(),
  snapshot: z.string(),
  floor: z.int().nonnegative(),
})

export interface StoredCheckpoint {
  readonly checkpoint: Checkpoint | null
  /** The keys of events up to here may be gone. */
  readonly floor: Position
  /** Revision of the key; 0 while there is none. */
  readonly revision: Position
}

/** One try. `at` is a revision; without it the newest. */
export async function readCheckpoint(client: EtcdClient, keys: Keys, at?: string): Promise<StoredCheckpoint> {
  const { kvs } = await client.call(etcd => etcd.kv.range({ key: keys.checkpoint, revision: at ?? '0' }))
  const [stored] = kvs
  if (stored === undefined) return { checkpoint: null, floor: 0, revision: 0 }
  const parsed = content.safeParse(parseJson(stored.value))
  if (!parsed.success) {
    throw new LedgerFailed(`${keys.checkpoint.toString()} in etcd cannot be read as a checkpoint of this version`)
  }
  const { position, snapshot, floor } = parsed.data
  return { checkpoint: { position, snapshot }, floor, revision: Number(stored.mod_revision) }
}

export interface Checkpoints {
  readonly client: EtcdClient
  readonly clock: Clock
  readonly keys: Keys
  readonly sessions: Sessions
  readonly warn: (message: string) => void
  readonly compaction: Trouble
}

/** Moves the checkpoint if it is still `from`, then removes what lies behind `from`. Answers whether it moved. */
export async function moveCheckpoint(parts: Checkpoints, from: Checkpoint | null, to: Checkpoint): Promise<boolean> {
  const { client, clock, warn } = parts
  const floor = from?.position ?? 0
  try {
    const moved = await retrying({ client, clock, limitMs: LIMIT_MS }, before => swap(parts, from, to, before > 0))
    if (!moved) return false
  } catch (cause) {
    if (problemOf(cause) === 'no-space') await makeSpace(parts)
    throw cause
  }
  try {
    await removeUpTo(parts, floor)
  } catch (cause) {
    warn(`what lies behind a checkpoint could not be removed from etcd, the next one will do it: ${messageOf(cause)}`)
  }
  return true
}

async function swap(
  { client, keys }: Checkpoints,
  from: Checkpoint | null,
  to: Checkpoint,
  triedBefore: boolean,
): Promise<boolean> {
  const stored = await readCheckpoint(client, keys)
  // The answer to an earlier try was lost; no other broker writes a snapshot of this key.
  if (triedBefore && stored.checkpoint?.snapshot === to.snapshot) return true
  if (stored.checkpoint?.position !== from?.position) return false
  const value = content.parse({ version: 1, ...to, floor: Math.max(stored.floor, from?.position ?? 0) })
  const { succeeded } = await client.call(etcd =>
    etcd.kv.txn({
      compare: [{ key: keys.checkpoint, target: 'Mod', result: 'Equal', mod_revision: String(stored.revision) }],
      success: [put(keys.checkpoint, Buffer.from(JSON.stringify(value)))],
    }),
  )
  if (succeeded || !triedBefore) return succeeded
  return (await readCheckpoint(client, keys)).checkpoint?.snapshot === to.snapshot
}

/** Deletes and compactions are allowed when etcd is full: what the last checkpoint left behind, and all of the history. */
async function makeSpace(parts: Checkpoints): Promise<void> {
  const { client, keys, warn } = parts
  try {
    const { floor } = await readCheckpoint(client, keys)
    await removeUpTo(parts, floor)
    const { header } = await client.call(etcd => etcd.kv.range({ key: keys.head, keys_only: true }))
    await compact(parts, Number(header.revision))
    warn('etcd is full (NOSPACE): its history was compacted; defragment it and disarm the alarm, or raise its quota')
  } catch (cause) {
    warn(`etcd is full and could not be relieved: ${messageOf(cause)}`)
  }
}

async function removeUpTo(parts: Checkpoints, floor: Position): Promise<void> {
  if (floor === 0) return
  const { client, clock } = parts
  await retrying({ client, clock, limitMs: LIMIT_MS }, async () => {
    await removeEntries(parts, floor)
    await removeSessions(parts, floor)
    await compact(parts, floor)
  })
}

/**
 * The newest of the entries of a session that is open stays: its append may be under way once more after an answer that
 * was lost, and must find it.
 */
async function removeEntries({ client, keys, sessions }: Checkpoints, floor: Position): Promise<void> {
  const open = new Set((await sessions.list()).sessions.map(({ create_revision }) => Number(create_revision)))
  let start = keys.entries.key
  for (let more = true; more; ) {
    const page = await client.call(etcd =>
      etcd.kv.range({
        key: start,
        range_end: keys.entries.range_end,
        max_mod_revision: String(floor),
        keys_only: true,
        limit: KEYS_AT_ONCE,
      }),
    )
    const lastOf = new Map<Epoch, Buffer>()
    for (const { key } of page.kvs) {
      const parsed = keys.parse(key)
      if (parsed.kind === 'entry') lastOf.set(parsed.epoch, key)
      start = afterKey(key)
    }
    for (const [epoch, last] of lastOf) {
      const range_end = open.has(epoch) ? last : afterKey(last)
      await client.call(etcd => etcd.kv.deleteRange({ key: keys.entry(epoch, 0), range_end }))
    }
    more = page.more
  }
}

/** What told of a session goes only together: without its `close`, an `open` would be closed once more. */
async function removeSessions({ client, keys, sessions }: Checkpoints, floor: Position): Promise<void> {
  const { opens, closes } = await sessions.list()
  const openKeys = new Map(opens.map(({ key, mod_revision }) => [Number(mod_revision), key]))
  const passed = closes.filter(({ mod_revision }) => Number(mod_revision) <= floor).map(({ key }) => key)
  for (let start = 0; start < passed.length; start += PAIRS_AT_ONCE) {
    const going = passed.slice(start, start + PAIRS_AT_ONCE).flatMap(key => {
      const open = openKeys.get(closedEpoch(keys, key))
      return open === undefined ? [key] : [open, key]
    })
    await client.call(etcd => etcd.kv.txn({ success: going.map(key => ({ request_delete_range: { key } })) }))
  }
}

async function compact({ client, compaction }: Checkpoints, revision: Position): Promise<void> {
  try {
    await client.call(etcd => etcd.kv.compact({ revision: String(revision) }))
    compaction.over()
  } catch (cause) {
    const problem = problemOf(cause)
    // Newer releases let only root compact. Then etcd has to do it by itself.
    if (problem === 'denied') compaction.note(cause)
    else if (problem !== 'compacted') throw cause
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}
