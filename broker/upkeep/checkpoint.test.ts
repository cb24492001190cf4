import { beforeEach, describe, expect, test } from '@jest/globals'
import { DataPath, PREFIX } from '../../testing/data-path.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { snapshotFolder } from '../data/object-key.ts'
import { MemoryLedger } from '../ledger/memory.ts'
import { MemoryStore } from '../objects/memory.ts'
import { encodeSnapshot } from '../state/snapshot.ts'
import { checkpoint } from './checkpoint.ts'

let clock: VirtualClock
let ledger: MemoryLedger
let store: MemoryStore
let path: DataPath<MemoryStore>

beforeEach(async () => {
  clock = new VirtualClock()
  ledger = new MemoryLedger()
  store = new MemoryStore()
  path = await start()
})

const start = () => DataPath.start(store, { clock, ledger })
const parts = (own = path) => ({ ledger: ledger.connect(clock), replica: own.replica, store, prefix: PREFIX })
const snapshots = async (): Promise<string[]> => {
  const found: string[] = []
  for await (const { key } of store.list(snapshotFolder(PREFIX))) found.push(key)
  return found
}

describe('checkpoint', () => {
  test('lets a broker start from the snapshot and the tail, and it has the same state', async () => {
    const log = await path.createLog()
    await path.append(log, 'a', 'b')
    expect(await clock.until(checkpoint(parts()))).toBe(true)
    expect(ledger.checkpoint()?.position).toBe(path.replica.state.position)
    await path.append(log, 'c')
    const other = await start()
    await clock.advance(100)
    expect(encodeSnapshot(other.replica.state).equals(encodeSnapshot(path.replica.state))).toBe(true)
    const same = other.replica.state.catalog.partition(log.topicId, 0)
    expect(same === undefined ? [] : (await other.read(same)).map(([, value]) => value)).toEqual(['a', 'b', 'c'])
  })

  test('goes on where an earlier try stopped between snapshot and pointer', async () => {
    const half = ledger.connect(clock)
    half.moveCheckpoint = async () => {
      throw new Error('no space left')
    }
    await expect(clock.until(checkpoint({ ...parts(), ledger: half }))).rejects.toThrow('no space left')
    expect(await clock.until(checkpoint(parts()))).toBe(true)
    expect(await snapshots()).toHaveLength(1)
  })

  test('is never made of a state that was given up, before or while it is written', async () => {
    await path.createLog()
    const distrustedLate = ledger.connect(clock)
    const { replica } = path
    const late: ReturnType<typeof parts> = { ...parts(), ledger: distrustedLate }
    const slow = Object.assign(Object.create(store), {
      put: async () => replica.distrust(new Error('it differs from that of the others')),
    })
    expect(await clock.until(checkpoint({ ...late, store: slow }))).toBe(false)
    expect(await clock.until(checkpoint(parts()))).toBe(false)
    expect(ledger.checkpoint()).toBeNull()
  })

  test('does nothing when nothing happened since the last one', async () => {
    expect(await clock.until(checkpoint(parts()))).toBe(true)
    expect(await clock.until(checkpoint(parts()))).toBe(false)
    expect(await snapshots()).toHaveLength(1)
  })

  test('leaves one snapshot, however often it moves', async () => {
    for (let n = 0; n < 5; n++) {
      await path.createLog()
      await clock.until(checkpoint(parts()))
    }
    expect(await snapshots()).toEqual([ledger.checkpoint()?.snapshot])
  })

  test('of two brokers at once one moves it; what it points to stays', async () => {
    const other = await start()
    await clock.advance(100)
    const moved = await clock.until(Promise.all([checkpoint(parts()), checkpoint(parts(other))]))
    expect(moved.filter(Boolean)).toHaveLength(1)
    expect(await snapshots()).toContain(ledger.checkpoint()?.snapshot)
    await path.createLog()
    await clock.until(checkpoint(parts()))
    expect(await snapshots()).toEqual([ledger.checkpoint()?.snapshot])
  })

  test('a snapshot that could not be stored moves nothing, and the next one does', async () => {
    class Full extends MemoryStore {
      override async put(): Promise<void> {
        throw new Error('there is no room')
      }
    }
    await expect(clock.until(checkpoint({ ...parts(), store: new Full() }))).rejects.toThrow('there is no room')
    expect(ledger.checkpoint()).toBeNull()
    expect(await clock.until(checkpoint(parts()))).toBe(true)
  })
})
