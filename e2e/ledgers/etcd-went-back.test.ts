// A ledger in etcd that was put back to an older copy of itself: noticed by what the store knows, refused unless revisions
// were moved on. What follows from a restore that was done rightly is in e2e/managed/restore.test.ts.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { EtcdLedger } from '../../broker/ledger/etcd/ledger.ts'
import { LedgerWentBack, type StoredState } from '../../broker/ledger/restorable.ts'
import { type Etcd, startEtcd } from '../../testing/etcd/etcd.ts'
import { etcd as programs } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

const LIMIT_MS = 60_000

await suiteWith('a ledger in etcd and what the store knows of it', programs(), part => {
  let etcd: Etcd
  beforeAll(async () => {
    etcd = await startEtcd(part)
  }, LIMIT_MS)
  afterAll(() => etcd.stop())

  const stored = (position: number): StoredState => ({
    checkpoint: { position, snapshot: `p/snapshot/${position}-1` },
    read: async () => ({ openSessions: [], time: 0 }),
    has: () => true,
  })

  test(
    'a new ledger and one that is up to date are left alone; one behind the store is refused',
    async () => {
      const ledger = await EtcdLedger.open({ endpoints: etcd.endpoints, prefix: 'back', clock: systemClock })
      await ledger.restorable.recover(undefined)
      const epoch = await ledger.openSession('one', Buffer.from('x'))
      await ledger.append(epoch, 1, Buffer.from('entry'))
      const head = await ledger.barrier()
      await ledger.restorable.recover(stored(head))
      expect(await ledger.restorable.recovered()).toBeUndefined()
      await expect(ledger.restorable.recover(stored(head + 1))).rejects.toThrow(LedgerWentBack)
      expect(await ledger.append(epoch, 2, Buffer.from('entry'))).toBe('appended')
      await ledger.close()
    },
    LIMIT_MS,
  )
})
