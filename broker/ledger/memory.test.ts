import { systemClock } from '../clock.ts'
import { ledgerContract } from './ledger.contract.ts'
import { MemoryLedger } from './memory.ts'

ledgerContract(async () => {
  const shared = new MemoryLedger()
  return { ledger: shared.connect(systemClock), reopen: async () => shared.connect(systemClock), close: async () => {} }
})
