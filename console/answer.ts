/** What the console answers a browser with, and the headers that hold it together. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Answer {
  readonly status: number
  readonly contentType?: string
  readonly body?: string | Buffer
  readonly location?: string
  readonly cookie?: string
}

export const page = (body: string, status = 200): Answer => ({ status, contentType: 'text/html; charset=utf-8', body })
export const text = (status: number, body: string): Answer => ({ status, body: `${body}\n` })
/** To be asked for with GET, whatever brought one here. */
export const seeOther = (location: string): Answer => ({ status: 303, location })

/** Nothing of other origins is loaded, run, framed or sent to, and what is shown is kept by no cache. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body ?? '')
  response.writeHead(answer.status, {
    ...HEADERS,
    'content-type': answer.contentType ?? 'text/plain; charset=utf-8',
    'content-length': body.length,
    ...(answer.location === undefined ? {} : { location: answer.location }),
    ...(answer.cookie === undefined ? {} : { 'set-cookie': answer.cookie }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** The request is none that a page of ours sends. The message is for whoever sent it. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const MOST_FORM_BYTES = 16 * 1024

/** The fields of a form. Rejects with BadRequest. */
export async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  if (request.headers['content-type']?.split(';', 1)[0] !== 'application/x-www-form-urlencoded') {
    throw new BadRequest(415, 'only forms are taken')
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const data = Buffer.from(chunk)
    bytes += data.length
    if (bytes > MOST_FORM_BYTES) throw new BadRequest(413, 'the form is too large')
    chunks.push(data)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

export function cookieOf(request: IncomingMessage, name: string): string | undefined {
  for (const part of request.headers.cookie?.split(';') ?? []) {
    const [key, value] = part.trim().split('=', 2)
    if (key === name) return value
  }
  return undefined
}
