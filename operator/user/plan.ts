// What has to be done so that a user is as its KafScaleUser says: pure, from the spec and the user as the brokers know it.

import { type AclSpec, type KafScaleUser, userNameOf } from '../types/kaf-scale-user.ts'

/** The numbers that Kafka's protocol has for the words of a spec (KIP-11, KIP-290). */
const RESOURCE_TYPES = { topic: 2, group: 3, cluster: 4, transactionalId: 5 } as const
const PATTERN_TYPES = { literal: 3, prefix: 4 } as const
const PERMISSIONS = { deny: 2, allow: 3 } as const
const OPERATIONS = {
  All: 2,
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Alter: 7,
  Describe: 8,
  ClusterAction: 9,
  DescribeConfigs: 10,
  AlterConfigs: 11,
  IdempotentWrite: 12,
} as const
/** The only resource of type cluster. */
const CLUSTER_NAME = 'kafka-cluster'

export const SCRAM_MECHANISMS = { 'scram-sha-256': 1, 'scram-sha-512': 2 } as const

/** An ACL of a principal that is known from elsewhere. */
export interface Acl {
  readonly resourceType: number
  readonly resourceName: string
  readonly patternType: number
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

/** A user as the brokers tell of it. */
export interface LiveUser {
  /** Iterations by mechanism. */
  readonly scram: ReadonlyMap<number, number>
  readonly acls: readonly Acl[]
  readonly quotas: ReadonlyMap<string, number>
}

export const NOBODY: LiveUser = { scram: new Map(), acls: [], quotas: new Map() }

/** A password that the brokers are to know, marked by the number of iterations: see scram.ts. */
export interface WantedPassword {
  readonly mechanism: number
  readonly iterations: number
  readonly password: string
}

export type UserStep =
  | ({ readonly kind: 'set password'; readonly name: string } & WantedPassword)
  | { readonly kind: 'remove password'; readonly name: string; readonly mechanism: number }
  | { readonly kind: 'add acl'; readonly name: string; readonly acl: Acl }
  | { readonly kind: 'remove acl'; readonly name: string; readonly acl: Acl }
  | {
      readonly kind: 'quotas'
      readonly name: string
      readonly set: ReadonlyMap<string, number>
      readonly remove: readonly string[]
    }

/** Rights go before they come, so that at no moment somebody has more than before and after. */
export function planUser(
  user: Pick<KafScaleUser, 'metadata' | 'spec'>,
  password: WantedPassword | undefined,
  live: LiveUser,
): UserStep[] {
  const name = userNameOf(user)
  return [
    ...aclSteps(name, wantedAcls(user.spec.authorization?.acls ?? []), live.acls),
    ...quotaSteps(name, wantedQuotas(user.spec.quotas), live.quotas),
    ...passwordSteps(name, password, live.scram),
  ]
}

export const planRemoval = (user: Pick<KafScaleUser, 'metadata' | 'spec'>, live: LiveUser): UserStep[] => {
  const name = userNameOf(user)
  return [
    ...passwordSteps(name, undefined, live.scram),
    ...aclSteps(name, [], live.acls),
    ...quotaSteps(name, new Map(), live.quotas),
  ]
}

const keyOf = ({ resourceType, resourceName, patternType, host, operation, permissionType }: Acl): string =>
  JSON.stringify([resourceType, resourceName, patternType, host, operation, permissionType])

export function wantedAcls(acls: readonly AclSpec[]): Acl[] {
  const all = acls.flatMap(({ resource, operations, host, type }) =>
    operations.map(
      (operation): Acl => ({
        resourceType: RESOURCE_TYPES[resource.type],
        resourceName: resource.name ?? CLUSTER_NAME,
        patternType: PATTERN_TYPES[resource.patternType],
        host,
        operation: OPERATIONS[operation],
        permissionType: PERMISSIONS[type],
      }),
    ),
  )
  return [...new Map(all.map(acl => [keyOf(acl), acl])).values()]
}

function aclSteps(name: string, wanted: readonly Acl[], live: readonly Acl[]): UserStep[] {
  const [want, have] = [new Set(wanted.map(keyOf)), new Set(live.map(keyOf))]
  // What denies comes first and goes last.
  const denies = ({ permissionType }: Acl): boolean => permissionType === PERMISSIONS.deny
  const added = wanted.filter(acl => !have.has(keyOf(acl)))
  const removed = live.filter(acl => !want.has(keyOf(acl)))
  const add = (acl: Acl): UserStep => ({ kind: 'add acl', name, acl })
  const remove = (acl: Acl): UserStep => ({ kind: 'remove acl', name, acl })
  return [
    ...added.filter(denies).map(add),
    ...removed.filter(acl => !denies(acl)).map(remove),
    ...added.filter(acl => !denies(acl)).map(add),
    ...removed.filter(denies).map(remove),
  ]
}

const QUOTA_KEYS = {
  producerByteRate: 'producer_byte_rate',
  consumerByteRate: 'consumer_byte_rate',
  requestPercentage: 'request_percentage',
  controllerMutationRate: 'controller_mutation_rate',
} as const

function wantedQuotas(quotas: KafScaleUser['spec']['quotas']): ReadonlyMap<string, number> {
  const { producerByteRate, consumerByteRate, requestPercentage, controllerMutationRate } = quotas ?? {}
  const all: [string, number | undefined][] = [
    [QUOTA_KEYS.producerByteRate, producerByteRate],
    [QUOTA_KEYS.consumerByteRate, consumerByteRate],
    [QUOTA_KEYS.requestPercentage, requestPercentage],
    [QUOTA_KEYS.controllerMutationRate, controllerMutationRate],
  ]
  return new Map(all.flatMap(([key, value]): [string, number][] => (value === undefined ? [] : [[key, value]])))
}

function quotaSteps(name: string, wanted: ReadonlyMap<string, number>, live: ReadonlyMap<string, number>): UserStep[] {
  const set = new Map([...wanted].filter(([key, value]) => live.get(key) !== value))
  const remove = [...live.keys()].filter(key => !wanted.has(key))
  return set.size + remove.length === 0 ? [] : [{ kind: 'quotas', name, set, remove }]
}

function passwordSteps(
  name: string,
  wanted: WantedPassword | undefined,
  live: ReadonlyMap<number, number>,
): UserStep[] {
  const isSet = wanted !== undefined && live.get(wanted.mechanism) === wanted.iterations
  const others = [...live.keys()].filter(mechanism => mechanism !== wanted?.mechanism)
  return [
    ...(wanted === undefined || isSet ? [] : [{ kind: 'set password' as const, name, ...wanted }]),
    ...others.map((mechanism): UserStep => ({ kind: 'remove password', name, mechanism })),
  ]
}
