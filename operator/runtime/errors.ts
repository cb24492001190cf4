// What can go wrong between the operator and the API server, as one class whose `kind` says what to do about it.

export type KubeErrorKind =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  /** Created by somebody else meanwhile. */
  | 'AlreadyExists'
  /** The object changed since it was read, or other managers own fields that were applied without force. */
  | 'Conflict'
  /** The resource version is too old to watch or page on from; list again. */
  | 'Expired'
  /** Refused by the schema, a CEL rule or a webhook; the message says why. */
  | 'Invalid'
  | 'TooManyRequests'
  | 'ServerError'
  /** No answer in time. What was asked for may have been done. */
  | 'Timeout'
  /** The connection could not be made, or broke. What was asked for may have been done. */
  | 'NoConnection'
  | 'Aborted'

const BY_CODE: Readonly<Record<number, KubeErrorKind>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
}

/** Only a change of the object helps. What is forbidden is not among them: at an install, roles often come a little later. */
const LASTING: ReadonlySet<KubeErrorKind> = new Set(['BadRequest', 'Invalid'])

/** The reason that the API server gives for a status code, where the code alone does not tell. */
export function kindOf(code: number, reason: string | undefined): KubeErrorKind {
  if (reason === 'AlreadyExists') return 'AlreadyExists'
  if (reason === 'Expired' || reason === 'Gone') return 'Expired'
  return BY_CODE[code] ?? (code === 504 ? 'Timeout' : 'ServerError')
}

export interface KubeErrorFacts {
  /** HTTP status; absent when there was no answer. */
  readonly code?: number | undefined
  /** How long the server asks to be left alone, in ms. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly kind: KubeErrorKind
  readonly code: number | undefined
  readonly retryAfterMs: number | undefined

  constructor(kind: KubeErrorKind, message: string, { code, retryAfterMs, cause }: KubeErrorFacts = {}) {
    super(message, { cause })
    this.kind = kind
    this.code = code
    this.retryAfterMs = retryAfterMs
  }

  /** Whether trying the same again can never help. */
  get isLasting(): boolean {
    return LASTING.has(this.kind)
  }
}

export const isKubeError = (error: unknown, ...kinds: readonly KubeErrorKind[]): error is KubeError =>
  error instanceof KubeError && (kinds.length === 0 || kinds.includes(error.kind))

/** The promise's value, or undefined when the object is not there. */
export async function ifFound<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined
    throw error
  }
}

/** An object of that name is there and belongs to somebody else; it was left as it is. */
export class NameConflict extends Error {
  override readonly name = 'NameConflict'
  /** `Deployment demo-broker`. */
  readonly object: string

  constructor(object: string, holder: string) {
    super(`${object} exists and belongs to ${holder}: delete or rename it, or give this one another name`)
    this.object = object
  }
}

/** Another process leads; nothing may be written any more. */
export class NotLeader extends Error {
  override readonly name = 'NotLeader'
}
