/**
 * Appending an entry: one transaction, tried until it is decided. Nothing but the answer of etcd decides: `appended` when
 * the key of the entry is there with these bytes, `session-gone` when the session's key was not, `NotAppended` when
 * etcd refused and no try can still be on its way.
 */
import type { Clock } from '../../clock.ts'
import { LedgerFailed, NotAppended } from '../ledger.ts'
import type { EtcdClient } from './client.ts'
import type { Keys } from './keys.ts'
import { messageOf, problemOf } from './problems.ts'
import { retrying, type Trouble } from './retry.ts'
import { exists, isMissing, put, putHead, type Session } from './sessions.ts'

export interface Appending {
  readonly client: EtcdClient
  readonly clock: Clock
  readonly keys: Keys
  readonly trouble: Trouble
}

export async function appendEntry(
  { client, clock, keys, trouble }: Appending,
  { name, epoch }: Session,
  number: number,
  payload: Buffer,
): Promise<'appended' | 'session-gone'> {
  const sessionKey = keys.session(name)
  const entryKey = keys.entry(epoch, number)
  let unclear = false

  const decide = async (): Promise<'appended' | 'session-gone'> => {
    const { succeeded, responses } = await client.call(etcd =>
      etcd.kv.txn({
        compare: [exists(sessionKey, epoch), isMissing(entryKey)],
        success: [put(entryKey, payload), putHead(keys)],
        failure: [{ request_range: { key: entryKey } }],
      }),
    )
    if (succeeded) return 'appended'
    return whatIsThere(responses[0]?.response_range.kvs[0]?.value)
  }

  const whatIsThere = (value: Buffer | undefined): 'appended' | 'session-gone' => {
    if (value === undefined) return 'session-gone'
    if (!value.equals(payload))
      throw new LedgerFailed(`entry ${number} of session ${epoch} is there with other content`)
    return 'appended'
  }

  /** etcd has refused for lack of space, which does not mean that it has not written (etcd: quotaApplierV3). */
  const whenFull = async (cause: unknown): Promise<'appended' | 'session-gone'> => {
    // The session first: without it an entry that is not there now will never be.
    const session = await client.call(etcd => etcd.kv.range({ key: sessionKey, keys_only: true }))
    const entry = await client.call(etcd => etcd.kv.range({ key: entryKey }))
    if (entry.kvs[0] !== undefined) return whatIsThere(entry.kvs[0].value)
    if (Number(session.kvs[0]?.create_revision ?? 0) !== epoch) return 'session-gone'
    if (!unclear) throw new NotAppended('etcd has no space left (NOSPACE)', { full: true, cause })
    // An earlier try may still be on its way to the leader. Only another answer of etcd will tell.
    await client.pause(FULL_PAUSE_MS)
    throw new StillUnclear('an entry may or may not be on its way into an etcd that is full', { cause })
  }

  const verdict = await retrying({ client, clock }, async () => {
    try {
      return await decide()
    } catch (cause) {
      const problem = problemOf(cause)
      if (problem === 'no-space') return whenFull(cause)
      if (problem === 'too-large') throw new NotAppended(messageOf(cause), { full: false, cause })
      if (problem === 'unclear') unclear = true
      if (!client.isClosed) trouble.note(cause)
      throw cause
    }
  })
  trouble.over()
  return verdict
}

const FULL_PAUSE_MS = 1000

class StillUnclear extends Error {}
