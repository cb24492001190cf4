/**
 * What went wrong with etcd: pure. `problemOf` sorts errors by what they mean for the one that asked, `startProblem`
 * says to the operator of a broker that cannot start which setting to look at.
 */
import { EventsGone, LedgerFailed, NameTaken, NotAppended } from '../ledger.ts'

/**
 * - `unclear`: no answer, or one that leaves open whether the request was or will be carried out
 * - `busy`: refused before anything was done; may be tried again
 * - `no-space`: the quota is used up; etcd may answer so to a write that it has carried out all the same
 * - `stale-login`: the token or what it stands for has changed; log in again
 * - `final`: not of etcd but of this ledger: its answer to the caller
 */
export type Problem =
  | 'unclear'
  | 'busy'
  | 'no-space'
  | 'too-large'
  | 'no-lease'
  | 'compacted'
  | 'future'
  | 'stale-login'
  | 'refused-login'
  | 'denied'
  | 'closed'
  | 'final'

// etcd's texts stand for its error codes: etcd3 keeps only the class of the gRPC status (etcd: api/v3rpc/rpctypes/error.go).
const texts: readonly (readonly [RegExp, Problem])[] = [
  [/database space exceeded/, 'no-space'],
  [/request is too large|received message larger than max/, 'too-large'],
  [/too many requests/, 'busy'],
  [/lease not found|is expired or revoked/, 'no-lease'],
  [/required revision has been compacted/, 'compacted'],
  [/required revision is a future revision/, 'future'],
  [/invalid auth token|revision of auth store is old/, 'stale-login'],
  [/authentication failed|authentication is not enabled|user name is empty|user name not found/, 'refused-login'],
  [/permission denied/, 'denied'],
  [/client was already closed/, 'closed'],
]

/** Another etcd answers than the one that the ledger began with. */
export class OtherCluster extends Error {
  override readonly name = 'OtherCluster'
}

const verdicts = [EventsGone, LedgerFailed, NameTaken, NotAppended, OtherCluster, TypeError]

export function problemOf(cause: unknown): Problem {
  if (verdicts.some(verdict => cause instanceof verdict)) return 'final'
  const text = messageOf(cause)
  return texts.find(([pattern]) => pattern.test(text))?.[1] ?? 'unclear'
}

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** Whether it may help to ask another member. */
export const isElsewhereBetter = (problem: Problem): boolean => problem === 'unclear' || problem === 'busy'

/** The broker cannot start with what it was told of etcd; the message is one line that names the setting. */
export class EtcdStartProblem extends Error {
  override readonly name = 'EtcdStartProblem'
}

export interface StartAttempt {
  readonly endpoints: readonly string[]
  readonly prefix: string
  readonly username?: string | undefined
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined
}

const untrusted = /unable to verify|self[- ]signed certificate|unable to get (local )?issuer|certificate has expired/i
const wrongName = /altnames|Hostname\/IP does not match/i
const wantsCertificate = /certificate required|bad certificate|handshake failure|unknown ca|alert number/i

export function startProblem(cause: unknown, attempt: StartAttempt): EtcdStartProblem {
  return new EtcdStartProblem(startProblemText(cause, attempt).replace(/\s+/g, ' '), { cause })
}

function startProblemText(cause: unknown, attempt: StartAttempt): string {
  const where = attempt.endpoints.join(', ')
  const text = messageOf(cause)
  const login = loginProblem(text, where, attempt)
  if (login !== undefined) return login
  if (untrusted.test(text)) {
    return `etcd at ${where} shows a certificate that is not trusted (${text}): set KAFSCALE_ETCD_CA_FILE to the authority that signed it`
  }
  if (wrongName.test(text)) {
    return `etcd's certificate is for other names than those in KAFSCALE_ETCD_ENDPOINTS (${where}): ${text}`
  }
  if (wantsCertificate.test(text)) {
    return `etcd at ${where} refuses our side of TLS (${text}): check KAFSCALE_ETCD_CERT_FILE and KAFSCALE_ETCD_KEY_FILE`
  }
  return `etcd cannot be reached at ${where} (${text}): check KAFSCALE_ETCD_ENDPOINTS${schemeHint(attempt)}`
}

function loginProblem(text: string, where: string, { prefix, username }: StartAttempt): string | undefined {
  if (/authentication is not enabled/.test(text)) {
    return `etcd at ${where} has authentication switched off, but KAFSCALE_ETCD_USERNAME is set: unset it or enable authentication`
  }
  if (/user name is empty/.test(text)) {
    return `etcd at ${where} wants a login: set KAFSCALE_ETCD_USERNAME and KAFSCALE_ETCD_PASSWORD`
  }
  if (problemOf(text) === 'refused-login') {
    return `etcd at ${where} refuses the login as ${username}: check KAFSCALE_ETCD_USERNAME and KAFSCALE_ETCD_PASSWORD`
  }
  if (problemOf(text) === 'denied') {
    return `etcd at ${where} does not let ${username ?? 'us'} read and write under ${prefix}/: grant that, or change KAFSCALE_ETCD_PREFIX or KAFSCALE_ETCD_USERNAME`
  }
  return undefined
}

/** A server that speaks TLS just closes the connection of a client that does not, and the other way round. */
function schemeHint({ endpoints, tls }: StartAttempt): string {
  if (endpoints.some(endpoint => endpoint.startsWith('https:'))) {
    return tls?.cert === undefined
      ? '; a server that wants a client certificate also closes connections: KAFSCALE_ETCD_CERT_FILE, KAFSCALE_ETCD_KEY_FILE'
      : ''
  }
  return '; if etcd speaks TLS its endpoints begin with https://'
}

/** What keeps these settings from being tried at all. */
export function settingsProblem({ endpoints, prefix, tls }: StartAttempt): EtcdStartProblem | undefined {
  const text = settingsProblemText(endpoints, prefix, tls)
  return text === undefined ? undefined : new EtcdStartProblem(text)
}

function settingsProblemText(
  endpoints: readonly string[],
  prefix: string,
  tls: StartAttempt['tls'],
): string | undefined {
  if (endpoints.length === 0) return 'KAFSCALE_ETCD_ENDPOINTS names no endpoint of etcd'
  const odd = endpoints.find(endpoint => !/^https?:\/\/[^/\s]+:\d+$/.test(endpoint))
  if (odd !== undefined) {
    return `KAFSCALE_ETCD_ENDPOINTS: ${odd} is not of the form http://host:port or https://host:port`
  }
  if (new Set(endpoints.map(endpoint => endpoint.split(':')[0])).size > 1) {
    return 'KAFSCALE_ETCD_ENDPOINTS: all endpoints must be http:// or all https://'
  }
  if (!/^[A-Za-z0-9._/-]*[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(prefix)) {
    return `KAFSCALE_ETCD_PREFIX: ${JSON.stringify(prefix)} must have letters or digits, and nothing but those and . _ - /`
  }
  if (tls !== undefined && endpoints.some(endpoint => endpoint.startsWith('http:'))) {
    return 'KAFSCALE_ETCD_CA_FILE and the like are set, but KAFSCALE_ETCD_ENDPOINTS begin with http://'
  }
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    return 'KAFSCALE_ETCD_CERT_FILE and KAFSCALE_ETCD_KEY_FILE are only of use together'
  }
  return undefined
}
