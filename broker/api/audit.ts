/**
 * Who changed what: one note for each request that changes topics, settings, users, ACLs, quotas or groups, with the codes of
 * what was refused of it. Names only: values may be secret, and are in the ledger anyhow.
 */
import type { ApiName, RequestOf } from '../wire/api.ts'
import { errorName } from '../wire/errors.ts'
import { errorCodesIn } from './error-codes.ts'
import type { Handler, Handlers } from './handler.ts'

export interface AuditNote {
  readonly api: ApiName
  readonly principal: string
  readonly host: string
  readonly subjects: readonly string[]
  /** Names of Kafka's errors; none when all of it was done. */
  readonly errors: readonly string[]
}

/** A request may name thousands. */
const MOST_SUBJECTS = 20

type Subjects<Name extends ApiName> = (request: RequestOf<Name>) => readonly string[]

export function withAudit(handlers: Handlers, note: (note: AuditNote) => void): Handlers {
  const on = <Name extends ApiName>(name: Name, handler: Handler<Name> | undefined, subjects: Subjects<Name>) =>
    audited(name, handler, subjects, note)
  return {
    ...handlers,
    CreateTopics: on('CreateTopics', handlers.CreateTopics, ({ topics }) => topics.map(({ name }) => name)),
    DeleteTopics: on('DeleteTopics', handlers.DeleteTopics, ({ topics, topicNames }) => [
      ...topicNames,
      ...topics.map(({ name, topicId }) => name ?? topicId),
    ]),
    CreatePartitions: on('CreatePartitions', handlers.CreatePartitions, ({ topics }) =>
      topics.map(({ name, count }) => `${name}: ${count}`),
    ),
    DeleteRecords: on('DeleteRecords', handlers.DeleteRecords, ({ topics }) => topics.map(({ name }) => name)),
    AlterConfigs: on('AlterConfigs', handlers.AlterConfigs, ({ resources }) => resources.map(changedConfig)),
    IncrementalAlterConfigs: on('IncrementalAlterConfigs', handlers.IncrementalAlterConfigs, ({ resources }) =>
      resources.map(changedConfig),
    ),
    DeleteGroups: on('DeleteGroups', handlers.DeleteGroups, ({ groupsNames }) => groupsNames),
    OffsetDelete: on('OffsetDelete', handlers.OffsetDelete, ({ groupId }) => [groupId]),
    CreateAcls: on('CreateAcls', handlers.CreateAcls, ({ creations }) =>
      creations.map(({ principal, resourceName }) => `${principal} on ${resourceName}`),
    ),
    DeleteAcls: on('DeleteAcls', handlers.DeleteAcls, ({ filters }) =>
      filters.map(
        ({ principalFilter, resourceNameFilter }) => `${principalFilter ?? '*'} on ${resourceNameFilter ?? '*'}`,
      ),
    ),
    AlterClientQuotas: on('AlterClientQuotas', handlers.AlterClientQuotas, ({ entries }) =>
      entries.map(({ entity }) => entity.map(one => `${one.entityType} ${one.entityName ?? '(default)'}`).join(', ')),
    ),
    AlterUserScramCredentials: on(
      'AlterUserScramCredentials',
      handlers.AlterUserScramCredentials,
      ({ deletions, upsertions }) => [...deletions, ...upsertions].map(({ name }) => name),
    ),
  }
}

interface ChangedResource {
  readonly resourceName: string
  readonly configs: readonly { readonly name: string }[]
}

function changedConfig({ resourceName, configs }: ChangedResource): string {
  return `${resourceName}: ${configs.map(({ name }) => name).join(', ')}`
}

function audited<Name extends ApiName>(
  api: Name,
  handler: Handler<Name> | undefined,
  subjects: Subjects<Name>,
  note: (note: AuditNote) => void,
): Handler<Name> {
  if (handler === undefined) throw new Error(`there is no handler of ${api}`)
  return async (request, context) => {
    const answer = await handler(request, context)
    const { authentication, host } = context.client
    const errors = new Set(errorCodesIn(answer).map(code => errorName(code) ?? String(code)))
    note({
      ...{ api, principal: authentication.principal, host, errors: [...errors] },
      subjects: subjects(request).slice(0, MOST_SUBJECTS),
    })
    return answer
  }
}
