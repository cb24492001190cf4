// A Kubernetes API server for tests, over real HTTP: any kind, list in pages, watch with bookmarks and 410, optimistic
// concurrency, server-side apply with managers, status and scale subresources, logs of pods as a test wrote them, finalizers,
// garbage collection, namespaces.
// It has no schema, no users and no controllers; what a test needs of these it passes in (`admission`) or does itself by the
// client of a `bystander`. What can go wrong is in `faults`. Every call is recorded but those of a bystander, for whom
// nothing goes wrong either.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Clock, systemClock } from '../../broker/clock.ts'
import type { Connection } from '../../operator/runtime/connection.ts'
import { HttpKubeClient } from '../../operator/runtime/http-kube-client.ts'
import { type Manifest, manifestSchema } from '../../operator/runtime/object.ts'
import { RESOURCES, type Resource } from '../../operator/runtime/resource.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { USER } from '../../operator/types/kaf-scale-user.ts'
import { type Call, isWrite, parseCall } from './call.ts'
import { ContainerLogs } from './container-logs.ts'
import { Faults } from './faults.ts'
import { isObject, type JsonObject, valueAt, withValueAt } from './json.ts'
import { type Named, ObjectTable } from './object-table.ts'
import { Refusal } from './refusal.ts'
import { type Admission, Registry } from './registry.ts'
import { metadataOf } from './selectors.ts'
import { WatchStream } from './watch-stream.ts'

export interface KubeApiOptions {
  /** Kinds beside those of the operator and of RESOURCES. */
  readonly resources?: readonly Resource[]
  /** Kinds that are not there, such as those of the Prometheus operator. */
  readonly without?: readonly Resource[]
  /** By default the defaults of Deployments and StatefulSets that matter here. */
  readonly admission?: Admission
  readonly clock?: Clock
}

const BYSTANDER = 'bystander'

export class KubeApi {
  readonly faults = new Faults()
  /** What containers wrote. */
  readonly logs = new ContainerLogs()
  readonly #table: ObjectTable
  readonly #registry: Registry
  readonly #resources: readonly Resource[]
  readonly #server: Server
  readonly #watches = new Set<WatchStream>()
  readonly #clients: HttpKubeClient[] = []
  readonly #clock: Clock
  #calls: Call[] = []
  #port = 0

  private constructor({ resources = [], without = [], admission, clock = systemClock }: KubeApiOptions) {
    const all = [...Object.values(RESOURCES), CLUSTER, TOPIC, USER, ...resources]
    this.#resources = all.filter(({ plural }) => !without.some(gone => gone.plural === plural))
    this.#clock = clock
    this.#table = new ObjectTable(clock)
    this.#registry = new Registry(this.#table, admission ?? defaulted)
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
  }

  static async start(options: KubeApiOptions = {}): Promise<KubeApi> {
    const api = new KubeApi(options)
    await new Promise<void>(resolve => api.#server.listen(0, '127.0.0.1', () => resolve()))
    const address = api.#server.address()
    if (address !== null && typeof address !== 'string') api.#port = address.port
    return api
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map(client => client.close()))
    this.#server.closeAllConnections()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  get connection(): Connection {
    return { server: `http://127.0.0.1:${this.#port}`, namespace: 'default' }
  }

  /** A client of this server, on the real clock; it is closed with the server. `caller` shows in its calls. */
  client(caller = 'operator', requestTimeoutMs = 5000): HttpKubeClient {
    return this.#client(caller, requestTimeoutMs)
  }

  /** A client for everybody else: users, controllers of Kubernetes, the test. */
  bystander(): HttpKubeClient {
    return this.#client(BYSTANDER, 5000)
  }

