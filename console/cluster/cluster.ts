/**
 * A Kafka cluster as one user sees it: connections to its brokers, opened when they are needed and again when they broke.
 *
 * Promises: what the user may not see by Kafka's own rules is not seen here, because every question is asked with the
 * user's own login; a broker that does not answer costs the time limit once, and is asked last then.
 */
import type { Address } from '../../broker/client/address.ts'
import { BrokerConnection, type BrokerConnectionOptions, BrokerUnreachable } from '../../broker/client/connection.ts'
import { AuthenticationFailed } from '../../broker/security/sasl.ts'
import type { ApiName, RequestOf, ResponseOf } from '../../broker/wire/api.ts'
import { errorCode, errorMessage, errorName } from '../../broker/wire/errors.ts'
import { newDescribeClusterRequest, newFindCoordinatorRequest } from '../../broker/wire/messages.gen.ts'

export interface ClusterOptions extends Pick<BrokerConnectionOptions, 'clock' | 'timeoutMs' | 'login'> {
  /** For brokers with TLS: whom to trust and what to show, asked for each connection, as it may be renewed. */
  readonly tls?: (() => BrokerConnectionOptions['tls']) | undefined
  /** Tried in this order. */
  readonly bootstrap: readonly Address[]
}

export interface BrokerPlace extends Address {
  readonly id: number
  readonly rack: string | null
}

export interface ClusterFacts {
  readonly id: string
  readonly controllerId: number
  readonly brokers: readonly BrokerPlace[]
  /** Bit field of KIP-430. */
  readonly operations: number
}

/** A broker answered with an error of Kafka's. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: number
  constructor(code: number, message: string | null = null) {
    super(`${errorName(code) ?? code}: ${message ?? errorMessage(code)}`)
    this.code = code
  }
}

/** Throws Refused. */
export function refuse(code: number, message: string | null = null): void {
  if (code !== errorCode.NONE) throw new Refused(code, message)
}

const CLIENT_ID = 'kafscale-console'
const LARGEST_ANSWER = 32 * 1024 * 1024
const GROUP = 0

export class Cluster {
  readonly #options: ClusterOptions
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  /** The bootstrap brokers, in the order in which they are asked. */
  #order: readonly Address[]
  readonly #ended = new AbortController()

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#order = options.bootstrap
  }

  /** Asks one of the bootstrap brokers. Rejects with BrokerUnreachable or AuthenticationFailed. */
  async ask<Name extends ApiName>(
    name: Name,
    request: RequestOf<Name>,
    atMostVersion?: number,
  ): Promise<ResponseOf<Name>> {
    let problem: unknown
    for (const address of this.#order) {
      try {
        return await this.askBroker(address, name, request, atMostVersion)
      } catch (cause) {
        if (!(cause instanceof BrokerUnreachable)) throw cause
        problem ??= cause
        // Whoever did not answer is asked last from now on.
        this.#order = [...this.#order.filter(other => other !== address), address]
      }
    }
    throw problem
  }

  /** The same of a certain broker. */
  async askBroker<Name extends ApiName>(
    address: Address,
    name: Name,
    request: RequestOf<Name>,
    atMostVersion?: number,
  ): Promise<ResponseOf<Name>> {
    try {
      const connection = await this.#connection(address)
      return await connection.call(name, request, atMostVersion === undefined ? {} : { atMostVersion })
    } catch (cause) {
      throw this.#ended.signal.aborted ? new AuthenticationFailed('the user has signed out') : cause
    }
  }

  async facts(): Promise<ClusterFacts> {
    const request = newDescribeClusterRequest({ includeClusterAuthorizedOperations: true })
    const answer = await this.ask('DescribeCluster', request)
    refuse(answer.errorCode, answer.errorMessage)
    const brokers = answer.brokers.map(({ brokerId: id, host, port, rack }) => ({ id, host, port, rack }))
    return {
      id: answer.clusterId,
      controllerId: answer.controllerId,
      brokers: brokers.sort((a, b) => a.id - b.id),
      operations: answer.clusterAuthorizedOperations,
    }
  }

  /** The broker that looks after a group. Rejects with Refused. */
  async coordinator(group: string): Promise<Address> {
    const request = newFindCoordinatorRequest({ keyType: GROUP, coordinatorKeys: [group] })
    const { coordinators } = await this.ask('FindCoordinator', request)
    const [found] = coordinators
    if (found === undefined) throw new Refused(errorCode.COORDINATOR_NOT_AVAILABLE)
    refuse(found.errorCode, found.errorMessage)
    return found
  }

  /** Questions that are asked, or go on, after it reject with AuthenticationFailed. */
  close(): void {
    this.#ended.abort()
    this.#connections.clear()
  }

  async #connection(address: Address): Promise<BrokerConnection> {
    const key = `${address.host}:${address.port}`
    const known = this.#connections.get(key)
    const connection = await known?.catch(() => undefined)
    if (connection?.isOpen) return connection
    // Somebody else may have begun anew in the meantime.
    const current = this.#connections.get(key)
    if (current !== undefined && current !== known) return current
    const { host, port } = address
    const { bootstrap: _, tls, ...options } = this.#options
    const material = tls?.()
    const opening = BrokerConnection.open({
      ...options,
      ...(material === undefined ? {} : { tls: material }),
      signal: this.#ended.signal,
      host,
      port,
      clientId: CLIENT_ID,
      largestAnswer: LARGEST_ANSWER,
    })
    this.#connections.set(key, opening)
    return opening
  }
}
