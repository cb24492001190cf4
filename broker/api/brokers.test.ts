import { describe, expect, test } from '@jest/globals'
import { ANONYMOUS, withoutSasl } from '../security/authentication.ts'
import { EVERYTHING } from '../security/authorizer.ts'
import { ClusterState } from '../state/cluster-state.ts'
import { writeBrokerInfo } from '../state/commands.gen.ts'
import { Writer } from '../wire/writer.ts'
import {
  coordinates,
  coordinatorFor,
  isSuperseded,
  leaderFor,
  liveBrokers,
  preferredReader,
  SHARED_BROKER_ID,
} from './brokers.ts'
import type { Client } from './handler.ts'

interface Plan {
  readonly rack?: string
}

function clusterOf(...plans: Plan[]): ClusterState {
  const state = new ClusterState()
  for (const [brokerId, { rack = null }] of plans.entries()) {
    const writer = new Writer()
    const listeners = [
      { name: 'PLAINTEXT', host: `broker-${brokerId}`, port: 9092, shared: false },
      { name: 'SHARED', host: 'all', port: 443, shared: true },
    ]
    writeBrokerInfo(writer, { brokerId, featureLevel: 1, software: 'test', rack, listeners }, 0)
    const info = Buffer.concat(writer.finish().buffers)
    const epoch = brokerId + 1
    state.apply({ kind: 'session-opened', position: epoch, epoch, info })
  }
  return state
}

const viewOf = (state: ClusterState, brokerId = 0, isCutOff = false) => ({ state, brokerId, isCutOff })
const client = (host: string, listener = 'PLAINTEXT'): Client => ({
  listener,
  host,
  gone: new AbortController().signal,
  authentication: withoutSasl(ANONYMOUS),
  access: EVERYTHING,
  quiet: () => {},
  softwareName: '',
  softwareVersion: '',
})
const hosts = Array.from({ length: 300 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)

describe('the leader that a client is shown', () => {
  test('is always the same one, whoever is asked, and clients spread over the brokers', () => {
    const state = clusterOf({}, {}, {})
    const leaders = hosts.map(host => leaderFor(viewOf(state, 0), client(host), 'app'))
    expect(hosts.map(host => leaderFor(viewOf(state, 2), client(host), 'app'))).toEqual(leaders)
    for (const brokerId of [0, 1, 2]) expect(leaders.filter(leader => leader === brokerId).length).toBeGreaterThan(60)
  })

  test('is one in the zone that its client id names, when there is one', () => {
    const state = clusterOf({ rack: 'a' }, { rack: 'b' }, { rack: 'b' })
    for (const host of hosts) {
      expect(leaderFor(viewOf(state), client(host), 'app,zone=a')).toBe(0)
      expect([1, 2]).toContain(leaderFor(viewOf(state), client(host), 'zone=b'))
      expect([0, 1, 2]).toContain(leaderFor(viewOf(state), client(host), 'zone=c'))
    }
  })

  test('is never a broker that is cut off while there are others', () => {
    const state = clusterOf({}, {}, {})
    for (const host of hosts) expect(leaderFor(viewOf(state, 1, true), client(host), 'app')).not.toBe(1)
    expect(leaderFor(viewOf(clusterOf({}), 0, true), client('10.0.0.1'), 'app')).toBe(0)
  })
})

describe('coordinators', () => {
  test('are agreed on by all brokers, one for each group', () => {
    const state = clusterOf({}, {}, {})
    for (const group of hosts) {
      const own = [0, 1, 2].filter(brokerId => coordinates(viewOf(state, brokerId), group))
      expect(own).toEqual([coordinatorFor(viewOf(state), 'PLAINTEXT', group)?.nodeId])
    }
  })

  test('a broker that is cut off coordinates nothing while there are others', () => {
    const state = clusterOf({}, {})
    for (const group of hosts) expect(coordinates(viewOf(state, 0, true), group)).toBe(false)
    expect(isSuperseded(viewOf(state, 0, true))).toBe(true)
    expect(isSuperseded(viewOf(clusterOf({}), 0, true))).toBe(false)
  })
})

test('by a shared listener all brokers are one', () => {
  const state = clusterOf({ rack: 'a' }, { rack: 'b' })
  const one = { nodeId: SHARED_BROKER_ID, host: 'all', port: 443, rack: null }
  expect(liveBrokers(viewOf(state), 'SHARED')).toEqual([one])
  expect(leaderFor(viewOf(state), client('10.0.0.1', 'SHARED'), 'app')).toBe(SHARED_BROKER_ID)
  expect(coordinatorFor(viewOf(state), 'SHARED', 'group')).toEqual(one)
  expect(preferredReader(viewOf(state), client('10.0.0.1', 'SHARED'), 'b')).toBeUndefined()
})

describe('the broker to fetch from', () => {
  const state = clusterOf({ rack: 'a' }, { rack: 'b' }, { rack: 'b' })

  test('is one in the rack of the client, always the same', () => {
    for (const host of hosts) {
      const reader = preferredReader(viewOf(state), client(host), 'b')
      expect([1, 2]).toContain(reader)
      expect(preferredReader(viewOf(state), client(host), 'b')).toBe(reader)
    }
  })

  test('is the one that is asked when it is in that rack, nobody is, or no rack is named', () => {
    for (const rack of ['a', 'c', '']) expect(preferredReader(viewOf(state), client('x'), rack)).toBeUndefined()
  })
})
