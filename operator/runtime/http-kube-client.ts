// The verbs of KubeClient over HTTP/1.1: one pool of kept connections for requests, another for watches, so that neither
// waits for the other. Each request has a deadline. A request that the server refused for being too busy (429, or 503 with
// Retry-After) is sent again after the time that the server names; nothing else is, because only the caller knows whether
// it may be done twice.

import { Pool } from 'undici'
import { z } from 'zod'
import type { Clock } from '../../broker/clock.ts'
import type { Connection } from './connection.ts'
import { deadline, pause } from './deadline.ts'
import { KubeError, kindOf } from './errors.ts'
import { lines } from './json-lines.ts'
import type {
  ApplyOptions,
  Cancel,
  DeleteOptions,
  KubeClient,
  ListOptions,
  LogOptions,
  ObjectName,
  Page,
  Scope,
  WatchEvent,
  WatchOptions,
} from './kube-client.ts'
import { type Manifest, manifestSchema } from './object.ts'
import { apiVersionOf, pathOf, RESOURCES, type Resource } from './resource.ts'

/** Of one request, or of the beginning of a watch. `code` is `<error>` when no answer came. */
export interface RequestReport {
  readonly method: string
  readonly path: string
  readonly code: string
  readonly seconds: number
}

export interface HttpKubeClientOptions {
  readonly connection: Connection
  readonly clock: Clock
  readonly userAgent: string
  /** How long an answer may take, in ms. */
  readonly requestTimeoutMs?: number
  /** Told of every answer; `code` is the HTTP status or `<error>`, as client-go counts them. */
  readonly onRequest?: (report: RequestReport) => void
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  /** The answer is text as it is, not JSON. */
  readonly isText?: boolean
  readonly signal?: AbortSignal | undefined
}

