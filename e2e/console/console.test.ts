// The web console as a person uses it: in Chromium, on brokers with and without authentication, with a Kafka client at work.

import { readFile } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } from 'kafkajs'
import type { Browser, Page } from 'playwright-core'
import { systemClock } from '../../broker/clock.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { type ConsoleOptions, ConsoleServer } from '../../console/server.ts'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { SmallClient } from '../../testing/small-client.ts'
import { Secured } from '../security/secured.ts'
import { suiteWith } from '../suite.ts'
import { chromiumProgram, openTab, startBrowser } from './browser.ts'

jest.setTimeout(120_000)

const open = (options: Pick<ConsoleOptions, 'brokers'> & Partial<ConsoleOptions>) =>
  ConsoleServer.open({
    listen: { host: '127.0.0.1', port: 0 },
    hostNames: [],
    mechanism: undefined,
    metrics: [],
    scaledCluster: undefined,
    allowsChanges: false,
    clock: systemClock,
    log: createLogger('silent'),
    ...options,
  })

const addressOf = (text: string) => {
  const [host = '', port = ''] = text.split(':')
  return { host, port: Number(port) }
}

const firstCells = (page: Page): Promise<string[]> =>
  page.locator('main tbody tr:visible td:first-child').allInnerTexts()

await suiteWith('console', chromiumProgram(), chromium => {
  let browser: Browser

  beforeAll(async () => {
    browser = await startBrowser(chromium)
  })
  afterAll(() => browser?.close())

  describe('on a broker without authentication', () => {
    let broker: FolderBroker
    let server: ConsoleServer
    let kafka: Kafka
    let url: string

    beforeAll(async () => {
      broker = await FolderBroker.start()
      server = await open({
        brokers: { bootstrap: [{ host: '127.0.0.1', port: broker.port }], timeoutMs: 10_000 },
        metrics: [{ host: '127.0.0.1', port: broker.metricsPort }],
        allowsChanges: true,
      })
      url = `http://127.0.0.1:${server.port}`
      kafka = new Kafka({ clientId: 'shop', brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING })
      await produce('orders', [
        { key: 'one', value: '{"item":"<b>cup</b>","price":3}', headers: { source: 'web' } },
        { key: '<script>document.title="owned"</script>', value: '<img src=x onerror="document.title=\'owned\'">' },
      ])
      await produce('payments', [{ key: 'p', value: 'paid' }])
    })

    afterAll(async () => {
      await server?.close()
      await broker?.stop()
    })

    async function produce(
      topic: string,
      messages: { key: string; value: string; headers?: Record<string, string> }[],
    ): Promise<void> {
      const producer = kafka.producer()
      await producer.connect()
      await producer.send({ topic, messages })
      await producer.disconnect()
    }

    test('every page opens without a complaint of the browser, in light and in dark', async () => {
      const grounds: string[] = []
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page, complaints } = await openTab(browser, { colorScheme })
        for (const path of [
          '/',
          '/topics',
          '/topics/orders',
          '/topics/orders/records',
          '/groups',
          '/cost',
          '/scaling',
        ]) {
          await page.goto(url + path)
          await page.locator('h1').waitFor()
        }
        expect(complaints).toEqual([])
        grounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor').then(String))
        await page.close()
      }
      expect(grounds[0]).not.toBe(grounds[1])
    })

    test('what a client does shows without a reload', async () => {
      const { page } = await openTab(browser)
      await page.goto(`${url}/topics`)
      const records = page.locator('tr', { hasText: 'payments' }).locator('td').nth(2)
      expect(await records.innerText()).toBe('1')
      await produce('payments', [{ key: 'p', value: 'paid again' }])
      await records.filter({ hasText: '2' }).waitFor()
      await page.goto(url)
      await page.locator('figure', { hasText: 'Records in' }).waitFor()
      await page.close()
    })

    test('records show key, value and headers, and never become markup', async () => {
      const { page, complaints } = await openTab(browser)
      await page.goto(`${url}/topics/orders/records`)
      await page.getByLabel('From').selectOption('offset')
      await page.getByRole('textbox', { name: 'Offset' }).fill('0')
      await page.getByRole('button', { name: 'Show' }).click()
      const row = page.locator('tbody tr').first()
      await row.locator('summary').click()
      expect(await row.locator('pre').innerText()).toBe('{\n  "item": "<b>cup</b>",\n  "price": 3\n}')
      expect(await row.innerText()).toContain('source')
      expect(await page.title()).toContain('Records of orders')
      expect(await page.locator('main img, main script').count()).toBe(0)
      expect(complaints).toEqual([])
      await page.close()
    })

    test('the keyboard leads everywhere', async () => {
      const { page } = await openTab(browser)
      await page.goto(url)
      await page.keyboard.press('g')
      await page.keyboard.press('t')
      await page.waitForURL(`${url}/topics`)
      await page.keyboard.press('/')
      await page.keyboard.type('pay')
      expect(await firstCells(page)).toEqual(['payments'])
      await page.keyboard.press('Escape')
      expect(await firstCells(page)).toEqual(['orders', 'payments'])
      await page.keyboard.press('j')
      await page.keyboard.press('j')
      await page.keyboard.press('Enter')
      await page.waitForURL(`${url}/topics/payments`)
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
      await page.close()
    })

    test('a group may be called anything, and a click leads to it', async () => {
      const client = await SmallClient.open(broker.port)
      for (const group of ['..', 'a/b?c#d']) await client.commit(group, 'orders', 0, 1)
      client.close()
      const { page, complaints } = await openTab(browser)
      for (const group of ['..', 'a/b?c#d']) {
        await page.goto(`${url}/groups`)
        await page.getByRole('link', { name: group, exact: true }).click()
        expect(await page.locator('h1').innerText()).toBe(group)
        expect(await page.locator('main').innerText()).toMatch(/orders\s+0\s+1\s+2\s+1/)
      }
      expect(complaints).toEqual([])
      await page.close()
    })

    test('a page that gets no answer any more says so, until there is one again', async () => {
      const { page } = await openTab(browser)
      await page.goto(`${url}/topics`)
      const notice = page.getByText('No answer: what is shown is from before.')
      expect(await notice.isVisible()).toBe(false)
      await page.context().setOffline(true)
      await notice.waitFor()
      await page.context().setOffline(false)
      await notice.waitFor({ state: 'hidden' })
      await page.close()
    })

    test('nothing is wider than a telephone, and records stand one below the other there', async () => {
      const { page } = await openTab(browser, { viewport: { width: 390, height: 800 } })
      for (const path of ['/', '/topics', '/topics/orders', '/topics/orders/records', '/groups', '/cost', '/scaling']) {
        await page.goto(url + path)
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth').then(Number)
        expect([path, over]).toEqual([path, 0])
      }
      await page.goto(`${url}/topics/orders/records`)
      const [time, value] = [
        page.locator('tbody td:nth-child(3)').first(),
        page.locator('tbody td:nth-child(5)').first(),
      ]
      expect((await value.boundingBox())?.y ?? 0).toBeGreaterThan((await time.boundingBox())?.y ?? 0)
      await page.close()
    })

    test('a group shows its members and its lag, and is reset when nobody is in it', async () => {
      const { page } = await openTab(browser)
      const consumer = kafka.consumer({ groupId: 'shipping' })
      await consumer.connect()
      await consumer.subscribe({ topic: 'orders', fromBeginning: true })
      const seen = Promise.withResolvers<void>()
      await consumer.run({ eachMessage: async ({ message }) => void (message.offset === '1' && seen.resolve()) })
      await seen.promise
      await consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: '2' }])
      await page.goto(`${url}/group?name=shipping`)
      expect(await page.locator('main').innerText()).toMatch(/Stable[\s\S]*orders\s+0\s+2\s+2\s+0\s+shop/)
      expect(await page.getByRole('button', { name: 'Reset' }).count()).toBe(0)
      await consumer.disconnect()
      await page.reload()
      page.on('dialog', dialog => void dialog.accept())
      await page.getByRole('button', { name: 'Reset' }).click()
      await page.getByText('orders was put elsewhere.').waitFor()
      expect(await page.locator('main').innerText()).toMatch(/orders\s+0\s+0\s+2\s+2/)
      await page.close()
    })
  })

  describe('on a broker with TLS, users and ACLs', () => {
    let secured: Secured
    let log = ''
    let server: ConsoleServer
    let url: string

    beforeAll(async () => {
      secured = await Secured.start({
        KAFSCALE_AUTHORIZER: 'acl',
        KAFSCALE_SUPER_USERS: 'User:ANONYMOUS;User:admin',
      })
      const kafka = new Kafka({ brokers: [secured.addresses.PLAINTEXT], logLevel: logLevel.NOTHING })
      const admin = kafka.admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic: 'open' }, { topic: 'secret' }] })
      const acl = {
        resourceType: AclResourceTypes.TOPIC,
        resourceName: 'open',
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: 'User:alice',
        host: '*',
        operation: AclOperationTypes.DESCRIBE,
        permissionType: AclPermissionTypes.ALLOW,
      }
      await admin.createAcls({ acl: [acl] })
      const producer = kafka.producer()
      await producer.connect()
      await producer.send({ topic: 'open', messages: [{ value: 'not for everybody' }] })
      await Promise.all([producer.disconnect(), admin.disconnect()])
      const ca = await readFile(secured.authority.cert)
      server = await open({
        brokers: {
          bootstrap: [addressOf(secured.addresses.SASL_SSL)],
          timeoutMs: 10_000,
          tls: () => ({ ca }),
        },
        mechanism: 'PLAIN',
        log: createLogger(
          'trace',
          new Writable({
            write: (chunk, _, done) => {
              log += String(chunk)
              done()
            },
          }),
        ),
      })
      url = `http://127.0.0.1:${server.port}`
    })

    afterAll(async () => {
      await server?.close()
      await secured?.stop()
    })

    async function signIn(page: Page, user: string, password: string): Promise<void> {
      await page.getByLabel('User').fill(user)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in' }).click()
    }

    test('strangers see nothing, and a wrong password is told of as the broker tells', async () => {
      const { page } = await openTab(browser)
      await page.goto(`${url}/topics`)
      expect(page.url()).toBe(`${url}/sign-in?next=%2Ftopics`)
      await signIn(page, 'alice', 'guessed-by-me')
      await page.getByRole('alert').waitFor()
      expect(await page.getByRole('alert').innerText()).toBe('Authentication failed: Invalid username or password')
      expect([page.url(), await page.content()].join()).not.toContain('guessed-by-me')
      await page.goto(`${url}/groups`)
      expect(page.url()).toContain('/sign-in')
      await page.close()
    })

    test('users see what their ACLs show, until they sign out', async () => {
      const { page } = await openTab(browser)
      await page.goto(`${url}/topics`)
      await signIn(page, 'alice', 'alice-secret')
      await page.waitForURL(`${url}/topics`)
      expect(await firstCells(page)).toEqual(['open'])
      const answer = await page.goto(`${url}/topics/secret`)
      expect([answer?.status(), (await page.locator('main').innerText()).includes('AUTHORIZATION_FAILED')]).toEqual([
        403,
        true,
      ])
      await page.goto(`${url}/topics/open/records`)
      expect(await page.getByRole('alert').innerText()).toContain('TOPIC_AUTHORIZATION_FAILED')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.goto(`${url}/topics`)
      expect(page.url()).toContain('/sign-in')
      await signIn(page, 'admin', 'admin-secret')
      await page.waitForURL(`${url}/topics`)
      expect(await firstCells(page)).toEqual(['open', 'secret'])
      await page.close()
    })

    test('who signed in, and who was refused, is in the log, and no password is', () => {
      expect(log).toMatch(/"audit":"sign-in","user":"alice".*"outcome":"refused"/)
      expect(log).toMatch(/"audit":"sign-in","user":"admin".*"outcome":"accepted"/)
      for (const secret of ['alice-secret', 'admin-secret', 'guessed-by-me']) expect(log).not.toContain(secret)
    })

    test('signing in leads to no other site', async () => {
      for (const next of ['//evil.example/', '/.//evil.example/', 'http://console//evil.example/']) {
        const { page } = await openTab(browser)
        await page.goto(`${url}/sign-in?next=${encodeURIComponent(next)}`)
        await signIn(page, 'alice', 'alice-secret')
        await page.waitForURL(`${url}/`)
        await page.close()
      }
    })
  })
})
