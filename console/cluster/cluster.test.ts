// A cluster whose user has signed out: nothing is asked with that login any more.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { AuthenticationFailed } from '../../broker/security/sasl.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { Cluster } from './cluster.ts'

let broker: FolderBroker
beforeAll(async () => {
  broker = await FolderBroker.start()
})
afterAll(() => broker.stop())

const open = () =>
  new Cluster({ bootstrap: [{ host: '127.0.0.1', port: broker.port }], timeoutMs: 10_000, clock: systemClock })

test('a closed one opens no connection, for questions of before or after', async () => {
  const cluster = open()
  const first = cluster.facts()
  cluster.close()
  await expect(first).rejects.toThrow()
  await expect(cluster.facts()).rejects.toThrow(AuthenticationFailed)
})

test('a page between two questions is told when it asks the next', async () => {
  const cluster = open()
  await cluster.facts()
  const next = cluster.facts()
  cluster.close()
  await expect(next).rejects.toThrow()
  await expect(cluster.facts()).rejects.toThrow('signed out')
})