  #client(userAgent: string, requestTimeoutMs: number): HttpKubeClient {
    const client = new HttpKubeClient({ connection: this.connection, clock: systemClock, userAgent, requestTimeoutMs })
    this.#clients.push(client)
    return client
  }

  /** Calls that came so far, those that went wrong included. */
  get calls(): readonly Call[] {
    return this.#calls
  }

  get writes(): readonly Call[] {
    return this.#calls.filter(isWrite)
  }

  /** Forgets the calls so far. */
  forgetCalls(): void {
    this.#calls = []
  }

  get(resource: Resource, name: Named): Manifest | undefined {
    const found = this.#table.get(resource, name)
    return found === undefined ? undefined : manifestSchema.parse(found)
  }

  list(resource: Resource, namespace?: string): readonly Manifest[] {
    return this.#table.list(resource, namespace).map(object => manifestSchema.parse(object))
  }

  get openWatches(): number {
    return this.#watches.size
  }

  /** Every watch is told that nothing happened up to now. */
  bookmark(): void {
    for (const watch of this.#watches) watch.bookmark()
  }

  /** Other things happen, and the history of all is forgotten: watches and pages from before get 410. */
  compact(): void {
    this.#table.advance()
    this.#table.compact()
    this.#registry.expirePages()
  }

  /** Ends all watches as the server does at their time limit. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end()
  }

  /** Breaks off all watches. */
  resetWatches(): void {
    for (const watch of this.#watches) watch.reset()
  }

  /** Watches that are open now stay open and say nothing more. */
  silenceWatches(): void {
    for (const watch of this.#watches) watch.silence()
  }

  /** What happens to the resource is not seen by watches until `thaw`. */
  freeze(resource: Resource): void {
    this.faults.freeze(resource)
  }

  /** What was held back is seen now; `isReversed`: what happened to other objects in another order. */
  thaw(isReversed = false): void {
    this.faults.thaw()
    for (const watch of this.#watches) watch.thaw(isReversed)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { method = 'GET', url = '/', headers } = request
      const call = parseCall({ method, url, caller: headers['user-agent'] ?? '' }, this.#resources)
      const body = await read(request)
      if (call.caller !== BYSTANDER) this.#calls.push(call)
      await this.#handle(call, body, request, response)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refuse(response, error)
    }
  }

  async #handle(call: Call, body: unknown, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = call.caller === BYSTANDER ? undefined : this.faults.take(call)
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'reset') {
      response.destroy()
      return
    }
    if (fault?.kind === 'refuse') throw new Refusal(fault.code, 'injected', fault.reason, fault.retryAfterSeconds)
    const metadataOnly = request.headers.accept?.includes('PartialObjectMetadata') === true
    if (call.verb === 'watch') {
      this.#watch({ call, response, metadataOnly })
      return
    }
    if (call.subresource === 'log') {
      const text = this.logs.answer(call)
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.end(text)
      return
    }
    const answer = call.verb === 'discover' ? this.#discover(call) : this.#answer(call, body, request)
    if (fault?.kind === 'reset after') response.destroy()
    else send(response, call.verb === 'create' ? 201 : 200, metadataOnly ? partial(answer) : answer)
  }

  #answer(call: Call, body: unknown, request: IncomingMessage): JsonObject {
    return this.#registry.answer(call, body, request.headers['content-type'] ?? '')
  }

  #discover({ resource: { group, version } }: Call): JsonObject {
    const resources = this.#resources
      .filter(known => known.group === group && known.version === version)
      .map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced }))
    return { kind: 'APIResourceList', apiVersion: 'v1', resources }
  }

  #watch({ call, response, metadataOnly }: { call: Call; response: ServerResponse; metadataOnly: boolean }): void {
    const watch = new WatchStream({ call, table: this.#table, faults: this.faults, response, metadataOnly })
    this.#watches.add(watch)
    const seconds = Number(call.query.get('timeoutSeconds') ?? 0)
    const timer = seconds > 0 ? this.#clock.setTimeout(() => watch.end(), seconds * 1000) : undefined
    response.on('close', () => {
      this.#watches.delete(watch)
      if (timer !== undefined) this.#clock.clearTimeout(timer)
    })
    watch.begin()
  }
}

const SIZED: ReadonlySet<string> = new Set(['deployments', 'statefulsets'])

/** As the real one: who does not say how many pods there are to be gets one, and owns nothing by that. */
function defaulted(object: JsonObject, _: JsonObject | undefined, { plural }: Resource): JsonObject {
  if (!SIZED.has(plural) || valueAt(object, ['spec', 'replicas']) !== undefined) return object
  return withValueAt(object, ['spec', 'replicas'], 1)
}

async function read(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  const text = Buffer.concat(chunks).toString('utf8')
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    throw new Refusal(400, 'the body is not JSON')
  }
}

function partial(answer: JsonObject): JsonObject {
  if (!Array.isArray(answer.items)) return metadataOf(answer)
  return { ...answer, kind: 'PartialObjectMetadataList', items: answer.items.filter(isObject).map(metadataOf) }
}

function send(response: ServerResponse, code: number, body: JsonObject): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  const { retryAfterSeconds } = refusal
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds))
  send(response, refusal.code, refusal.status)
}
