// Against a real broker in this process.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Broker } from '../../broker/broker.ts'
import { BrokerUnreachable } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { loadSettings } from '../../broker/load-settings.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { SmallClient } from '../../testing/small-client.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { readLag } from '../signals/lag-reader.ts'
import { FigureLooks } from './figure-looks.ts'
import { type PositionReader, readFigures } from './figure-reader.ts'

let folder: string
let broker: Broker
let client: SmallClient

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-figures-'))
  const settings = loadSettings({
    KAFSCALE_DATA_DIR: folder,
    KAFSCALE_BROKER_ADDR: '127.0.0.1:0',
    KAFSCALE_METRICS_ADDR: '127.0.0.1:0',
  })
  broker = await Broker.start({ settings, log: createLogger('silent'), onLost: () => {} })
  client = await SmallClient.open(broker.port)
  await client.create('orders', 3)
  await client.create('empty', 2)
  await client.produce('orders', 0, 10)
  await client.produce('orders', 2, 7)
  await client.commit('billing', 'orders', 0, 4)
  await client.commit('billing', 'orders', 2, 7)
  await client.commit('audit', 'orders', 0, 0)
})

afterAll(async () => {
  client.close()
  await broker.stop()
  await rm(folder, { recursive: true })
})

const address = () => ({ host: '127.0.0.1', port: broker.port })
const readPositions: PositionReader = (to, timeoutMs, signal) =>
  readLag({ ...to, clock: systemClock, timeoutMs, signal })
const noPositions: PositionReader = () => Promise.reject(new BrokerUnreachable('away'))
const { signal } = new AbortController()
const options = () => ({ address: address(), clock: systemClock, timeoutMs: 10_000, readPositions, signal })
const asked = async (...names: string[]) => [...(await client.admin.describe(names)).values()]

test('bytes, offsets and groups of every topic', async () => {
  const [orders, empty] = await asked('orders', 'empty')
  const found = await readFigures(options(), await asked('orders', 'empty'))
  expect(found.get(orders?.id ?? '')).toEqual({
    bytes: expect.any(Number),
    offsets: { earliest: 0, latest: 17 },
    groups: [
      { group: 'audit', lag: 10, state: 'Empty' },
      { group: 'billing', lag: 6, state: 'Empty' },
    ],
    lacksGroups: false,
  })
  expect(found.get(orders?.id ?? '')?.bytes).toBeGreaterThan(100)
  expect(found.get(empty?.id ?? '')).toEqual({
    bytes: 0,
    offsets: { earliest: 0, latest: 0 },
    groups: [],
    lacksGroups: false,
  })
})

test('more partitions than one question may name', async () => {
  await client.create('wide', 2500)
  await client.produce('wide', 0, 3)
  await client.produce('wide', 2499, 4)
  const topics = await asked('wide', 'orders')
  const found = await readFigures(options(), topics)
  expect(topics.map(({ id }) => found.get(id)?.offsets?.latest).sort()).toEqual([17, 7])
})

test('a topic of which a partition is not answered has no figure, rather than a smaller one', async () => {
  const topics = (await asked('orders')).map(topic => ({ ...topic, partitions: 4 }))
  const [figures] = (await readFigures(options(), topics)).values()
  expect(figures).toMatchObject({ bytes: undefined, offsets: undefined, groups: [{}, {}] })
})

test('brokers that are away leave everything open', async () => {
  const away = { ...options(), address: { host: '127.0.0.1', port: 1 }, readPositions: noPositions }
  const [figures] = (await readFigures(away, await asked('orders'))).values()
  expect(figures).toEqual({ bytes: undefined, offsets: undefined, groups: undefined, lacksGroups: true })
})

test('topics are looked at once in a while, however often they are reconciled', async () => {
  const time = new VirtualClock(0)
  let reads = 0
  const looks = new FigureLooks({
    clock: { ...systemClock, monotonic: () => time.monotonic() },
    readPositions: (...question) => {
      reads++
      return readPositions(...question)
    },
    everyMs: 60_000,
  })
  const topics = await asked('orders')
  const id = topics[0]?.id ?? ''
  expect(looks.of('shop/orders', id)).toBeUndefined()
  expect(await looks.look('shop/orders', address(), topics, signal)).toBe(60_000)
  expect(looks.of('shop/orders', id)).toMatchObject({ before: undefined, isExact: true })
  await time.advance(20_000)
  expect(await looks.look('shop/orders', address(), topics, signal)).toBe(40_000)
  expect(reads).toBe(1)
  await time.advance(40_000)
  await looks.look('shop/orders', address(), topics, signal)
  expect(reads).toBe(2)
  expect(looks.of('shop/orders', id)).toMatchObject({ before: { bytes: expect.any(Number) }, isExact: false })
  looks.forget('shop/orders')
  expect(looks.of('shop/orders', id)).toBeUndefined()
})

test('a topic that is new is looked at soon, by itself, and the others keep their time', async () => {
  const time = new VirtualClock(0)
  const asks: number[] = []
  const looks = new FigureLooks({
    clock: { ...systemClock, monotonic: () => time.monotonic() },
    readPositions: (...question) => {
      asks.push(time.monotonic())
      return readPositions(...question)
    },
    everyMs: 60_000,
  })
  const orders = await asked('orders')
  const both = await asked('orders', 'empty')
  const [first, second] = ['orders', 'empty'].map(name => both.find(topic => topic.name === name)?.id ?? '')
  await looks.look('shop/orders', address(), orders, signal)
  await time.advance(500)
  // Not at once, for topics come by the thousand.
  expect(await looks.look('shop/orders', address(), both, signal)).toBe(1500)
  expect(looks.of('shop/orders', second ?? '')).toBeUndefined()
  await time.advance(1500)
  expect(await looks.look('shop/orders', address(), both, signal)).toBe(58_000)
  expect(looks.of('shop/orders', second ?? '')?.now).toMatchObject({ bytes: 0 })
  expect(looks.of('shop/orders', first ?? '')).toMatchObject({ before: undefined, isExact: true })
  await time.advance(30_000)
  expect(await looks.look('shop/orders', address(), both, signal)).toBe(28_000)
  expect(asks).toEqual([0, 2000])
})

test('a first look that is not answered wholly is repeated once before the time of all', async () => {
  const time = new VirtualClock(0)
  let answers = 0
  const looks = new FigureLooks({
    clock: { ...systemClock, monotonic: () => time.monotonic() },
    readPositions: (...question) => (answers++ === 0 ? noPositions(...question) : readPositions(...question)),
    everyMs: 60_000,
  })
  const topics = await asked('orders')
  expect(await looks.look('shop/orders', address(), topics, signal)).toBe(2000)
  await time.advance(2000)
  expect(await looks.look('shop/orders', address(), topics, signal)).toBe(58_000)
  expect(looks.of('shop/orders', topics[0]?.id ?? '')?.now.groups).toHaveLength(2)
})
