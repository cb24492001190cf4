// The console's server with a real broker, asked as a browser asks; what only a browser shows is in e2e/console.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Kafka, logLevel } from 'kafkajs'
import { systemClock } from '../broker/clock.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { type Asked, askPage } from '../testing/asked-page.ts'
import { FolderBroker } from '../testing/folder-broker.ts'
import { SmallClient } from '../testing/small-client.ts'
import { ConsoleServer } from './server.ts'

let broker: FolderBroker
let console: ConsoleServer

const ask = (path: string, asked: Asked = {}, port = console.port) => askPage(port, path, asked)

const start = (changes: { readonly allowsChanges?: boolean; readonly brokerPort?: number } = {}) =>
  ConsoleServer.open({
    listen: { host: '127.0.0.1', port: 0 },
    hostNames: ['console.example'],
    brokers: { bootstrap: [{ host: '127.0.0.1', port: changes.brokerPort ?? broker.port }], timeoutMs: 5000 },
    mechanism: undefined,
    metrics: [],
    scaledCluster: undefined,
    allowsChanges: changes.allowsChanges ?? false,
    clock: systemClock,
    log: createLogger('silent'),
  })

beforeAll(async () => {
  broker = await FolderBroker.start()
  console = await start()
  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }, { topic: 'empty' }] })
  const producer = kafka.producer()
  await producer.connect()
  for (const [partition, from] of [
    [0, 1000],
    [1, 2000],
  ] as const) {
    const messages = Array.from({ length: 30 }, (_, n) => ({
      key: `key-${partition}-${n}`,
      value: n === 0 ? '<img src=x onerror=alert(1)>' : JSON.stringify({ n }),
      headers: { trace: `t${n}` },
      timestamp: String(from + n),
      partition,
    }))
    await producer.send({ topic: 'orders', messages })
  }
  await admin.setOffsets({ groupId: 'idle', topic: 'orders', partitions: [{ partition: 0, offset: '10' }] })
  await Promise.all([producer.disconnect(), admin.disconnect()])
})

afterAll(async () => {
  await console.close()
  await broker.stop()
})

const offsetsOn = (page: string): string[] =>
  [...page.matchAll(/<td class="number">(\d+)<\/td><td class="number">(\d+)<\/td><td><time>/g)].map(
    ([, partition, offset]) => `${partition}:${offset}`,
  )

describe('records', () => {
  const page = async (query: string) => (await ask(`/topics/orders/records?${query}`)).text

  test('the newest come first, from all partitions', async () => {
    expect(offsetsOn(await page('')).slice(0, 3)).toEqual(['1:29', '1:28', '1:27'])
  })

  test('the oldest, of one partition, from an offset, from a time', async () => {
    expect(offsetsOn(await page('from=oldest')).slice(0, 2)).toEqual(['0:0', '0:1'])
    expect(offsetsOn(await page('from=oldest&partition=1')).slice(0, 2)).toEqual(['1:0', '1:1'])
    expect(offsetsOn(await page('from=offset&offset=25&partition=0'))).toEqual(['0:25', '0:26', '0:27', '0:28', '0:29'])
    expect(offsetsOn(await page('from=time&time=2028'))).toEqual(['1:28', '1:29'])
    expect(offsetsOn(await page('from=time&time=1970-01-01T00:00:01.028&partition=0'))).toEqual(['0:28', '0:29'])
  })

  test('as many as asked for and no more', async () => {
    expect([offsetsOn(await page('count=50')).length, offsetsOn(await page('count=7')).length]).toEqual([50, 20])
  })

  test('what a record holds stays text', async () => {
    const text = await page('from=oldest')
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(text).not.toContain('<img')
  })

  test.each([
    ['partition=9', 'no partition 9'],
    ['from=offset&offset=-1', 'whole number'],
    ['from=time&time=yesterday', 'The time must be'],
    ['from=time&time=9999999999999999', 'The time must be'],
  ])('%s is refused with a sentence', async (query, sentence) => {
    expect(await page(query)).toContain(sentence)
  })

  test('an empty topic says so', async () => {
    expect((await ask('/topics/empty/records')).text).toContain('There are no records there.')
  })
})

describe('groups', () => {
  test('lag is what is not committed', async () => {
    expect((await ask('/groups')).text).toMatch(
      /idle<\/a>.*Empty.*<td class="number">1<\/td><td class="number">20<\/td>/,
    )
  })

  test('nothing is changed by a console that may not', async () => {
    expect((await ask('/group?name=idle')).text).not.toContain('Reset')
    const { status, text } = await ask('/group/reset?name=idle', { form: { topic: 'orders', to: 'earliest' } })
    expect([status, text.includes('--allow-changes')]).toEqual([403, true])
  })

  test('a group is put elsewhere by one that may', async () => {
    const changing = await start({ allowsChanges: true })
    try {
      const reset = (form: Readonly<Record<string, string>>, group = 'idle') =>
        ask(`/group/reset?name=${group}`, { form }, changing.port)
      const lag = async () => /Lag<\/dt><dd>([\d,]+)/.exec((await ask('/group?name=idle', {}, changing.port)).text)?.[1]
      const done = await reset({ topic: 'orders', to: 'earliest' })
      expect([done.status, done.headers.location]).toEqual([303, '/group?name=idle&reset=orders'])
      expect(await lag()).toBe('30')
      await reset({ topic: 'orders', to: 'time', time: '1025' })
      expect(await lag()).toBe('5')
      await reset({ topic: 'orders', to: 'latest' })
      expect(await lag()).toBe('0')
      expect((await reset({ topic: 'orders', to: 'nowhere' })).status).toBe(400)
      expect((await reset({ topic: 'other', to: 'latest' })).status).toBe(404)
      expect((await reset({ topic: 'orders', to: 'latest' }, 'nobody')).status).toBe(404)
    } finally {
      await changing.close()
    }
  })
})

