// One page of metrics over HTTP: each look is a connection of its own, bounded in bytes and by its signal.

import { get } from 'node:http'
import { addressText } from '../../broker/client/address.ts'

/** A thousand topics and two thousand pairs of group and topic, the most that a broker shows, are a quarter of this. */
const LARGEST_PAGE = 4 * 1024 * 1024

/** No page came: refused, cut off, too large, not 200, or too late. */
export class ScrapeFailed extends Error {
  override readonly name = 'ScrapeFailed'
}

export interface ScrapeAddress {
  readonly host: string
  readonly port: number
}

/** Rejects with ScrapeFailed. */
export function scrape({ host, port }: ScrapeAddress, signal: AbortSignal, largest = LARGEST_PAGE): Promise<string> {
  const where = addressText({ host, port })
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new ScrapeFailed(`http://${where}/metrics: ${why}`))
    const request = get({ host, port, path: '/metrics', agent: false, signal }, response => {
      if (response.statusCode !== 200) {
        fail(`HTTP ${response.statusCode}`)
        response.destroy()
        return
      }
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= largest) return chunks.push(chunk)
        fail(`more than ${largest} bytes`)
        return response.destroy()
      })
      response.on('end', () => {
        if (response.complete) resolve(Buffer.concat(chunks).toString('utf8'))
        else fail('the page was cut off')
      })
      response.on('error', error => fail(error.message))
      response.on('close', () => fail('the page was cut off'))
    })
    request.on('error', error => fail(error.message))
  })
}
