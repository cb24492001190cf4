import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Registry } from 'prom-client'
import { HealthServer } from './health.ts'

let wrong: string[]
let server: HealthServer
let port: number

const page = (path: string): object | undefined => (path === '/pages/a b' ? { a: 1 } : undefined)

beforeEach(async () => {
  wrong = []
  const registry = new Registry()
  server = new HealthServer({ host: '127.0.0.1', port: 0, live: () => [], ready: () => wrong, registry, page })
  port = await server.listen()
})

afterEach(async () => server.close())

const get = async (path: string): Promise<[number, string]> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return [response.status, await response.text()]
}

test('readiness says what is missing', async () => {
  expect(await get('/readyz')).toEqual([200, 'ok\n'])
  wrong = ['the cache of pods is not filled']
  expect(await get('/readyz')).toEqual([503, 'the cache of pods is not filled\n'])
  expect(await get('/healthz')).toEqual([200, 'ok\n'])
})

test('metrics are there, and nothing else is', async () => {
  expect((await get('/metrics'))[0]).toBe(200)
  expect((await get('/'))[0]).toBe(404)
})

test('pages of the one who made it are JSON; a path that cannot be read names none', async () => {
  expect(await get('/pages/a%20b?x=1')).toEqual([200, '{"a":1}'])
  expect((await get('/pages/%E0%A4%A'))[0]).toBe(404)
})
