import { beforeEach, describe, expect, test } from '@jest/globals'
import { topicIdOf } from '../../testing/state-story.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MemoryLedger } from '../ledger/memory.ts'
import { Replica } from '../ledger/replica.ts'
import { createLogger } from '../observe/logger.ts'
import { appliedByAll, audit, type ProgressParts, ProgressReports, progressOfOthers } from './progress.ts'

const log = createLogger('silent')

interface Member {
  readonly parts: ProgressParts
  readonly lost: Error[]
}

let clock: VirtualClock
let shared: MemoryLedger
let behind: Member
let ahead: Member
/** What keeps events from the first member, ms. */
let delay: number

async function join(ledger: Ledger): Promise<Member> {
  const lost: Error[] = []
  const replica = await clock.until(
    Replica.start({
      ledger,
      clock,
      brokerId: undefined,
      describe: () => Buffer.alloc(0),
      loadSnapshot: () => Promise.reject(new Error('there is no checkpoint')),
      onLost: cause => lost.push(cause),
    }),
  )
  return { parts: { ledger, replica, clock, log }, lost }
}

let topics = 0
async function write(by: Member, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const body = { topicId: topicIdOf(++topics), name: `t${topics}`, partitions: 1, replicationFactor: 1, configs: [] }
    await clock.until(by.parts.replica.submit({ type: 'createTopic', body }))
  }
}

beforeEach(async () => {
  clock = new VirtualClock()
  shared = new MemoryLedger()
  delay = 0
  const slow = {
    appendDelay: () => 0,
    acknowledgeDelay: () => 0,
    deliveryDelay: () => delay,
    refusesAppend: () => false,
  }
  behind = await join(shared.connect(clock, slow))
  ahead = await join(shared.connect(clock))
  await clock.advance(10)
})

const reports = (...members: Member[]): void => {
  for (const { parts } of members) new ProgressReports(parts).start()
}

describe('what all have applied', () => {
  test('is what the slowest has said to have applied', async () => {
    reports(behind, ahead)
    delay = 60_000
    const { position } = behind.parts.replica.state
    await write(ahead, 5)
    await clock.advance(5000)
    const others = await clock.until(progressOfOthers(ahead.parts))
    expect(appliedByAll(ahead.parts.replica.state.position, others)).toBe(position)
    await clock.advance(120_000)
    const later = await clock.until(progressOfOthers(ahead.parts))
    expect(appliedByAll(ahead.parts.replica.state.position, later)).toBe(ahead.parts.replica.state.position)
  })

  test('does not reach beyond the start of a member that has said nothing yet', async () => {
    await write(ahead, 5)
    const others = await clock.until(progressOfOthers(ahead.parts))
    expect(appliedByAll(ahead.parts.replica.state.position, others)).toBe(behind.parts.replica.epoch)
  })

  test('does not wait for members that are gone', async () => {
    shared.expireSession(behind.parts.replica.epoch)
    await write(ahead, 5)
    const others = await clock.until(progressOfOthers(ahead.parts))
    expect(appliedByAll(ahead.parts.replica.state.position, others)).toBe(ahead.parts.replica.state.position)
  })
})

describe('reports', () => {
  test('are written while something changes and not otherwise', async () => {
    let published = 0
    const counting: Ledger = Object.assign(Object.create(ahead.parts.ledger), {
      publishProgress: async () => {
        published++
      },
    })
    reports({ ...ahead, parts: { ...ahead.parts, ledger: counting } })
    await clock.advance(2000)
    const settled = published
    await clock.advance(600_000)
    expect(published).toBe(settled)
    await write(ahead, 1)
    await clock.advance(2000)
    expect(published).toBe(settled + 1)
  })
})

describe('the audit', () => {
  test('finds nothing among states that agree', async () => {
    reports(behind, ahead)
    await write(ahead, 300)
    await clock.advance(5000)
    for (const { parts } of [behind, ahead]) audit(parts, await clock.until(progressOfOthers(parts)))
    expect([...behind.lost, ...ahead.lost]).toEqual([])
    expect(ahead.parts.replica.progress.audits.length).toBeGreaterThan(1)
  })

  test('makes brokers that differ give up their states', async () => {
    reports(behind, ahead)
    behind.parts.replica.state.digest ^= 1
    await write(ahead, 300)
    await clock.advance(5000)
    audit(behind.parts, await clock.until(progressOfOthers(behind.parts)))
    expect(behind.lost.map(({ message }) => message)).toEqual(['the state differs from that of the other brokers'])
  })
})
