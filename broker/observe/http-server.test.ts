import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Health } from './health.ts'
import { HttpServer } from './http-server.ts'
import { createLogger } from './logger.ts'
import { Metrics } from './metrics.ts'

describe('metrics address', () => {
  let health: Health
  let metrics: Metrics
  let server: HttpServer
  let logged: string[]

  beforeEach(async () => {
    logged = []
    health = new Health()
    metrics = new Metrics('')
    const log = createLogger('info', { write: line => void logged.push(line) })
    server = await HttpServer.open({ host: '127.0.0.1', port: 0 }, { metrics, health, log })
  })

  afterEach(() => server.close())

  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
    return { status: response.status, text: await response.text(), headers: response.headers }
  }

  test('serves the metrics in the text format', async () => {
    metrics.requestAnswered('Fetch', 0.5)
    const { status, text, headers } = await ask('/metrics?from=prometheus')
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    expect(text).toContain('\nkafscale_requests_total{api="Fetch"} 1\n')
  })

  test('is ready when every part is, and says which is not', async () => {
    expect(await ask('/readyz')).toMatchObject({ status: 200, text: 'ready\n' })
    let ledger: string | null = 'catching up'
    health.check('ledger', () => ledger)
    health.check('objects', () => 'no space left')
    health.check('listener', () => null)
    expect(await ask('/readyz')).toMatchObject({ status: 503, text: 'ledger: catching up\nobjects: no space left\n' })
    expect(await ask('/healthz')).toMatchObject({ status: 200, text: 'ok\n' })
    ledger = null
    health.check('objects', () => null)
    expect(await ask('/readyz')).toMatchObject({ status: 200, text: 'ready\n' })
  })

  test('answers GET and HEAD on its three paths and nothing else', async () => {
    const head = await ask('/healthz', 'HEAD')
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', '3'])
    for (const path of ['/', '/metrics/', '/metric', '//metrics', '/debug/pprof'])
      expect([path, (await ask(path)).status]).toEqual([path, 404])
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await ask('/metrics', method)
      expect([method, status, headers.get('allow')]).toEqual([method, 405, 'GET, HEAD'])
    }
  })

  test('says so in the log when a value cannot be read, and goes on', async () => {
    metrics.readFrom({
      groupLag: () => {
        throw new Error('no lag today')
      },
    })
    expect(await ask('/metrics')).toMatchObject({ status: 500, text: 'internal error\n' })
    expect(logged.join('')).toContain('no lag today')
    metrics.readFrom({ groupLag: () => [] })
    expect((await ask('/metrics')).status).toBe(200)
  })

  test('survives garbage', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    socket.write('\0\0\0\x12garbage\r\n\r\n')
    await new Promise(resolve => socket.on('close', resolve))
    expect((await ask('/healthz')).status).toBe(200)
  })

  test('does not wait for open connections when it closes', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    const closed = new Promise(resolve => socket.on('close', resolve))
    await new Promise(resolve => socket.on('connect', resolve))
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n')
    await server.close()
    await closed
  })
})
