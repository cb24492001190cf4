// Against small servers that misbehave.

import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, expect, test } from '@jest/globals'
import { ScrapeFailed, scrape } from './scrape.ts'

let server: Server

afterEach(async () => {
  server.closeAllConnections()
  await new Promise<void>(resolve => server.close(() => resolve()))
})

async function serve(answer: (response: ServerResponse) => void): Promise<{ host: string; port: number }> {
  server = createServer((_, response) => answer(response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { host: '127.0.0.1', port: address !== null && typeof address === 'object' ? address.port : 0 }
}

const never = new AbortController().signal

test('a page comes as it is', async () => {
  const address = await serve(response => response.end('a 1\n'))
  expect(await scrape(address, never)).toBe('a 1\n')
})

test('a page that is cut off, too large or no page is none', async () => {
  const cut = await serve(response => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('a 1\n')
    setTimeout(() => response.destroy(), 10)
  })
  await expect(scrape(cut, never)).rejects.toBeInstanceOf(ScrapeFailed)
  server.close()
  const large = await serve(response => response.end('x'.repeat(2000)))
  await expect(scrape(large, never, 1000)).rejects.toThrow('more than 1000 bytes')
  server.close()
  const ill = await serve(response => {
    response.statusCode = 500
    response.end('a 1\n')
  })
  await expect(scrape(ill, never)).rejects.toThrow('HTTP 500')
})

test('one that says nothing ends with the signal, one where nobody listens at once', async () => {
  const silent = await serve(() => {})
  const stop = new AbortController()
  const waiting = scrape(silent, stop.signal)
  setTimeout(() => stop.abort(), 20)
  await expect(waiting).rejects.toBeInstanceOf(ScrapeFailed)
  server.closeAllConnections()
  await new Promise<void>(resolve => server.close(() => resolve()))
  await expect(scrape(silent, never)).rejects.toThrow('ECONNREFUSED')
})
