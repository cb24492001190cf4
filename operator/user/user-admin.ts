// Users as the brokers have them, over one connection: what lives, and the steps of a plan carried out. Everything is asked for
// many users at once, so that a thousand of them cost a handful of requests.

import type { BrokerConnection } from '../../broker/client/connection.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import {
  newAlterClientQuotasRequest,
  newAlterUserScramCredentialsRequest,
  newCreateAclsRequest,
  newCreateAclsRequestCreation,
  newDeleteAclsRequest,
  newDeleteAclsRequestFilter,
  newDescribeAclsRequest,
  newDescribeClientQuotasRequest,
  newDescribeUserScramCredentialsRequest,
} from '../../broker/wire/messages.gen.ts'
import { type Refusal, refusal } from '../topic/topic-admin.ts'
import type { Acl, LiveUser, UserStep } from './plan.ts'
import { salted } from './scram.ts'

/** Above this a request would be large. */
const AT_ONCE = 500
const ANY = 1
const ANY_PATTERN = 1
const SPECIFIED = 2
const USER = 'user'
const DENY = 2

export const principalOf = (name: string): string => `User:${name}`

export interface LiveUsers {
  /** By name; who is not in it has nothing. */
  readonly users: ReadonlyMap<string, LiveUser>
  /** False where the brokers let everybody do everything. */
  readonly hasAcls: boolean
}

interface Draft {
  readonly scram: Map<number, number>
  readonly acls: Acl[]
  readonly quotas: Map<string, number>
}

type StepOf<Kind extends UserStep['kind']> = Extract<UserStep, { kind: Kind }>
type Note = (name: string, code: number, message: string | null) => void

/** The brokers do not answer a question about users. */
export class UsersUnreadable extends Error {
  override readonly name = 'UsersUnreadable'
}

export class UserAdmin {
  readonly #connection: BrokerConnection

  constructor(connection: BrokerConnection) {
    this.#connection = connection
  }

