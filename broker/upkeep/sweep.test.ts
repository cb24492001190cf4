import { beforeEach, describe, expect, test } from '@jest/globals'
import { DataPath, PREFIX } from '../../testing/data-path.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { objectKey } from '../data/object-key.ts'
import { MemoryLedger } from '../ledger/memory.ts'
import { MemoryStore } from '../objects/memory.ts'
import { forgetSessions, SweptSessions, sweepDead, sweepOrphans } from './sweep.ts'

let clock: VirtualClock
let ledger: MemoryLedger
let store: MemoryStore
let path: DataPath<MemoryStore>

beforeEach(async () => {
  clock = new VirtualClock()
  ledger = new MemoryLedger()
  store = new MemoryStore()
  path = await DataPath.start(store, { clock, ledger })
})

const parts = (appliedByAll = path.replica.state.position) => ({
  replica: path.replica,
  store,
  prefix: PREFIX,
  appliedByAll,
})
const keys = async (): Promise<string[]> => {
  const found: string[] = []
  for await (const { key } of store.list('')) found.push(key)
  return found
}
const deleteTopic = (topicId: string) => clock.until(path.replica.submit({ type: 'deleteTopic', body: { topicId } }))
const orphans = (...epochs: number[]) => clock.until(sweepOrphans(parts(), epochs))
const leaveBehind = (epoch: number, number: number) => store.put(objectKey(PREFIX, { kind: 'wal', epoch, number }), [])

describe('dead objects', () => {
  test('are deleted once every broker has applied the position at which they died', async () => {
    const log = await path.createLog()
    await path.append(log, 'a')
    await deleteTopic(log.topicId)
    const { position } = path.replica.state
    expect(await clock.until(sweepDead(parts(position - 1)))).toBe(0)
    expect(await keys()).toHaveLength(1)
    expect(await clock.until(sweepDead(parts(position)))).toBe(1)
    expect([await keys(), path.replica.state.objects.dead.size]).toEqual([[], 0])
  })

  test('are not deleted on the word of a state that was given up', async () => {
    const log = await path.createLog()
    await path.append(log, 'a')
    await deleteTopic(log.topicId)
    const epoch = ledger.openSession('gone', Buffer.alloc(0))
    ledger.expireSession(epoch)
    await path.createLog()
    await leaveBehind(epoch, 1)
    path.replica.distrust(new Error('it differs from that of the others'))
    expect(await clock.until(sweepDead(parts()))).toBe(0)
    expect(await orphans(epoch)).toBe(0)
    expect(await keys()).toHaveLength(2)
  })

  test('are deleted, live ones are not', async () => {
    const [doomed, kept] = [await path.createLog(), await path.createLog()]
    await path.append(doomed, 'a')
    await path.append(kept, 'b')
    await deleteTopic(doomed.topicId)
    expect(await clock.until(sweepDead(parts()))).toBe(1)
    expect(await path.read(kept)).toEqual([[0, 'b']])
    expect((await keys()).length).toBe(1)
  })

  test('stay on the list when the store did not delete them', async () => {
    const log = await path.createLog()
    await path.append(log, 'a')
    await deleteTopic(log.topicId)
    class Refusing extends MemoryStore {
      override async delete(): Promise<void> {
        throw new Error('not now')
      }
    }
    await expect(clock.until(sweepDead({ ...parts(), store: new Refusing() }))).rejects.toThrow('not now')
    expect(path.replica.state.objects.dead.size).toBe(1)
  })
})

describe('orphans', () => {
  test('of a closed session go, what the state knows of that session stays', async () => {
    const log = await path.createLog()
    await path.append(log, 'a')
    const { epoch } = path.replica
    await leaveBehind(epoch, 77)
    const next = await DataPath.start(store, { clock, ledger })
    ledger.expireSession(epoch)
    await clock.advance(100)
    path = next
    expect(await orphans(epoch)).toBe(1)
    const same = path.replica.state.catalog.partition(log.topicId, 0)
    expect(same === undefined ? [] : await path.read(same)).toEqual([[0, 'a']])
  })

  test('of a living session are none: its entry may be on the way', async () => {
    const other = await DataPath.start(store, { clock, ledger })
    await clock.advance(100)
    await leaveBehind(other.replica.epoch, 5)
    await leaveBehind(path.replica.epoch, 6)
    expect(await orphans(other.replica.epoch, path.replica.epoch)).toBe(0)
    expect(await keys()).toHaveLength(2)
    ledger.expireSession(other.replica.epoch)
    await clock.advance(100)
    expect(await orphans(other.replica.epoch, path.replica.epoch)).toBe(1)
  })

  test('of a session whose closing was not applied yet are none', async () => {
    await leaveBehind(4711, 1)
    expect(await orphans(4711)).toBe(0)
    expect(await keys()).toHaveLength(1)
  })
})

describe('closed sessions', () => {
  test('are forgotten when they were swept and closed a day ago, never before either', async () => {
    await path.createLog()
    const epoch = ledger.openSession('a', Buffer.alloc(0))
    ledger.expireSession(epoch)
    await path.createLog()
    const forget = async (...swept: number[]): Promise<number> => {
      await clock.until(forgetSessions(parts(), swept))
      return path.replica.state.closedSessions.size
    }
    expect(await forget(epoch)).toBe(1)
    await clock.advance(86_400_000 + 60_000)
    await path.createLog()
    expect(await forget()).toBe(1)
    expect(await forget(epoch)).toBe(0)
  })

  test('are looked for again for a while, since a put may arrive late, and once more before the session is forgotten', async () => {
    await path.createLog()
    const epoch = ledger.openSession('a', Buffer.alloc(0))
    ledger.expireSession(epoch)
    await path.createLog()
    const { state } = path.replica
    const swept = new SweptSessions()
    const due = () => swept.due(state, clock.monotonic())
    expect(due()).toEqual([epoch])
    swept.swept([epoch], clock.monotonic())
    await clock.advance(60_000)
    expect(due()).toEqual([epoch])
    await clock.advance(3_600_000)
    expect(due()).toEqual([])
    await clock.advance(86_400_000)
    await path.createLog()
    expect(due()).toEqual([epoch])
  })
})
