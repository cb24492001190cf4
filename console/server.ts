/**
 * The web console's HTTP server.
 *
 * Promises: it shows what the signed-in user's own ACLs show, and changes nothing unless it was told that it may; names of
 * hosts that it was not told of, and forms of other sites, are turned away (DNS rebinding, CSRF); a broker that does not
 * answer gives a page that says so.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { isIP } from 'node:net'
import type { Address } from '../broker/client/address.ts'
import { BrokerUnreachable } from '../broker/client/connection.ts'
import type { LOGIN_MECHANISMS } from '../broker/client/login.ts'
import type { Clock } from '../broker/clock.ts'
import type { Logger } from '../broker/observe/logger.ts'
import { AuthenticationFailed } from '../broker/security/sasl.ts'
import { type Answer, BadRequest, cookieOf, formOf, page as htmlPage, seeOther, send, text } from './answer.ts'
import { Cluster, type ClusterOptions } from './cluster/cluster.ts'
import type { Html } from './html.ts'
import { MetricsWatch } from './metrics.ts'
import { type Place, page, RESET_PATH } from './pages/layout.ts'
import { problemPage, signInPage, unreachablePage } from './pages/sign-in.ts'
import type { ScaledCluster } from './scaled-cluster.ts'
import { newSession, type Session, Sessions } from './sessions.ts'
import { problemOf, reset, type Sources, viewOf } from './views.ts'

/** PEM. */
interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
}

export interface ConsoleOptions {
  readonly listen: { readonly host: string | undefined; readonly port: number }
  /** For HTTPS; `onRenewed` calls back when there is another one. */
  readonly certificate?: {
    readonly material: () => Certificate
    readonly onRenewed: (callback: (renewed: Certificate) => void) => void
  }
  /** By which it may be asked for, besides localhost and addresses. */
  readonly hostNames: readonly string[]
  readonly brokers: Omit<ClusterOptions, 'login' | 'clock'>
  /** Undefined where the brokers ask for no login. */
  readonly mechanism: (typeof LOGIN_MECHANISMS)[number] | undefined
  readonly metrics: readonly Address[]
  readonly scaledCluster: (() => Promise<ScaledCluster>) | undefined
  readonly allowsChanges: boolean
  readonly clock: Clock
  readonly log: Logger
}

const COOKIE = 'kafscale'
const REQUEST_MS = 30_000
const MOST_CONNECTIONS = 500
const REFUSAL_MS = 1000
const ASSETS: ReadonlyMap<string, string> = new Map([
  ['console.css', 'text/css; charset=utf-8'],
  ['console.js', 'text/javascript; charset=utf-8'],
  ['icon.svg', 'image/svg+xml'],
])

export class ConsoleServer {
  readonly #options: ConsoleOptions
  readonly #server: Server
  readonly #sessions: Sessions
  readonly #metrics: MetricsWatch
  readonly #open: Session
  readonly #assets: ReadonlyMap<string, Answer>

  /** Rejects with Node's error when the address cannot be had. */
  static async open(options: ConsoleOptions): Promise<ConsoleServer> {
    const opened = new ConsoleServer(options, await readAssets())
    const { host, port } = options.listen
    await new Promise<void>((resolve, reject) => {
      opened.#server.once('error', reject)
      opened.#server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve)
    })
    return opened
  }

