/**
 * Where the sockets' requests go: to the dispatcher of the broker's present life, or, between two lives, to a short wait
 * for the next one.
 */
import type { Dispatcher } from './api/dispatcher.ts'
import type { Client } from './api/handler.ts'
import { type Clock, sleep } from './clock.ts'
import type { Connection, Peer, Service } from './net/connection.ts'
import type { Authentication, Principal } from './security/authentication.ts'
import { type Access, type Authorizer, EVERYTHING } from './security/authorizer.ts'

/** A client whose broker is not back by then is better off with another one: its connection is closed. */
const LONGEST_WAIT_MS = 10_000

/** What the broker keeps for a connection. */
export class ClientContext implements Client {
  readonly listener: string
  readonly host: string
  readonly authentication: Authentication
  readonly #authorizer: Authorizer | undefined
  #access: Access = EVERYTHING
  /** Of whom `#access` is; a client is somebody else after it has authenticated. */
  #accessOf: Principal | undefined
  readonly #controller = new AbortController()
  softwareName = ''
  softwareVersion = ''
  #connection: Connection<ClientContext> | undefined

  /** `authenticate` is given what ends the connection once the answer in progress is sent. */
  constructor(
    { listener, remoteAddress }: Peer,
    authenticate: (end: () => void) => Authentication,
    authorizer: Authorizer | undefined,
  ) {
    this.#authorizer = authorizer
    this.listener = listener
    this.host = remoteAddress
    this.authentication = authenticate(() => this.#connection?.drain())
  }

  get access(): Access {
    const { principal } = this.authentication
    if (this.#authorizer !== undefined && this.#accessOf !== principal) {
      this.#access = this.#authorizer.accessOf(principal, this.host)
      this.#accessOf = principal
    }
    return this.#access
  }

  quiet(ms: number): void {
    this.#connection?.quiet(ms)
  }

  get gone(): AbortSignal {
    return this.#controller.signal
  }

  watch(connection: Connection<ClientContext>): void {
    if (this.#connection !== undefined) return
    this.#connection = connection
    connection.onClose(() => this.#controller.abort())
  }
}

export class BrokerService implements Service<ClientContext> {
  readonly #clock: Clock
  #dispatcher: Dispatcher | undefined
  #next = Promise.withResolvers<Dispatcher>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A life begins. */
  open(dispatcher: Dispatcher): void {
    this.#dispatcher = dispatcher
    this.#next.resolve(dispatcher)
  }

  /** A life has ended: requests wait for the next one. */
  suspend(): void {
    if (this.#dispatcher === undefined) return
    this.#dispatcher = undefined
    this.#next = Promise.withResolvers()
  }

  handle(frame: Buffer, connection: Connection<ClientContext>): Promise<readonly Buffer[] | null> {
    connection.context.watch(connection)
    if (this.#dispatcher !== undefined) return this.#dispatcher.handle(frame, connection.context)
    return this.#nextDispatcher().then(dispatcher => dispatcher.handle(frame, connection.context))
  }

  sent(response: readonly Buffer[]): void {
    this.#dispatcher?.sent(response)
  }

  async #nextDispatcher(): Promise<Dispatcher> {
    const late = sleep(this.#clock, LONGEST_WAIT_MS).then(() => {
      throw new Error('the broker is not ready')
    })
    return Promise.race([this.#next.promise, late])
  }
}
