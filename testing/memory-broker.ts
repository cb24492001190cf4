/**
 * A whole broker in memory, on a virtual clock, without sockets: for tests of what requests are answered with. Requests
 * and responses go through the dispatcher as bytes.
 */
import { Dispatcher, type DispatcherOptions } from '../broker/api/dispatcher.ts'
import type { Client } from '../broker/api/handler.ts'
import type { ApiSettings } from '../broker/api/parts.ts'
import { Core } from '../broker/core.ts'
import { Gaps } from '../broker/data/gaps.ts'
import { type LedgerFaults, MemoryLedger, noFaults } from '../broker/ledger/memory.ts'
import { MemoryStore } from '../broker/objects/memory.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { ANONYMOUS, withoutSasl } from '../broker/security/authentication.ts'
import { EVERYTHING } from '../broker/security/authorizer.ts'
import { FEATURE_LEVEL } from '../broker/state/commands.ts'
import {
  type ApiName,
  apis,
  type RequestOf,
  type ResponseOf,
  requestHeaderVersion,
  responseHeaderVersion,
} from '../broker/wire/api.ts'
import { readResponseHeader, writeRequestHeader } from '../broker/wire/messages.gen.ts'
import { Reader } from '../broker/wire/reader.ts'
import { Writer } from '../broker/wire/writer.ts'
import { SeededRandom } from './simulation/random.ts'
import { VirtualClock } from './virtual-clock.ts'

const BROKER_ID = 1
const CORRELATION_ID = 4711

export interface MemoryBrokerOptions {
  readonly api?: Partial<ApiSettings>
  readonly faults?: LedgerFaults
  readonly onRequest?: DispatcherOptions['onRequest']
}

export class MemoryBroker {
  readonly clock: VirtualClock
  readonly core: Core
  readonly store: MemoryStore
  readonly #dispatcher: Dispatcher

  static async start({ api = {}, faults = noFaults, onRequest }: MemoryBrokerOptions = {}): Promise<MemoryBroker> {
    const clock = new VirtualClock()
    const random = new SeededRandom(1)
    const store = new MemoryStore()
    const core = await clock.until(
      Core.start({
        clock,
        ledger: new MemoryLedger().connect(clock, faults),
        store,
        random: { uuid: () => random.uuid(), int: max => random.int(1, max) },
        log: createLogger('silent'),
        brokerId: BROKER_ID,
        info: {
          featureLevel: FEATURE_LEVEL,
          software: 'test',
          rack: 'zone-a',
          listeners: [{ name: 'PLAINTEXT', host: 'broker.test', port: 9092, shared: false }],
        },
        prefix: 'test',
        gaps: new Gaps(clock),
        api: brokerId => ({
          brokerId,
          autoCreateTopics: false,
          // With the guards in place, whose client may do everything.
          usesAcls: true,
          autoCreatePartitions: 2,
          maxPartitionsPerTopic: 100,
          maxPartitions: 200,
          logDir: 'memory',
          brokerConfigs: new Map([['broker.id', String(brokerId)]]),
          ...api,
        }),
        flush: {
          windowBytes: 65_536,
          maxWaitMs: 1,
          uploadSlots: 2,
          putsPerSecond: Number.POSITIVE_INFINITY,
          memoryBytes: 64 * 1024 * 1024,
        },
        cacheBytes: 1_000_000,

        fetchMemoryBytes: 64 * 1024 * 1024,
        groups: {
          initialRebalanceDelayMs: 0,
          minSessionTimeoutMs: 1000,
          maxSessionTimeoutMs: 1_800_000,
          maxSize: 10,
          offsetsRetentionMs: 604_800_000,
        },
        upkeep: {
          checkpointEveryMs: 30_000,
          retentionEveryMs: 300_000,
          rollUpEveryMs: 30_000,
          sweepEveryMs: 30_000,
        },
        traffic: { produced: () => {}, fetched: () => {}, forgetTopic: () => {} },
        onLost: () => {},
      }),
    )
    const dispatcher = new Dispatcher({
      handlers: core.handlers,
      clock,
      ...(onRequest === undefined ? {} : { onRequest }),
    })
    return new MemoryBroker(clock, core, store, dispatcher)
  }

  private constructor(clock: VirtualClock, core: Core, store: MemoryStore, dispatcher: Dispatcher) {
    this.clock = clock
    this.core = core
    this.store = store
    this.#dispatcher = dispatcher
  }

  /** Resolves with null when the request is one without an answer; rejects when the connection would be closed. */
  async ask<Name extends ApiName>(
    name: Name,
    version: number,
    request: RequestOf<Name>,
    client: Partial<Client> = {},
  ): Promise<ResponseOf<Name> | null> {
    const answer = await this.send(encodeRequest(name, version, request), client)
    return answer === null ? null : decodeResponse(name, version, answer)
  }

  /** As `ask`, for requests that have an answer. */
  async answerTo<Name extends ApiName>(
    name: Name,
    version: number,
    request: RequestOf<Name>,
    client: Partial<Client> = {},
  ): Promise<ResponseOf<Name>> {
    const answer = await this.ask(name, version, request, client)
    if (answer === null) throw new Error(`${name} was not answered`)
    return answer
  }

  /** A whole request without its length, as it came from a socket; the client may do everything unless it says otherwise. */
  async send(frame: Buffer, client: Partial<Client> = {}): Promise<Buffer | null> {
    const buffers = await this.clock.until(this.#dispatcher.handle(frame, { ...newClient(), ...client }))
    return buffers === null ? null : Buffer.concat(buffers)
  }

  async stop(): Promise<void> {
    await this.clock.until(this.core.stop())
  }
}

export function encodeRequest<Name extends ApiName>(name: Name, version: number, request: RequestOf<Name>): Buffer {
  const api = apis[name]
  const writer = new Writer()
  const header = { requestApiKey: api.key, requestApiVersion: version, correlationId: CORRELATION_ID, clientId: 'test' }
  writeRequestHeader(writer, header, requestHeaderVersion(name, version))
  api.writeRequest(writer, request, version)
  return Buffer.concat(writer.finish().buffers)
}

export function decodeResponse<Name extends ApiName>(name: Name, version: number, bytes: Buffer): ResponseOf<Name> {
  const reader = new Reader(bytes)
  const { correlationId } = readResponseHeader(reader, responseHeaderVersion(name, version))
  if (correlationId !== CORRELATION_ID) throw new Error(`the answer is for request ${correlationId}`)
  const response = apis[name].readResponse(reader, version)
  reader.expectEnd()
  return response
}

function newClient(): Client {
  return {
    listener: 'PLAINTEXT',
    host: '127.0.0.1',
    gone: new AbortController().signal,
    authentication: withoutSasl(ANONYMOUS),
    access: EVERYTHING,
    quiet: () => {},
    softwareName: '',
    softwareVersion: '',
  }
}
