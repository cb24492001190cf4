// A cluster whose user has signed out: nothing is asked with that login any more.

import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { z } from 'zod'
import { systemClock } from '../../broker/clock.ts'
import { AuthenticationFailed } from '../../broker/security/sasl.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { Cluster } from './cluster.ts'

let broker: FolderBroker
beforeAll(async () => {
  broker = await FolderBroker.start()
})
afterAll(() => broker.stop())

const addressSchema = z.object({ port: z.number() })

const open = () =>
  new Cluster({ bootstrap: [{ host: '127.0.0.1', port: broker.port }], timeoutMs: 10_000, clock: systemClock })

test('a closed one opens no connection, for questions of before or after', async () => {
  const cluster = open()
  const first = cluster.facts()
  cluster.close()
  await expect(first).rejects.toThrow(AuthenticationFailed)
  await expect(cluster.facts()).rejects.toThrow(AuthenticationFailed)
})

test('a question that nobody answers ends with it', async () => {
  const silent = createServer(() => {})
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  const { port } = addressSchema.parse(silent.address())
  const cluster = new Cluster({ bootstrap: [{ host: '127.0.0.1', port }], timeoutMs: 600_000, clock: systemClock })
  const asked = cluster.facts()
  await new Promise(resolve => silent.once('connection', resolve))
  cluster.close()
  await expect(asked).rejects.toThrow(AuthenticationFailed)
  await new Promise(resolve => silent.close(resolve))
})

test('a page between two questions is told when it asks the next', async () => {
  const cluster = open()
  await cluster.facts()
  const next = cluster.facts()
  cluster.close()
  await expect(next).rejects.toThrow()
  await expect(cluster.facts()).rejects.toThrow('signed out')
})
