/**
 * Handlers that count what clients ask for (KIP-13, KIP-599), tell those that are above their quota for how long to be quiet,
 * and do not listen to them for so long (KIP-219). Time on the processor is counted by the dispatcher.
 */
import type { Quotas } from '../security/quotas.ts'
import type { RequestOf, ResponseOf } from '../wire/api.ts'
import { errorCode, errorMessage } from '../wire/errors.ts'
import {
  type DeleteTopicsRequest,
  type FetchResponse,
  newCreatePartitionsResponse,
  newCreatePartitionsResponseResult,
  newCreateTopicsResponse,
  newCreateTopicsResponseTopic,
  newDeleteTopicsResponse,
  newDeleteTopicsResponseResponse,
  type ProduceRequest,
} from '../wire/messages.gen.ts'
import { topicName } from './authorization/guard.ts'
import type { Handler, Handlers, RequestContext } from './handler.ts'
import type { Parts } from './parts.ts'

type QuotaParts = Pick<Parts, 'quotas' | 'replica' | 'settings'>

/** From these versions on a client that is above its quota of changes is refused; others are only slowed down (KIP-599). */
const FIRST_STRICT = { CreateTopics: 6, DeleteTopics: 5, CreatePartitions: 3 } as const

const EXCEEDED = errorCode.THROTTLING_QUOTA_EXCEEDED

export function withQuotas(handlers: Handlers, parts: QuotaParts): Handlers {
  const { Produce, Fetch, CreateTopics, DeleteTopics, CreatePartitions } = handlers
  return {
    ...handlers,
    ...(Produce === undefined ? {} : { Produce: countingProduce(parts, Produce) }),
    ...(Fetch === undefined ? {} : { Fetch: countingFetch(parts, Fetch) }),
    ...(CreateTopics === undefined ? {} : { CreateTopics: counting(parts, CreateTopics, createTopics(parts)) }),
    ...(DeleteTopics === undefined ? {} : { DeleteTopics: counting(parts, DeleteTopics, deleteTopics(parts)) }),
    ...(CreatePartitions === undefined
      ? {}
      : { CreatePartitions: counting(parts, CreatePartitions, createPartitions(parts)) }),
  }
}

/** The ms for which the client has to be quiet; it is not listened to for so long. */
function count(
  quotas: Quotas,
  kind: Parameters<Quotas['record']>[0],
  { client, clientId }: RequestContext,
  amount: number,
): number {
  const quietMs = quotas.record(kind, { principal: client.authentication.principal, clientId }, amount)
  if (quietMs > 0) client.quiet(quietMs)
  return quietMs
}

function countingProduce({ quotas }: QuotaParts, handler: Handler<'Produce'>): Handler<'Produce'> {
  return async (request, context) => {
    const quietMs = count(quotas, 'produce', context, bytesIn(request))
    const answer = await handler(request, context)
    return answer && (quietMs === 0 ? answer : { ...answer, throttleTimeMs: quietMs })
  }
}

function bytesIn({ topicData }: ProduceRequest): number {
  let bytes = 0
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) for (const buffer of records ?? []) bytes += buffer.length
  }
  return bytes
}

function countingFetch({ quotas }: QuotaParts, handler: Handler<'Fetch'>): Handler<'Fetch'> {
  return async (request, context) => {
    const answer = await handler(request, context)
    const quietMs = answer === null ? 0 : count(quotas, 'fetch', context, bytesOut(answer))
    return answer && (quietMs === 0 ? answer : { ...answer, throttleTimeMs: quietMs })
  }
}

function bytesOut({ responses }: FetchResponse): number {
  let bytes = 0
  for (const { partitions } of responses) {
    for (const { records } of partitions) for (const buffer of records ?? []) bytes += buffer.length
  }
  return bytes
}

/** One of the requests that create or delete partitions. */
interface Mutation<Name extends keyof typeof FIRST_STRICT> {
  readonly name: Name
  /** How many it creates or deletes. */
  readonly partitions: (request: RequestOf<Name>) => number
  readonly refusal: (request: RequestOf<Name>) => ResponseOf<Name>
}

function counting<Name extends keyof typeof FIRST_STRICT>(
  { quotas }: QuotaParts,
  handler: Handler<Name>,
  { name, partitions, refusal }: Mutation<Name>,
): Handler<Name> {
  return async (request, context) => {
    const before = count(quotas, 'mutation', context, 0)
    if (before > 0 && context.version >= FIRST_STRICT[name]) return { ...refusal(request), throttleTimeMs: before }
    const quietMs = count(quotas, 'mutation', context, partitions(request))
    const answer = await handler(request, context)
    return answer && (quietMs === 0 ? answer : { ...answer, throttleTimeMs: quietMs })
  }
}

const REFUSAL = { errorCode: EXCEEDED, errorMessage: errorMessage(EXCEEDED) }

const createTopics = ({ settings }: QuotaParts): Mutation<'CreateTopics'> => ({
  name: 'CreateTopics',
  partitions: ({ topics, validateOnly }) => {
    if (validateOnly) return 0
    return topics.reduce((sum, { numPartitions, assignments }) => {
      if (assignments.length > 0) return sum + assignments.length
      return sum + (numPartitions > 0 ? numPartitions : settings.autoCreatePartitions)
    }, 0)
  },
  refusal: ({ topics }) =>
    newCreateTopicsResponse({ topics: topics.map(({ name }) => newCreateTopicsResponseTopic({ name, ...REFUSAL })) }),
})

const deleteTopics = ({ replica }: QuotaParts): Mutation<'DeleteTopics'> => ({
  name: 'DeleteTopics',
  partitions: request => {
    const { catalog } = replica.state
    return named(request).reduce((sum, { name, topicId }) => {
      const known = topicName(catalog, topicId === undefined ? { name } : { name, topicId })
      return sum + (catalog.byName.get(known ?? '')?.partitions.length ?? 0)
    }, 0)
  },
  refusal: ({ topics, topicNames }) =>
    newDeleteTopicsResponse({
      responses: [
        ...topicNames.map(name => newDeleteTopicsResponseResponse({ name, ...REFUSAL })),
        ...topics.map(({ name, topicId }) => newDeleteTopicsResponseResponse({ name, topicId, ...REFUSAL })),
      ],
    }),
})

const named = ({ topics, topicNames }: DeleteTopicsRequest) => [
  ...topicNames.map(name => ({ name, topicId: undefined })),
  ...topics.map(({ name, topicId }) => ({ name: name ?? '', topicId })),
]

const createPartitions = ({ replica }: QuotaParts): Mutation<'CreatePartitions'> => ({
  name: 'CreatePartitions',
  partitions: ({ topics, validateOnly }) => {
    if (validateOnly) return 0
    const { byName } = replica.state.catalog
    return topics.reduce(
      (sum, { name, count: wanted }) => sum + Math.max(0, wanted - (byName.get(name)?.partitions.length ?? wanted)),
      0,
    )
  },
  refusal: ({ topics }) =>
    newCreatePartitionsResponse({
      throttleTimeMs: 0,
      results: topics.map(({ name }) => newCreatePartitionsResponseResult({ name, ...REFUSAL })),
    }),
})
