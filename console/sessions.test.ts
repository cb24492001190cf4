// How long somebody is signed in, and how often.

import { expect, test } from '@jest/globals'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { Cluster } from './cluster/cluster.ts'
import { Sessions } from './sessions.ts'

const clock = new VirtualClock()
const clusterOf = () => new Cluster({ bootstrap: [], timeoutMs: 1000, clock })

test('who signs in again and again ends sessions of their own, the oldest first, and nobody else’s', () => {
  const sessions = new Sessions(clock)
  const other = sessions.begin('alice', clusterOf())
  const own = Array.from({ length: 600 }, () => sessions.begin('bob', clusterOf()))
  expect(sessions.find(other, true)?.user).toBe('alice')
  expect(own.filter(id => sessions.find(id, true) !== undefined)).toEqual(own.slice(-20))
})

test('many users together do not fill the memory', () => {
  const sessions = new Sessions(clock)
  const all = Array.from({ length: 600 }, (_, index) => sessions.begin(`user ${index}`, clusterOf()))
  expect(all.filter(id => sessions.find(id, true) !== undefined)).toEqual(all.slice(-500))
})