const REQUEST_TIMEOUT_MS = 30_000
const BUSY_TRIES = 5
const MAX_RETRY_AFTER_MS = 60_000
const CONNECTIONS = 16
/** etcd takes objects of 1.5 MB; a list entry or event of more than this is none. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

const APPLY = 'application/apply-patch+yaml'
const MERGE = 'application/merge-patch+json'
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

const statusSchema = z.object({
  kind: z.literal('Status'),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.number().optional(),
  details: z.object({ retryAfterSeconds: z.number().optional() }).optional(),
})

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.looseObject({})).nullable(),
})

const eventSchema = z.object({ type: z.string(), object: z.looseObject({}) })
const discoverySchema = z.object({ resources: z.array(z.object({ name: z.string() })).nullable() })
const bookmarkSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) })

export class HttpKubeClient implements KubeClient {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #userAgent: string
  readonly #timeoutMs: number
  readonly #onRequest: HttpKubeClientOptions['onRequest']
  /** What every path begins with, for servers behind a proxy. */
  readonly #prefix: string
  readonly #requests: Pool
  readonly #watches: Pool

  constructor({ connection, clock, userAgent, requestTimeoutMs, onRequest }: HttpKubeClientOptions) {
    this.#connection = connection
    this.#clock = clock
    this.#userAgent = userAgent
    this.#timeoutMs = requestTimeoutMs ?? REQUEST_TIMEOUT_MS
    this.#onRequest = onRequest
    this.#prefix = new URL(connection.server).pathname.replace(/\/+$/, '')
    this.#requests = pool(connection, CONNECTIONS)
    this.#watches = pool(connection, null)
  }

  async close(): Promise<void> {
    await Promise.all([this.#requests.destroy(), this.#watches.destroy()])
  }

  async get(resource: Resource, name: ObjectName, { signal }: Cancel = {}): Promise<Manifest> {
    return object(await this.#send({ method: 'GET', path: pathOf(resource, name), signal }))
  }

  async list(resource: Resource, options: ListOptions = {}): Promise<Page> {
    const { namespace, limit, resourceVersion, signal, metadataOnly } = options
    const query = { ...selectors(options), limit, continue: options.continue, resourceVersion }
    const accept = metadataOnly === true ? { accept: METADATA_LIST } : {}
    const answer = await this.#send({ method: 'GET', path: pathOf(resource, { namespace }), query, signal, ...accept })
    const { metadata, items } = read(listSchema, answer)
    // Entries of a list do not say what they are.
    const type = { apiVersion: apiVersionOf(resource), kind: resource.kind }
    return {
      items: (items ?? []).map(item => object({ ...item, ...type })),
      resourceVersion: metadata.resourceVersion,
      continue: metadata.continue === '' ? undefined : metadata.continue,
    }
  }

  async *watch(resource: Resource, options: WatchOptions): AsyncGenerator<WatchEvent> {
    const { namespace, resourceVersion, timeoutSeconds, metadataOnly, signal } = options
    const query = { ...selectors(options), watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds }
    const accept = metadataOnly === true ? { accept: METADATA } : {}
    const request = { method: 'GET', path: pathOf(resource, { namespace }), query, signal, ...accept } as const
    const stream = await this.#open(request)
    try {
      for await (const line of lines(stream, MAX_LINE_BYTES)) {
        const event = this.#event(resource, read(eventSchema, JSON.parse(line)))
        if (event !== undefined) yield event
      }
    } catch (error) {
      throw asKubeError(error, request, false)
    }
  }

  async apply(resource: Resource, manifest: Manifest, options: ApplyOptions): Promise<Manifest> {
    return this.#apply(pathOf(resource, manifest.metadata), manifest, options)
  }

  async applyStatus(resource: Resource, manifest: Manifest, options: ApplyOptions): Promise<Manifest> {
    return this.#apply(pathOf(resource, { ...manifest.metadata, subresource: 'status' }), manifest, options)
  }

  async scale(
    resource: Resource,
    name: ObjectName,
    replicas: number,
    { manager, signal }: Cancel & { manager: string },
  ): Promise<void> {
    await this.#send({
      method: 'PATCH',
      path: pathOf(resource, { ...name, subresource: 'scale' }),
      query: { fieldManager: manager },
      contentType: MERGE,
      body: { spec: { replicas } },
      signal,
    })
  }

  async create(
    resource: Resource,
    manifest: Manifest,
    { manager, signal }: Cancel & { manager: string },
  ): Promise<Manifest> {
    const path = pathOf(resource, { namespace: manifest.metadata.namespace })
    return object(await this.#send({ method: 'POST', path, query: { fieldManager: manager }, body: manifest, signal }))
  }

  async update(
    resource: Resource,
    manifest: Manifest,
    { manager, signal }: Cancel & { manager: string },
  ): Promise<Manifest> {
    const path = pathOf(resource, manifest.metadata)
    return object(await this.#send({ method: 'PUT', path, query: { fieldManager: manager }, body: manifest, signal }))
  }

  async delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const { uid, propagation = 'Background', signal } = options
    const preconditions = uid === undefined ? {} : { preconditions: { uid } }
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: propagation, ...preconditions }
    await this.#send({ method: 'DELETE', path: pathOf(resource, name), body, signal })
  }

  async logs(pod: ObjectName, options: LogOptions): Promise<string> {
    const { container, previous, tailLines, limitBytes, signal } = options
    const query = { container, previous, tailLines, limitBytes }
    const path = pathOf(RESOURCES.pods, { ...pod, subresource: 'log' })
    return String(
      await this.#send({ method: 'GET', path, query, accept: 'application/json, */*', isText: true, signal }),
    )
  }

  async discover(group: string, version: string, { signal }: Cancel = {}): Promise<ReadonlySet<string>> {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
    try {
      const { resources } = read(discoverySchema, await this.#send({ method: 'GET', path, signal }))
      return new Set((resources ?? []).map(({ name }) => name).filter(name => !name.includes('/')))
    } catch (error) {
      if (error instanceof KubeError && error.kind === 'NotFound') return new Set()
      throw error
    }
  }

  async #apply(path: string, body: Manifest, { manager, force, signal }: ApplyOptions): Promise<Manifest> {
    const query = { fieldManager: manager, force }
    return object(await this.#send({ method: 'PATCH', path, query, contentType: APPLY, body, signal }))
  }

  #event(resource: Resource, { type, object: raw }: z.output<typeof eventSchema>): WatchEvent | undefined {
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        return { type, object: object({ ...raw, apiVersion: apiVersionOf(resource), kind: resource.kind }) }
      case 'BOOKMARK':
        return { type, resourceVersion: read(bookmarkSchema, raw).metadata.resourceVersion }
      case 'ERROR':
        throw statusError(raw, 500, undefined)
      default:
        return undefined
    }
  }

  /** The whole answer, parsed. Waits and tries again while the server is too busy. */
  async #send(request: Request): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.#exchange(request).catch((error: unknown) => ({ error }))
      if (!('error' in outcome)) return outcome.answer
      const { error } = outcome
      const wait = error instanceof KubeError ? error.retryAfterMs : undefined
      if (wait === undefined || tries === BUSY_TRIES) throw error
      const { signal } = request
      await pause(this.#clock, Math.min(wait, MAX_RETRY_AFTER_MS), signal ?? new AbortController().signal)
      if (signal?.aborted === true) throw new KubeError('Aborted', 'given up while the server was busy')
    }
  }

  async #exchange(request: Request): Promise<{ answer: unknown }> {
    const { method, signal } = request
    if (signal?.aborted === true)
      throw new KubeError('Aborted', `${method} ${request.path}: given up before it was sent`)
    const started = this.#clock.monotonic()
    using limit = deadline(this.#clock, this.#timeoutMs, method === 'GET' ? signal : undefined)
    let code = '<error>'
    try {
      const response = await this.#dispatch(this.#requests, request, limit.signal)
      code = String(response.statusCode)
      const text = await response.body.text()
      if (response.statusCode < 300) return { answer: request.isText === true ? text : json(text) }
      throw statusError(parsed(text), response.statusCode, response.headers['retry-after'])
    } catch (error) {
      throw asKubeError(error, request, limit.hasPassed)
    } finally {
      this.#onRequest?.({ method, path: request.path, code, seconds: (this.#clock.monotonic() - started) / 1000 })
    }
  }

  /** A stream that goes on for as long as the server likes; only its beginning has a deadline. */
  async #open(request: Request): Promise<AsyncIterable<Uint8Array>> {
    const started = this.#clock.monotonic()
    using limit = deadline(this.#clock, this.#timeoutMs, request.signal)
    let code = '<error>'
    try {
      const both = AbortSignal.any([limit.signal, ...(request.signal === undefined ? [] : [request.signal])])
      const response = await this.#dispatch(this.#watches, request, both)
      code = String(response.statusCode)
      if (response.statusCode < 300) return response.body
      throw statusError(parsed(await response.body.text()), response.statusCode, response.headers['retry-after'])
    } catch (error) {
      throw asKubeError(error, request, limit.hasPassed)
    } finally {
      this.#onRequest?.({
        method: 'WATCH',
        path: request.path,
        code,
        seconds: (this.#clock.monotonic() - started) / 1000,
      })
    }
  }

  async #dispatch(pool: Pool, request: Request, signal: AbortSignal) {
    const first = await this.#dispatchAs(pool, request, signal, false)
    if (first.statusCode !== 401 || this.#connection.token === undefined) return first
    // The token may have been renewed in its file.
    await first.body.dump()
    return this.#dispatchAs(pool, request, signal, true)
  }

  async #dispatchAs(pool: Pool, request: Request, signal: AbortSignal, isRefused: boolean) {
    const { method, path, query = {}, body, contentType = 'application/json', accept = 'application/json' } = request
    const token = await this.#connection.token?.(isRefused)
    const asked = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.set(name, String(value))
    return pool.request({
      method,
      path: `${this.#prefix}${path}${asked.size === 0 ? '' : `?${asked}`}`,
      headers: {
        accept,
        'user-agent': this.#userAgent,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    })
  }
}

function pool({ server, ca, cert, key, skipTlsVerify, serverName }: Connection, connections: number | null): Pool {
  return new Pool(new URL(server).origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    // Deadlines are ours, on the clock that was passed in.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      keepAlive: true,
      keepAliveInitialDelay: 15_000,
      rejectUnauthorized: skipTlsVerify !== true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  })
}

