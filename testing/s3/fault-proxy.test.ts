import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { S3FaultProxy } from './fault-proxy.ts'

let server: Server
let proxy: S3FaultProxy
let served: string[]

beforeEach(async () => {
  served = []
  server = createServer((incoming, answer) => {
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    incoming.on('end', () => {
      served.push(`${incoming.method} ${incoming.url} ${bytes} ${incoming.headers.host}`)
      const body = Buffer.alloc(100_000, 'x')
      answer.writeHead(200, { 'content-length': body.length }).end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  proxy = await S3FaultProxy.start(`http://127.0.0.1:${address.port}`, () => 0.5)
})

afterEach(async () => {
  await proxy.stop()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const send = (method: string, path: string, options: RequestInit = {}): Promise<Response> =>
  fetch(`${proxy.endpoint}${path}`, { method, ...options })

describe('the fault proxy', () => {
  test('passes requests and answers through, the Host header unchanged', async () => {
    const answer = await send('PUT', '/b/k?x=1', { body: 'y'.repeat(300_000) })
    expect((await answer.arrayBuffer()).byteLength).toBe(100_000)
    expect(served).toEqual([`PUT /b/k?x=1 300000 ${new URL(proxy.endpoint).host}`])
  })

  test('plans faults for the next requests that match, in line', async () => {
    proxy.next('503', 2, request => request.method === 'PUT')
    proxy.next('500')
    const statuses: number[] = []
    for (const method of ['PUT', 'GET', 'PUT', 'PUT']) statuses.push((await send(method, '/k')).status)
    expect(statuses).toEqual([503, 500, 503, 200])
    expect(served).toHaveLength(1)
    expect([proxy.requests, proxy.injected]).toEqual([4, 3])
  })

  test('injects faults by chance', async () => {
    proxy.chances({ '500': 0.4, '503': 0.6 })
    expect((await send('GET', '/k')).status).toBe(503)
    proxy.chances({})
    expect((await send('GET', '/k')).status).toBe(200)
  })

  test('loses the answer to a request that was carried out', async () => {
    proxy.next('lose-answer')
    const signal = AbortSignal.timeout(300)
    await expect(send('PUT', '/k', { body: 'z', signal })).rejects.toThrow()
    expect(served).toHaveLength(1)
    proxy.next('reset-after')
    await expect(send('PUT', '/k', { body: 'z' })).rejects.toThrow()
    expect(served).toHaveLength(2)
  })

  test('resets a connection before anything is done', async () => {
    proxy.next('reset')
    await expect(send('PUT', '/k', { body: 'z' })).rejects.toThrow()
    expect(served).toEqual([])
  })

  test('truncates a body and ends the connection', async () => {
    proxy.next('truncate')
    const answer = await send('GET', '/k')
    expect(answer.headers.get('content-length')).toBe('100000')
    await expect(answer.arrayBuffer()).rejects.toThrow()
  })

  test('cuts everything, and gives it back', async () => {
    proxy.cut = 'refuse'
    await expect(send('GET', '/k')).rejects.toThrow()
    proxy.cut = 'silence'
    await expect(send('GET', '/k', { signal: AbortSignal.timeout(200) })).rejects.toThrow()
    expect(served).toEqual([])
    proxy.heal()
    expect((await send('GET', '/k')).status).toBe(200)
  })

  test('adds latency to an answer', async () => {
    proxy.latencyMs = [20, 60]
    const before = performance.now()
    await (await send('GET', '/k')).arrayBuffer()
    expect(performance.now() - before).toBeGreaterThan(35)
  })
})
