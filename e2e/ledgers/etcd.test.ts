// What every ledger promises, on a real etcd.

import { afterAll, beforeAll } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { EtcdLedger } from '../../broker/ledger/etcd/ledger.ts'
import { ledgerContract } from '../../broker/ledger/ledger.contract.ts'
import { type Etcd, startEtcd } from '../../testing/etcd/etcd.ts'
import { etcd as programs } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

await suiteWith('the ledger in etcd', programs(), part => {
  let etcd: Etcd
  let ledgers = 0

  beforeAll(async () => {
    etcd = await startEtcd(part)
  }, 60_000)
  afterAll(() => etcd.stop())

  ledgerContract(async () => {
    const prefix = `test/${++ledgers}`
    const opened: EtcdLedger[] = []
    const open = async (): Promise<EtcdLedger> => {
      const ledger = await EtcdLedger.open({ endpoints: etcd.endpoints, prefix, clock: systemClock })
      opened.push(ledger)
      return ledger
    }
    return {
      ledger: await open(),
      reopen: open,
      close: async () => {
        for (const ledger of opened) await ledger.close()
      },
    }
  })
})
