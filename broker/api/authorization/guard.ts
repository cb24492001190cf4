/** What the guards of requests have in common: a guard stands before a handler and keeps from it what its client may not do. */
import { operation, resourceType } from '../../security/acl.ts'
import type { Access } from '../../security/authorizer.ts'
import type { Catalog } from '../../state/catalog.ts'
import type { ApiName } from '../../wire/api.ts'
import { ZERO_UUID } from '../../wire/uuid.ts'
import type { Handler } from '../handler.ts'

export type Guard<Name extends ApiName> = (handler: Handler<Name>) => Handler<Name>

export interface Named {
  readonly name: string
  /** The zero UUID, or none, for a topic that is named by its name. */
  readonly topicId?: string
}

/** Undefined for an id that no topic has. */
export function topicName(catalog: Catalog, { name, topicId = ZERO_UUID }: Named): string | undefined {
  return topicId === ZERO_UUID ? name : catalog.byId.get(topicId)?.name
}

export interface Split<Item> {
  readonly allowed: Item[]
  readonly refused: Item[]
}

export function split<Item>(items: readonly Item[], isAllowed: (item: Item) => boolean): Split<Item> {
  const allowed: Item[] = []
  const refused: Item[] = []
  for (const item of items) (isAllowed(item) ? allowed : refused).push(item)
  return { allowed, refused }
}

/** Those topics with which the client may do that. What has no name is left to the handler, which does not know it either. */
export function splitTopics<Item extends Named>(
  access: Access,
  catalog: Catalog,
  wanted: number,
  topics: readonly Item[],
): Split<Item> {
  return split(topics, topic => {
    const name = topicName(catalog, topic)
    return name === undefined || access.may(wanted, resourceType.TOPIC, name)
  })
}

export const mayDescribe = (access: Access, topic: string): boolean =>
  access.may(operation.DESCRIBE, resourceType.TOPIC, topic)
