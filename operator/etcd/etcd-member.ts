// One member of etcd, as whoever looks after it talks to it: each call goes to this member, once, and has a deadline.

import { AlarmAction, AlarmType, Etcd3 } from 'etcd3'

/** PEM texts. */
export interface EtcdTls {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export interface MemberStatus {
  /** Ids are texts: they are larger than a number can be. */
  readonly id: string
  /** `0` while there is none. */
  readonly leader: string
  readonly version: string
  /** Bytes of the database file, and those of them that hold something. */
  readonly fileBytes: number
  readonly usedBytes: number
  readonly revision: number
}

export interface ListedMember {
  readonly id: string
  /** Empty for one that was added and not started yet. */
  readonly name: string
  readonly peerUrls: readonly string[]
  /** Empty for one that never was started. */
  readonly clientUrls: readonly string[]
}

export type Alarm = 'NOSPACE' | 'CORRUPT'

const CALL_MS = 5000
/** A member answers nothing while it is defragmented; about a second for 100 MB. */
const DEFRAGMENT_MS = 120_000

/** Passes calls through: retries of etcd3 would hide from us what became of a request. */
class PassThrough {
  declare readonly _altReturn: never
  readonly onSuccess = () => ({ dispose: () => {} })
  readonly onFailure = () => ({ dispose: () => {} })
  async execute<T>(call: (context: { signal: AbortSignal }) => PromiseLike<T> | T): Promise<T> {
    return call({ signal: new AbortController().signal })
  }
}

export class EtcdMember {
  readonly endpoint: string
  readonly #etcd: Etcd3

  /** `https://host:port` with TLS. */
  constructor(endpoint: string, tls: EtcdTls | undefined) {
    this.endpoint = endpoint
    const credentials = tls && {
      rootCertificate: Buffer.from(tls.ca),
      certChain: Buffer.from(tls.cert),
      privateKey: Buffer.from(tls.key),
    }
    const passThrough = new PassThrough()
    this.#etcd = new Etcd3({
      hosts: [endpoint],
      ...(credentials === undefined ? {} : { credentials }),
      defaultCallOptions: ({ isStream, method }) =>
        isStream ? {} : { deadline: Date.now() + (method === 'defragment' ? DEFRAGMENT_MS : CALL_MS) },
      faultHandling: { host: () => passThrough, global: passThrough },
      grpcOptions: { 'grpc.max_receive_message_length': -1, 'grpc.initial_reconnect_backoff_ms': 100 },
    })
  }

  async status(): Promise<MemberStatus> {
    const { header, version, leader, dbSize, dbSizeInUse } = await this.#etcd.maintenance.status()
    const { member_id: id, revision } = header
    const sizes = { fileBytes: Number(dbSize), usedBytes: Number(dbSizeInUse) }
    return { id, leader, version, ...sizes, revision: Number(revision) }
  }

  /** A linearizable read: rejects unless a majority of the members works. */
  async value(key: string): Promise<Buffer | undefined> {
    const { kvs } = await this.#etcd.kv.range({ key: Buffer.from(key) })
    return kvs[0]?.value
  }

  async members(): Promise<readonly ListedMember[]> {
    const { members } = await this.#etcd.cluster.memberList({})
    return members.map(({ ID, name, peerURLs, clientURLs }) => ({
      id: ID,
      name,
      peerUrls: peerURLs,
      clientUrls: clientURLs,
    }))
  }

  async addMember(peerUrl: string): Promise<void> {
    await this.#etcd.cluster.memberAdd({ peerURLs: [peerUrl] })
  }

  async removeMember(id: string): Promise<void> {
    await this.#etcd.cluster.memberRemove({ ID: id })
  }

  /** Alarms of all members. */
  async alarms(): Promise<readonly { readonly member: string; readonly alarm: Alarm }[]> {
    const { alarms } = await this.#etcd.maintenance.alarm({
      action: AlarmAction.Get,
      memberID: '0',
      alarm: AlarmType.None,
    })
    return alarms.flatMap(({ memberID, alarm }) => {
      // As names or as numbers: etcd3 declares the numbers and gives the names that are on the wire.
      const kind = ALARMS[String(alarm).toUpperCase()]
      return kind === undefined ? [] : [{ member: memberID, alarm: kind }]
    })
  }

  async disarm(member: string): Promise<void> {
    await this.#etcd.maintenance.alarm({ action: AlarmAction.Deactivate, memberID: member, alarm: AlarmType.Nospace })
  }

  /** Drops the history before `revision`, and frees its space inside of the database file. */
  async compact(revision: number): Promise<void> {
    await this.#etcd.kv.compact({ revision: String(revision), physical: true }).catch((error: unknown) => {
      if (!/compacted/.test(String(error))) throw error
    })
  }

  /** Gives free space inside of the file back. The member answers nobody meanwhile. */
  async defragment(): Promise<void> {
    await this.#etcd.maintenance.defragment()
  }

  /** The database file, piece by piece, with its SHA-256 at the end (etcd's `Snapshot`). */
  async *snapshot(): AsyncGenerator<Buffer> {
    const stream = await this.#etcd.maintenance.snapshot()
    const pieces: Buffer[] = []
    const state: { end: 'open' | 'ended' | Error } = { end: 'open' }
    let wake = (): void => {}
    stream.on('data', ({ blob }) => {
      pieces.push(blob)
      wake()
    })
    stream.on('error', cause => {
      state.end = cause instanceof Error ? cause : new Error(String(cause))
      wake()
    })
    stream.on('end', () => {
      if (state.end === 'open') state.end = 'ended'
      wake()
    })
    for (;;) {
      const piece = pieces.shift()
      if (piece !== undefined) yield piece
      else if (state.end === 'ended') return
      else if (state.end !== 'open') throw state.end
      else
        await new Promise<void>(resolve => {
          wake = resolve
        })
    }
  }

  close(): void {
    this.#etcd.close()
  }
}

const ALARMS: Readonly<Record<string, Alarm>> = { NOSPACE: 'NOSPACE', 1: 'NOSPACE', CORRUPT: 'CORRUPT', 2: 'CORRUPT' }