  /** All users. Rejects with BrokerUnreachable and with UsersUnreadable. */
  async describe(): Promise<LiveUsers> {
    const drafts = new Map<string, Draft>()
    const of = (name: string): Draft => {
      const draft = drafts.get(name) ?? { scram: new Map(), acls: [], quotas: new Map() }
      drafts.set(name, draft)
      return draft
    }
    await this.#describePasswords(of)
    await this.#describeQuotas(of)
    return { users: drafts, hasAcls: await this.#describeAcls(of) }
  }

  /** Carries out the steps, all of a kind in as few requests as can be; the answer has the refusals by name of user. */
  async execute(steps: readonly UserStep[]): Promise<ReadonlyMap<string, Refusal>> {
    const refusals = new Map<string, Refusal>()
    const note: Note = (name, code, message) => {
      if (code !== errorCode.NONE && !refusals.has(name)) refusals.set(name, refusal(code, message))
    }
    const [added, removed] = [only(steps, 'add acl'), only(steps, 'remove acl')]
    // At no moment may somebody do more than before and after.
    await this.#addAcls(added.filter(denies), note)
    await this.#removeAcls(
      removed.filter(step => !denies(step)),
      note,
    )
    await this.#addAcls(
      added.filter(step => !denies(step)),
      note,
    )
    await this.#removeAcls(removed.filter(denies), note)
    await this.#alterQuotas(only(steps, 'quotas'), note)
    await this.#alterPasswords(only(steps, 'set password'), only(steps, 'remove password'), note)
    return refusals
  }

  async #describePasswords(of: (name: string) => Draft): Promise<void> {
    const request = newDescribeUserScramCredentialsRequest({ users: null })
    const answer = await this.#connection.call('DescribeUserScramCredentials', request)
    if (answer.errorCode !== errorCode.NONE) throw unreadable(answer)
    for (const { user, credentialInfos } of answer.results) {
      for (const { mechanism, iterations } of credentialInfos) of(user).scram.set(mechanism, iterations)
    }
  }

  async #describeQuotas(of: (name: string) => Draft): Promise<void> {
    const components = [{ entityType: USER, matchType: SPECIFIED, match: null }]
    const request = newDescribeClientQuotasRequest({ components, strict: true })
    const answer = await this.#connection.call('DescribeClientQuotas', request)
    if (answer.errorCode !== errorCode.NONE) throw unreadable(answer)
    for (const { entity, values } of answer.entries ?? []) {
      const name = entity[0]?.entityName
      if (name === null || name === undefined) continue
      for (const { key, value } of values) of(name).quotas.set(key, value)
    }
  }

  async #describeAcls(of: (name: string) => Draft): Promise<boolean> {
    const request = newDescribeAclsRequest({
      resourceTypeFilter: ANY,
      resourceNameFilter: null,
      patternTypeFilter: ANY_PATTERN,
      principalFilter: null,
      hostFilter: null,
      operation: ANY,
      permissionType: ANY,
    })
    const answer = await this.#connection.call('DescribeAcls', request)
    if (answer.errorCode === errorCode.SECURITY_DISABLED) return false
    if (answer.errorCode !== errorCode.NONE) throw unreadable(answer)
    for (const { resourceType, resourceName, patternType, acls } of answer.resources) {
      for (const { principal, host, operation, permissionType } of acls) {
        const name = principal.startsWith('User:') ? principal.slice('User:'.length) : undefined
        if (name === undefined) continue
        of(name).acls.push({ resourceType, resourceName, patternType, host, operation, permissionType })
      }
    }
    return true
  }

  async #addAcls(steps: readonly StepOf<'add acl'>[], note: Note): Promise<void> {
    for (const some of portions(steps)) {
      const creations = some.map(({ name, acl: { patternType, ...acl } }) =>
        newCreateAclsRequestCreation({ ...acl, resourcePatternType: patternType, principal: principalOf(name) }),
      )
      const { results } = await this.#connection.call('CreateAcls', newCreateAclsRequest({ creations }))
      for (const [index, { errorCode: code, errorMessage }] of results.entries()) {
        note(some[index]?.name ?? '', code, errorMessage)
      }
    }
  }

  async #removeAcls(steps: readonly StepOf<'remove acl'>[], note: Note): Promise<void> {
    for (const some of portions(steps)) {
      const filters = some.map(({ name, acl }) =>
        newDeleteAclsRequestFilter({
          resourceTypeFilter: acl.resourceType,
          resourceNameFilter: acl.resourceName,
          patternTypeFilter: acl.patternType,
          principalFilter: principalOf(name),
          hostFilter: acl.host,
          operation: acl.operation,
          permissionType: acl.permissionType,
        }),
      )
      const { filterResults } = await this.#connection.call('DeleteAcls', newDeleteAclsRequest({ filters }))
      for (const [index, { errorCode: code, errorMessage, matchingAcls }] of filterResults.entries()) {
        const name = some[index]?.name ?? ''
        note(name, code, errorMessage)
        for (const one of matchingAcls) note(name, one.errorCode, one.errorMessage)
      }
    }
  }

  async #alterQuotas(steps: readonly StepOf<'quotas'>[], note: Note): Promise<void> {
    for (const some of portions(steps)) {
      const entries = some.map(({ name, set, remove }) => ({
        entity: [{ entityType: USER, entityName: name }],
        ops: [
          ...[...set].map(([key, value]) => ({ key, value, remove: false })),
          ...remove.map(key => ({ key, value: 0, remove: true })),
        ],
      }))
      const request = newAlterClientQuotasRequest({ entries, validateOnly: false })
      const answer = await this.#connection.call('AlterClientQuotas', request)
      for (const { entity, errorCode: code, errorMessage } of answer.entries) {
        note(entity[0]?.entityName ?? '', code, errorMessage)
      }
    }
  }

  async #alterPasswords(
    wanted: readonly StepOf<'set password'>[],
    surplus: readonly StepOf<'remove password'>[],
    note: Note,
  ): Promise<void> {
    const alter = async (request: Parameters<typeof newAlterUserScramCredentialsRequest>[0]): Promise<void> => {
      const { results } = await this.#connection.call(
        'AlterUserScramCredentials',
        newAlterUserScramCredentialsRequest(request),
      )
      for (const { user, errorCode: code, errorMessage } of results) {
        // Gone already is what was wanted.
        if (code !== errorCode.RESOURCE_NOT_FOUND) note(user, code, errorMessage)
      }
    }
    for (const some of portions(surplus)) {
      await alter({ deletions: some.map(({ name, mechanism }) => ({ name, mechanism })), upsertions: [] })
    }
    for (const some of portions(wanted)) {
      const upsertions = await Promise.all(
        some.map(async ({ name, mechanism, iterations, password }) => ({
          ...{ name, mechanism, iterations },
          ...(await salted(mechanism, password, iterations)),
        })),
      )
      await alter({ deletions: [], upsertions })
    }
  }
}

const denies = ({ acl }: { readonly acl: Acl }): boolean => acl.permissionType === DENY

function only<Kind extends UserStep['kind']>(steps: readonly UserStep[], kind: Kind): StepOf<Kind>[] {
  return steps.filter((step): step is StepOf<Kind> => step.kind === kind)
}

function* portions<Item>(items: readonly Item[]): Iterable<readonly Item[]> {
  for (let from = 0; from < items.length; from += AT_ONCE) yield items.slice(from, from + AT_ONCE)
}

const unreadable = ({ errorCode: code, errorMessage }: { errorCode: number; errorMessage: string | null }) =>
  new UsersUnreadable(refusal(code, errorMessage).message)
