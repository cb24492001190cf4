// An answer other than the object: a `Status` with the reason that a real API server gives.

import type { JsonObject } from './json.ts'

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
}

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: number
  readonly reason: string
  readonly retryAfterSeconds: number | undefined

  constructor(code: number, message: string, reason?: string, retryAfterSeconds?: number) {
    super(message)
    this.code = code
    this.reason = reason ?? REASONS[code] ?? 'Unknown'
    this.retryAfterSeconds = retryAfterSeconds
  }

  get status(): JsonObject {
    const details =
      this.retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds: this.retryAfterSeconds } }
    const { message, reason, code } = this
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, ...details }
  }
}