  private constructor(options: ConsoleOptions, assets: ReadonlyMap<string, Answer>) {
    const { clock, certificate, metrics } = options
    this.#options = options
    this.#assets = assets
    this.#sessions = new Sessions(clock)
    this.#metrics = new MetricsWatch({ clock, addresses: metrics })
    this.#open = newSession(undefined, new Cluster({ ...options.brokers, clock }), clock)
    const limits = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }
    const handle = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response)
    this.#server = certificate === undefined ? createServer(limits, handle) : secureServer(certificate, limits, handle)
    this.#server.maxConnections = MOST_CONNECTIONS
  }

  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  async close(): Promise<void> {
    this.#metrics.close()
    this.#sessions.close()
    this.#open.cluster.close()
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request).catch(cause => this.#failure(request, cause))
    send(request, response, answer)
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    this.#check(request)
    const url = URL.parse(request.url ?? '/', 'http://console')
    if (url === null || url.host !== 'console') throw new BadRequest(400, 'The address is none of a page.')
    if (url.pathname === '/healthz') return text(200, 'ok')
    const asset = this.#assets.get(url.pathname.slice(1))
    if (asset !== undefined) return asset
    if (request.method === 'POST') return this.#post(request, url)
    if (url.pathname === '/sign-in') return this.#signInForm(url.searchParams.get('next'), undefined)
    const session = this.#session(request)
    if (session === undefined) return seeOther(`/sign-in?next=${encodeURIComponent(url.pathname + url.search)}`)
    const view = await viewOf(url, session, this.#sources(session))
    if (view === undefined)
      return this.#page(request, problemPage('Not found', 'There is no such page.'), { status: 404 })
    return this.#page(request, view.body, view)
  }

  /** Throws BadRequest for what no browser on one of our pages sends. */
  #check({ method = '', headers }: IncomingMessage): void {
    if (!['GET', 'HEAD', 'POST'].includes(method)) throw new BadRequest(405, 'only GET, HEAD and POST')
    const host = hostName(headers.host)
    if (host === undefined || !(isIP(host) !== 0 || host === 'localhost' || this.#options.hostNames.includes(host))) {
      throw new BadRequest(421, `the console does not answer as ${host ?? 'nobody'}: begin it with --host-name`)
    }
    if (method !== 'POST') return
    const origin = headers.origin === undefined ? null : URL.parse(headers.origin)
    // A proxy may ask for the console by another name than the browser did.
    const isOwn = origin !== null && (origin.host === headers.host || this.#options.hostNames.includes(origin.hostname))
    if (!isOwn) throw new BadRequest(403, 'the form comes from another site')
  }

  async #post(request: IncomingMessage, url: URL): Promise<Answer> {
    const form = await formOf(request)
    if (url.pathname === '/sign-in') return this.#signIn(form, request)
    if (url.pathname === '/sign-out') {
      this.#sessions.end(cookieOf(request, COOKIE))
      return { ...seeOther('/sign-in'), cookie: this.#cookie(request, '', 0) }
    }
    const session = this.#session(request)
    if (session === undefined) return seeOther('/sign-in')
    const group = url.searchParams.get('name')
    if (url.pathname !== RESET_PATH || group === null) throw new BadRequest(404, 'There is no such form.')
    return seeOther(await reset(session, group, form, this.#sources(session)))
  }

  #signInForm(next: string | null, problem: string | undefined): Answer {
    if (this.#options.mechanism === undefined) return seeOther('/')
    const body = signInPage(next ?? '/', problem)
    return htmlPage(
      page({ title: 'Sign in', place: undefined, user: undefined, body }),
      problem === undefined ? 200 : 401,
    )
  }

  async #signIn(form: URLSearchParams, request: IncomingMessage): Promise<Answer> {
    const { mechanism, brokers, clock, log } = this.#options
    if (mechanism === undefined) return seeOther('/')
    const user = form.get('user') ?? ''
    const cluster = new Cluster({ ...brokers, clock, login: { mechanism, user, password: form.get('password') ?? '' } })
    try {
      await cluster.facts()
    } catch (cause) {
      cluster.close()
      if (!(cause instanceof AuthenticationFailed)) throw cause
      log.info({ audit: 'sign-in', user, client: request.socket.remoteAddress, outcome: 'refused' }, 'sign-in refused')
      // Guessing is slow.
      await new Promise(resolve => setTimeout(resolve, REFUSAL_MS))
      return this.#signInForm(form.get('next'), cause.message)
    }
    log.info({ audit: 'sign-in', user, client: request.socket.remoteAddress, outcome: 'accepted' }, 'signed in')
    // The browser forgets the name of the session before.
    this.#sessions.end(cookieOf(request, COOKIE))
    return {
      ...seeOther(ownPath(form.get('next'))),
      cookie: this.#cookie(request, this.#sessions.begin(user, cluster)),
    }
  }

  #cookie({ headers }: IncomingMessage, value: string, maxAge?: number): string {
    const isSecure = this.#options.certificate !== undefined || headers['x-forwarded-proto'] === 'https'
    const secure = isSecure ? '; Secure' : ''
    const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`
    return `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict${secure}${age}`
  }

  #session(request: IncomingMessage): Session | undefined {
    return this.#options.mechanism === undefined
      ? this.#open
      : this.#sessions.find(cookieOf(request, COOKIE), request.headers['x-look'] === undefined)
  }

  #sources({ user }: Session): Sources {
    const { scaledCluster, allowsChanges, log, clock } = this.#options
    return {
      now: () => clock.monotonic(),
      metrics: this.#metrics.view,
      scaledCluster,
      allowsChanges,
      onChange: change => log.info({ audit: 'reset', user, ...change }, 'offsets of a group were reset'),
    }
  }

  #page(
    request: IncomingMessage,
    body: Html,
    { title = 'Problem', place, status = 200 }: { title?: string; place?: Place; status?: number },
  ): Answer {
    const user = this.#session(request)?.user
    return htmlPage(page({ title, place, user, body }), status)
  }

  #failure(request: IncomingMessage, cause: unknown): Answer {
    if (cause instanceof AuthenticationFailed) {
      // The password was changed, or the user is gone.
      this.#sessions.end(cookieOf(request, COOKIE))
      return seeOther('/sign-in')
    }
    const known = problemOf(cause)
    if (known !== undefined) {
      return this.#page(request, problemPage('That did not work', known.message), { status: known.status })
    }
    const message = cause instanceof Error ? cause.message : String(cause)
    if (cause instanceof BrokerUnreachable) {
      return this.#page(request, unreachablePage(message), { status: 503 })
    }
    this.#options.log.error({ error: message, path: request.url?.split('?', 1)[0] }, 'request failed')
    return this.#page(request, problemPage('That did not work', 'The console has a fault; its log says more.'), {
      status: 500,
    })
  }
}

function secureServer(
  { material, onRenewed }: NonNullable<ConsoleOptions['certificate']>,
  limits: { readonly requestTimeout: number; readonly headersTimeout: number },
  handle: RequestListener,
): Server {
  const server = createTlsServer({ ...limits, ...material(), minVersion: 'TLSv1.2' }, handle)
  onRenewed(renewed => server.setSecureContext({ ...renewed, minVersion: 'TLSv1.2' }))
  return server
}

async function readAssets(): Promise<ReadonlyMap<string, Answer>> {
  const found = new Map<string, Answer>()
  for (const [name, contentType] of ASSETS) {
    const body = await readFile(new URL(`assets/${name}`, import.meta.url))
    found.set(name, { status: 200, contentType, body })
  }
  return found
}

/** Without the port. */
function hostName(host: string | undefined): string | undefined {
  const found = URL.parse(`http://${host ?? ''}`)?.hostname
  return found?.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}

/** Where to go after signing in: a page of ours, whatever the form says. */
function ownPath(next: string | null): string {
  const url = URL.parse(next ?? '/', 'http://console')
  // A path of two slashes would be another host.
  return url === null || url.host !== 'console' || url.pathname.startsWith('//') ? '/' : url.pathname + url.search
}
