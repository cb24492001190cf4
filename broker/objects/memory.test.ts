import { MemoryStore } from './memory.ts'
import { testObjectStore } from './object-store.contract.ts'

testObjectStore('memory', async () => ({ store: new MemoryStore() }))
