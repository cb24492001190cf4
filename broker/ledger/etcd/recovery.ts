/** What restorable.ts promises, in etcd. The key `recovered` tells of it: its revision is the position, its value is JSON. */
import type { IRequestOp } from 'etcd3'
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import type { Epoch, Position } from '../ledger.ts'
import { LedgerWentBack, type Loss, type Recovered, type StoredState } from '../restorable.ts'
import { readCheckpoint } from './checkpoint.ts'
import type { EtcdClient } from './client.ts'
import type { Keys } from './keys.ts'
import { retrying } from './retry.ts'
import { isMissing, put, putHead } from './sessions.ts'

export interface Recovery {
  readonly client: EtcdClient
  readonly clock: Clock
  readonly keys: Keys
}

const LIMIT_MS = 20_000
/** Whoever restores moves revisions on by a thousand million; nothing else makes such a gap. */
const BUMPED = 500_000_000
const SESSIONS_AT_ONCE = 60

const content = z.object({
  version: z.literal(1),
  time: z.number(),
  lostFrom: z.number(),
  loss: z
    .object({
      lostUntil: z.number().optional(),
      objects: z.number(),
      records: z.number(),
      report: z.string(),
    })
    .optional(),
})

export function recover(parts: Recovery, newest: StoredState | undefined): Promise<void> {
  const { client, clock } = parts
  return retrying({ client, clock, limitMs: LIMIT_MS }, async () => {
    while (!(await tryToRecover(parts, newest)));
  })
}

/** False when somebody else changed the ledger meanwhile. */
async function tryToRecover({ client, clock, keys }: Recovery, newest: StoredState | undefined): Promise<boolean> {
  const head = await client.call(etcd => etcd.kv.range({ key: keys.head }))
  const last = Number(head.kvs[0]?.mod_revision ?? 0)
  if (last === 0) return true
  const stored = await readCheckpoint(client, keys, head.header.revision)
  const isBumped = Number(head.header.revision) - last >= BUMPED
  const isBehind = newest !== undefined && newest.checkpoint.position > last
  if (isBehind && !isBumped) throw new LedgerWentBack(last, newest.checkpoint.position)
  if (!isBumped) return true
  // A snapshot that the checkpoint names may have been passed by one that the ledger has forgotten.
  const isGone = newest !== undefined && stored.checkpoint !== null && !newest.has(stored.checkpoint.snapshot)
  const adopted = isBehind || isGone ? newest : undefined
  const state = await newest?.read()
  // A ledger that is put back once more begins with a key of its own: its create revision is the position.
  await client.call(etcd => etcd.kv.deleteRange({ key: keys.recovered }))
  if (adopted !== undefined) await closeSessions(client, keys, state?.openSessions ?? [])
  const success: IRequestOp[] = [
    // Whoever opened one of these is of the life that is over.
    { request_delete_range: keys.sessions },
    { request_delete_range: keys.progresses },
    put(keys.recovered, asJson({ version: 1, time: clock.now(), lostFrom: state?.time ?? 0 })),
    putHead(keys),
  ]
  if (adopted !== undefined) {
    const { position, snapshot } = adopted.checkpoint
    success.push(put(keys.checkpoint, asJson({ version: 1, position, snapshot, floor: position })))
  }
  const unchanged = (key: Buffer, revision: Position) => ({
    ...({ key, target: 'Mod', result: 'Equal', mod_revision: String(revision) } as const),
  })
  const { succeeded } = await client.call(etcd =>
    etcd.kv.txn({ compare: [unchanged(keys.head, last), unchanged(keys.checkpoint, stored.revision)], success }),
  )
  return succeeded
}

/** Their ends are events after the position of the state, in which they are open. */
async function closeSessions(client: EtcdClient, keys: Keys, epochs: readonly Epoch[]): Promise<void> {
  for (let start = 0; start < epochs.length; start += SESSIONS_AT_ONCE) {
    for (const epoch of epochs.slice(start, start + SESSIONS_AT_ONCE)) {
      const key = keys.close(epoch)
      await client.call(etcd => etcd.kv.txn({ compare: [isMissing(key)], success: [put(key, Buffer.alloc(0))] }))
    }
  }
}

export async function readRecovered({ client, keys }: Recovery): Promise<Recovered | undefined> {
  const { kvs } = await client.call(etcd => etcd.kv.range({ key: keys.recovered }))
  const [found] = kvs
  if (found === undefined) return undefined
  const { time, lostFrom, loss } = content.parse(JSON.parse(found.value.toString()))
  // The first version of the key is the recovery itself; a later one adds what was lost.
  return { position: Number(found.create_revision), time, lostFrom, loss }
}

export async function noteLoss(
  { client, keys }: Recovery,
  { position, time, lostFrom }: Recovered,
  loss: Loss,
): Promise<void> {
  const key = keys.recovered
  const isFirst = { key, target: 'Version', result: 'Equal', version: '1' } as const
  const isSame = { key, target: 'Create', result: 'Equal', create_revision: String(position) } as const
  await client.call(etcd =>
    etcd.kv.txn({ compare: [isFirst, isSame], success: [put(key, asJson({ version: 1, time, lostFrom, loss }))] }),
  )
}

const asJson = (value: z.input<typeof content> | object): Buffer => Buffer.from(JSON.stringify(value))
