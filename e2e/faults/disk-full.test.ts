// A full disk: writing is refused with a retriable error, reading goes on, and space that comes back is used again.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { errorCode, isRetriable } from '../../broker/wire/errors.ts'
import { suiteWith } from '../suite.ts'
import type { BrokerProcess } from './broker-process.ts'
import { FaultFolder } from './folder.ts'
import { createTopic, missing, Producer, produceOnce, readAll } from './load.ts'
import { SmallDisk } from './small-disk.ts'
import { WireClient } from './wire-client.ts'

jest.setTimeout(120_000)

await suiteWith('a full disk', SmallDisk.mount(64 * 1024 * 1024), disk => {
  let folder: FaultFolder
  let broker: BrokerProcess
  let rounds = 0

  beforeEach(async () => {
    folder = await FaultFolder.create()
    broker = await folder.broker({ KAFSCALE_CHECKPOINT_INTERVAL_MS: '500' }, await disk.folder(`data-${rounds++}`))
    await broker.start()
    await createTopic(broker.port, 't', 2)
  })

  afterEach(async () => {
    await folder.remove()
    await disk.free()
  })

  afterAll(() => disk.unmount())

  const place = (partition: number) => ({ topic: 't', partition })
  const produce = async (values: readonly string[]) => {
    const client = await WireClient.open(broker.port)
    const { code } = await produceOnce(client, { ...place(0), values })
    client.close()
    return code
  }
  const values = Array.from({ length: 20 }, (_, n) => `before ${n}`)

  test('refuses records with a retriable error, serves readers, and takes records again once there is room', async () => {
    expect(await produce(values)).toBe(errorCode.NONE)
    await disk.fill()
    const refused: number[] = []
    for (let n = 0; n < 5; n++) refused.push(await produce(['y'.repeat(300_000)]))
    expect(refused.filter(code => !isRetriable(code))).toEqual([])
    expect(broker.child.running()).toBe(true)
    expect(await readAll(broker.port, place(0))).toEqual(values)
    // Checkpoints and upkeep meet the full disk too.
    await sleep(1500)
    expect(broker.child.running()).toBe(true)
    await disk.free()
    expect(await produce(['after'])).toBe(errorCode.NONE)
    expect(await readAll(broker.port, place(0))).toEqual([...values, 'after'])
    expect(await broker.stop()).toBe(0)
  })

  test('loses nothing that was acknowledged on the way there and back, even when it is killed meanwhile', async () => {
    const producers = await Promise.all([0, 1].map(partition => Producer.start(broker.port, place(partition), 200)))
    const waitForRetries = async (): Promise<void> => {
      const before = producers.map(({ retries }) => retries)
      while (producers.some(({ retries }, index) => retries < (before[index] ?? 0) + 5)) await sleep(20)
    }
    await sleep(300)
    await disk.fill()
    await waitForRetries()
    await disk.free()
    await sleep(300)
    await disk.fill()
    await waitForRetries()
    await broker.kill()
    await disk.free()
    await broker.start()
    await sleep(300)
    for (const producer of producers) await producer.stop()
    for (const producer of producers) expect(await missing(producer, broker.port)).toEqual([])
    expect(producers.every(({ acknowledged }) => acknowledged.length > 0)).toBe(true)
    expect(await broker.stop()).toBe(0)
  })

  test('either starts and serves readers, or says in one line that it cannot use the folder', async () => {
    expect(await produce(values)).toBe(errorCode.NONE)
    await broker.kill()
    await disk.fill()
    const child = await broker.spawn()
    for (let patience = 100; child.running() && patience > 0; patience--) await sleep(50)
    if (child.running()) expect(await readAll(broker.port, place(0))).toEqual(values)
    else {
      expect(await child.stop()).toBe(1)
      const last = child.output().trimEnd().split('\n').at(-1)
      expect(last).toMatch(/^kafscale-broker: KAFSCALE_DATA_DIR: /)
    }
    await broker.kill()
    await disk.free()
    await broker.start()
    expect(await readAll(broker.port, place(0))).toEqual(values)
    expect(await broker.stop()).toBe(0)
  })
})
