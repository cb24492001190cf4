// A broker that cannot do what it was told does not start: one line that names the setting, and an exit code.

import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { BrokerProcess } from './broker-process.ts'
import { FaultFolder } from './folder.ts'
import { createTopic } from './load.ts'

jest.setTimeout(60_000)

let folder: FaultFolder

beforeEach(async () => {
  folder = await FaultFolder.create()
})

afterEach(async () => {
  await folder.remove()
})

/** Exit code and the lines on standard error that are not log. */
async function end(broker: BrokerProcess): Promise<{ code: number | null; lines: string[] }> {
  const child = await broker.spawn()
  for (let patience = 400; child.running() && patience > 0; patience--) await sleep(50)
  if (child.running()) throw new Error('the broker did not end')
  const code = await child.stop()
  const lines = child.output().split('\n')
  return { code, lines: lines.filter(line => line !== '' && !line.startsWith('{')) }
}

test('a second broker on the same folder: 1, KAFSCALE_DATA_DIR; the first one serves on', async () => {
  const first = await folder.broker()
  await first.start()
  const { code, lines } = await end(await folder.broker())
  expect([code, lines]).toEqual([1, [expect.stringMatching(/^kafscale-broker: KAFSCALE_DATA_DIR: .* is in use/)]])
  await createTopic(first.port, 'still-there', 1)
  expect(await first.stop()).toBe(0)
})

test('a folder whose broker was killed is free at once', async () => {
  const first = await folder.broker()
  await first.start()
  await first.kill()
  const second = await folder.broker()
  await second.start()
  expect(await second.stop()).toBe(0)
})

test.each([
  [{ KAFSCALE_BROKER_ADDR: 'nonsense' }, /^kafscale-broker: KAFSCALE_BROKER_ADDR /],
  [{ KAFSCALE_DATA_DIR: '' }, /^kafscale-broker: KAFSCALE_DATA_DIR .*required/],
  [{ KAFSCALE_UPLOAD_SLOTS: 'two' }, /^kafscale-broker: KAFSCALE_UPLOAD_SLOTS /],
  [{ KAFSCALE_LOG_LEVEL: 'loud' }, /^kafscale-broker: KAFSCALE_LOG_LEVEL /],
  [{ KAFSCALE_CONFIG_FILE: '/none/such.yaml' }, /^kafscale-broker: KAFSCALE_CONFIG_FILE: /],
])('wrong settings %j: 2 and one line', async (settings, line) => {
  const { code, lines } = await end(await folder.broker(settings))
  expect([code, lines]).toEqual([2, [expect.stringMatching(line)]])
})

test('an unknown key in the file: 2 and the key', async () => {
  const file = join(folder.path, 'broker.yaml')
  await writeFile(file, 'uploadSlot: 3\n')
  const { code, lines } = await end(await folder.broker({ KAFSCALE_CONFIG_FILE: file }))
  expect([code, lines]).toEqual([2, ['kafscale-broker: uploadSlot: there is no such setting']])
})

test.each(['KAFSCALE_BROKER_ADDR', 'KAFSCALE_METRICS_ADDR'])('a taken port: 1, %s', async name => {
  const { server, port } = await listen()
  const { code, lines } = await end(await folder.broker({ [name]: `127.0.0.1:${port}` }))
  await new Promise(resolve => server.close(resolve))
  expect(code).toBe(1)
  expect(lines).toEqual([
    `kafscale-broker: ${name}: cannot listen on 127.0.0.1:${port}: the port is taken by another process`,
  ])
})

test('data that are no folder: 1, KAFSCALE_DATA_DIR', async () => {
  await writeFile(join(folder.path, 'file'), '')
  const { code, lines } = await end(await folder.broker({}, join(folder.path, 'file')))
  expect([code, lines]).toEqual([1, [expect.stringMatching(/^kafscale-broker: KAFSCALE_DATA_DIR: /)]])
})

test('a ledger whose checkpoint is damaged: 1, and nothing is made up', async () => {
  const ledger = join(folder.path, 'data', 'ledger')
  await mkdir(ledger, { recursive: true })
  await writeFile(join(ledger, 'checkpoint'), 'not a checkpoint')
  const { code, lines } = await end(await folder.broker())
  expect([code, lines]).toEqual([1, [expect.stringMatching(/^kafscale-broker: KAFSCALE_DATA_DIR: /)]])
})

function listen(): Promise<{ server: Server; port: number }> {
  return new Promise(resolve => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ server, port: typeof address === 'object' && address !== null ? address.port : 0 })
    })
  })
}
