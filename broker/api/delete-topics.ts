/** DeleteTopics, by name and from version 6 on by id (KIP-516): each by itself, all in one entry of the ledger. */
import type { Catalog, Topic } from '../state/catalog.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type DeleteTopicsRequestTopic,
  type DeleteTopicsResponseResponse,
  newDeleteTopicsRequestTopic,
  newDeleteTopicsResponse,
  newDeleteTopicsResponseResponse,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import { failure, type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { findTopic } from './topic-lookup.ts'

const FIRST_VERSION_BY_ID = 6

export function deleteTopics({ replica }: Pick<Parts, 'replica'>): Handler<'DeleteTopics'> {
  return async (request, { version }) => {
    const wanted =
      version >= FIRST_VERSION_BY_ID
        ? request.topics
        : request.topicNames.map(name => newDeleteTopicsRequestTopic({ name, topicId: ZERO_UUID }))
    const unavailable = await replica.barrier().then(() => undefined, failure)
    const twice = namedTwice(replica.state.catalog, wanted)
    // What is named twice is refused once.
    const distinct = [...new Map(wanted.map(one => [named(one), one])).values()]
    const responses = distinct.map(async one => {
      const wrong = formProblem(one) ?? (twice.has(named(one)) ? duplicate(one) : unavailable)
      if (wrong !== undefined) return refusal(one, wrong)
      const found = findTopic(replica.state.catalog, one.name ?? '', one.topicId)
      return 'errorCode' in found ? refusal(one, problem(found.errorCode)) : remove(replica, one, found.value)
    })
    return newDeleteTopicsResponse({ responses: await Promise.all(responses) })
  }
}

function formProblem({ name, topicId }: DeleteTopicsRequestTopic): Problem | undefined {
  const refuse = (message: string): Problem => problem(errorCode.INVALID_REQUEST, message)
  if (name === null) return topicId === ZERO_UUID ? refuse('Neither topic name nor id were specified.') : undefined
  return topicId === ZERO_UUID ? undefined : refuse('You may not specify both topic name and topic id.')
}

function duplicate({ name }: DeleteTopicsRequestTopic): Problem {
  return problem(errorCode.INVALID_REQUEST, name === null ? 'Duplicate topic id.' : 'Duplicate topic name.')
}

function named({ name, topicId }: DeleteTopicsRequestTopic): string {
  return `${name ?? ''}/${topicId}`
}

/** All that name a topic that another one names as well, be it one by name and one by id. */
function namedTwice(catalog: Catalog, wanted: readonly DeleteTopicsRequestTopic[]): ReadonlySet<string> {
  const seen = new Map<string, string>()
  const twice = new Set<string>()
  for (const one of wanted) {
    const id = named(one)
    const found = findTopic(catalog, one.name ?? '', one.topicId)
    const target = 'value' in found ? found.value.id : id
    const other = seen.get(target)
    if (other !== undefined) twice.add(other).add(id)
    seen.set(target, id)
  }
  return twice
}

async function remove(
  replica: Parts['replica'],
  wanted: DeleteTopicsRequestTopic,
  { id, name }: Topic,
): Promise<DeleteTopicsResponseResponse> {
  try {
    const { errorCode: code } = await replica.submit({ type: 'deleteTopic', body: { topicId: id } })
    if (code === errorCode.NONE) return newDeleteTopicsResponseResponse({ name, topicId: id, errorCode: code })
    // Somebody else was faster: a name is unknown then in another way than an id.
    return refusal(wanted, problem(wanted.name === null ? code : errorCode.UNKNOWN_TOPIC_OR_PARTITION))
  } catch (cause) {
    return refusal(wanted, failure(cause))
  }
}

function refusal(
  { name, topicId }: DeleteTopicsRequestTopic,
  { errorCode: code, message }: Problem,
): DeleteTopicsResponseResponse {
  return newDeleteTopicsResponseResponse({ name, topicId, errorCode: code, errorMessage: message })
}
