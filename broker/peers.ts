/**
 * Connections to the other brokers of the cluster, by which requests are passed on to the coordinators of groups.
 *
 * A request that is passed on may wait long (a join for its rebalance), so each has a connection to itself; connections
 * that are idle are used again, and closed after a while.
 *
 * Where the listener among brokers has TLS a peer is whoever stands for its address, or shows the name that this broker shows
 * itself: pods have addresses that no certificate can know beforehand.
 */
import { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { Peers } from './api/forwarding.ts'
import { BrokerConnection } from './client/connection.ts'
import type { Clock } from './clock.ts'
import type { Epoch } from './ledger/ledger.ts'
import type { TlsMaterial } from './net/tls-acceptor.ts'
import type { Member } from './state/members.ts'
import type { ApiName, RequestOf, ResponseOf } from './wire/api.ts'

const CONNECT_MS = 5000
const CALL_MS = 10_000
/** A member may wait for the others of its group: as long as they may take between two polls by default, and some. */
const LONGEST_WAIT_MS = 330_000
const WAITS: ReadonlySet<ApiName> = new Set(['JoinGroup', 'SyncGroup'])
const IDLE_MS = 60_000
const MOST_IDLE = 32

interface Idle {
  readonly connection: BrokerConnection
  readonly since: number
}

export class BrokerPeers implements Peers {
  readonly #clock: Clock
  readonly #listener: string
  readonly #tls: () => TlsMaterial | undefined
  /** By epoch: a new life of a broker is another peer. */
  readonly #idle = new Map<Epoch, Idle[]>()
  readonly #busy = new Map<BrokerConnection, Epoch>()

  /** `listener`: name of that by which brokers reach each other; `tls`: what this broker shows there, and whom it trusts. */
  constructor(clock: Clock, listener: string, tls: () => TlsMaterial | undefined = () => undefined) {
    this.#clock = clock
    this.#listener = listener
    this.#tls = tls
  }

  async ask<Name extends ApiName>(
    member: Member,
    name: Name,
    request: RequestOf<Name>,
    { version, clientId }: { readonly version: number; readonly clientId: string },
  ): Promise<ResponseOf<Name>> {
    const connection = this.#takeIdle(member) ?? (await this.#connect(member))
    this.#busy.set(connection, member.epoch)
    try {
      const options = { atMostVersion: version, clientId, timeoutMs: WAITS.has(name) ? LONGEST_WAIT_MS : CALL_MS }
      const answer = await connection.call(name, request, options)
      this.#giveBack(member, connection)
      return answer
    } finally {
      this.#busy.delete(connection)
    }
  }

  close(): void {
    for (const idle of this.#idle.values()) for (const { connection } of idle) connection.close()
    for (const connection of this.#busy.keys()) connection.close()
    this.#idle.clear()
  }

  /** A broker that is frozen answers nothing and breaks no connection; it is gone when its session is. */
  retain(epochs: ReadonlySet<Epoch>): void {
    for (const [connection, epoch] of this.#busy) if (!epochs.has(epoch)) connection.close()
    for (const [epoch, idle] of this.#idle) {
      if (epochs.has(epoch)) continue
      for (const { connection } of idle) connection.close()
      this.#idle.delete(epoch)
    }
  }

  #connect(member: Member): Promise<BrokerConnection> {
    const address = member.listeners.find(({ name }) => name === this.#listener)
    if (address === undefined) throw new Error(`broker ${member.brokerId} has no listener ${this.#listener}`)
    const { host, port } = address
    const clock = this.#clock
    const tls = this.#tls()
    const options = { host, port, clock, clientId: 'kafscale-broker', timeoutMs: CONNECT_MS }
    if (tls === undefined) return BrokerConnection.open(options)
    return BrokerConnection.open({ ...options, tls: { ...tls, checkServerIdentity: peerCheck(tls) } })
  }

  #takeIdle({ epoch }: Member): BrokerConnection | undefined {
    this.#closeOld()
    const idle = this.#idle.get(epoch) ?? []
    for (let next = idle.pop(); next !== undefined; next = idle.pop())
      if (next.connection.isOpen) return next.connection
    return undefined
  }

  #giveBack({ epoch }: Member, connection: BrokerConnection): void {
    const idle = this.#idle.get(epoch) ?? []
    if (!connection.isOpen) return
    if (idle.length >= MOST_IDLE) connection.close()
    else this.#idle.set(epoch, [...idle, { connection, since: this.#clock.monotonic() }])
  }

  #closeOld(): void {
    const before = this.#clock.monotonic() - IDLE_MS
    for (const [epoch, idle] of this.#idle) {
      const kept = idle.filter(({ since, connection }) => {
        if (since < before) connection.close()
        return connection.isOpen
      })
      if (kept.length === 0) this.#idle.delete(epoch)
      else this.#idle.set(epoch, kept)
    }
  }
}

/** For `tls.connect`: the error says why somebody is no peer. */
function peerCheck({ cert }: TlsMaterial): (host: string, shown: PeerCertificate) => Error | undefined {
  const own = new X509Certificate(cert).subject
  return (host, shown) =>
    own !== undefined && new X509Certificate(shown.raw).subject === own ? undefined : checkServerIdentity(host, shown)
}