describe('every name that Kafka allows leads to its page', () => {
  const GROUPS = [
    '.',
    '..',
    'a/b',
    '../etc',
    '%',
    '%2e',
    'a b',
    ' ',
    'grüße ☂ 漢',
    '?x=1&y=2#z',
    '"><b>',
    'a+b',
    'a\nb',
    "'\\",
  ]
  const TOPICS = ['...', '_', '-', 'A.b_c-D', 'records', 'x'.repeat(249)]
  /** Links of the first cells of a page, as a browser would ask for them. */
  const links = async (path: string): Promise<string[]> => {
    const { text } = await ask(path)
    const unescaped = (href: string): string =>
      href.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&lt;', '<')
    return [...text.matchAll(/<tr><td><a href="([^"]*)"/g)].map(([, href = '']) => {
      const { pathname, search } = new URL(unescaped(href), 'http://console')
      return pathname + search
    })
  }

  beforeAll(async () => {
    const client = await SmallClient.open(broker.port)
    for (const name of TOPICS) await client.admin.execute([{ kind: 'create', name, partitions: 1, config: {} }])
    for (const group of GROUPS) await client.commit(group, 'orders', 0, 10)
    client.close()
    await systemPause()
  })

  test('of groups, and they can be reset', async () => {
    const found = await links('/groups')
    const names = found.map(path => new URL(path, 'http://console').searchParams.get('name'))
    expect(names.toSorted()).toEqual([...GROUPS, 'idle'].toSorted())
    for (const path of found) {
      const { status, text } = await ask(path)
      expect([path, status, text.includes('topics/orders')]).toEqual([path, 200, true])
    }
    const changing = await start({ allowsChanges: true })
    try {
      for (const name of GROUPS) {
        const page = await ask(`/group?name=${encodeURIComponent(name)}`, {}, changing.port)
        const [, action = ''] = /action="(\/group\/reset[^"]*)"/.exec(page.text) ?? []
        const form = { topic: 'orders', to: 'latest' }
        const { pathname, search } = new URL(action.replaceAll('&#39;', "'"), 'http://console')
        const { status, headers } = await ask(pathname + search, { form }, changing.port)
        expect([name, status]).toEqual([name, 303])
        expect((await ask(String(headers.location), {}, changing.port)).text).toMatch(/Lag<\/dt><dd>0</)
      }
    } finally {
      await changing.close()
    }
  })

  test('of topics, and of their records', async () => {
    const found = await links('/topics')
    expect(found).toHaveLength(TOPICS.length + 2)
    for (const path of found) {
      expect([path, (await ask(path)).status, (await ask(`${path}/records`)).status]).toEqual([path, 200, 200])
    }
  })
})

/** What was shown a moment ago is shown again. */
const systemPause = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 2100))

describe('turned away', () => {
  test.each([
    ['a host name that it was not told of', '/', { headers: { host: 'evil.example' } }, 421],
    ['a form of another site', '/group/reset?name=idle', { form: {}, headers: { origin: 'http://evil.example' } }, 403],
    ['a form of nobody', '/group/reset?name=idle', { form: {}, headers: { origin: 'null' } }, 403],
    ['another method', '/', { method: 'DELETE' }, 405],
    ['what is no form', '/group/reset?name=idle', { form: {}, headers: { 'content-type': 'application/json' } }, 415],
    ['a page that there is not', '/nothing', {}, 404],
    ['a topic that there is not', '/topics/none', {}, 404],
    ['a group that there is not', '/group?name=none', {}, 404],
    ['an address that is not encoded', '/topics/%ff', {}, 400],
    ['a form for no group', '/group/reset', { form: {} }, 404],
    ['what is below a page', '/topics/orders/records/more', {}, 404],
    ['an address that is none', '//', {}, 400],
    ['a form that is too large', '/group/reset?name=idle', { form: { topic: 'x'.repeat(20_000) } }, 413],
  ] as const)('%s', async (_, path, asked, status) => {
    expect((await ask(path, asked)).status).toBe(status)
  })

  test('names that it was told of are answered', async () => {
    expect((await ask('/', { headers: { host: 'console.example' } })).status).toBe(200)
  })
})

test('every answer forbids what no page of ours needs', async () => {
  const { headers } = await ask('/')
  expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
  expect([headers['x-frame-options'], headers['x-content-type-options'], headers['cache-control']]).toEqual([
    'DENY',
    'nosniff',
    'no-store',
  ])
})

test('a broker that cannot be reached gives a page that says so', async () => {
  const lonely = await start({ brokerPort: 1 })
  try {
    const { status, text } = await ask('/', {}, lonely.port)
    expect([status, text.includes('No broker answers')]).toEqual([503, true])
  } finally {
    await lonely.close()
  }
})