const selectors = ({ labelSelector, fieldSelector }: Scope) => ({ labelSelector, fieldSelector })

const object = (value: unknown): Manifest => read(manifestSchema, value)

/** The value in the schema's shape. A server that speaks otherwise is at fault, and we say so. */
function read<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new KubeError('ServerError', `the API server sent what it should not: ${z.prettifyError(result.error)}`)
}

const json = (text: string): unknown => (text === '' ? {} : JSON.parse(text))

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { kind: 'Status', message: text.slice(0, 500) }
  }
}

function statusError(body: unknown, code: number, header: string | string[] | undefined): KubeError {
  const status = statusSchema.safeParse(body)
  const { message = `HTTP ${code}`, reason, details, code: said = code } = status.success ? status.data : {}
  const seconds = Number(header ?? details?.retryAfterSeconds)
  const isBusy = said === 429 || said === 503
  return new KubeError(kindOf(said, reason), message, {
    code: said,
    retryAfterMs: isBusy && seconds >= 0 ? seconds * 1000 : undefined,
  })
}

function asKubeError(error: unknown, { method, path, signal }: Request, isLate: boolean): KubeError {
  if (error instanceof KubeError) return error
  const what = `${method} ${path}`
  if (isLate) return new KubeError('Timeout', `${what}: no answer in time`, { cause: error })
  if (signal?.aborted === true) return new KubeError('Aborted', `${what}: given up`, { cause: error })
  const why = error instanceof Error ? error.message : String(error)
  return new KubeError('NoConnection', `${what}: ${why}`, { cause: error })
}
