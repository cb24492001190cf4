/** The words of ACLs and the numbers that Kafka's protocol has for them (KIP-11, KIP-290, KIP-373, KIP-554). */

export const resourceType = {
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const

export const patternType = { ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const

export const operation = {
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const

export const permission = { ANY: 1, DENY: 2, ALLOW: 3 } as const

/** The only resource of type CLUSTER. */
export const CLUSTER_NAME = 'kafka-cluster'

/** Stands for every name, every principal's name, every host. */
export const WILDCARD = '*'

const { READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS } = operation

/** What can be done with a resource at all (Kafka's AclEntry.supportedOperations). */
export const OPERATIONS_OF: ReadonlyMap<number, readonly number[]> = new Map([
  [resourceType.TOPIC, [READ, WRITE, CREATE, DESCRIBE, DELETE, ALTER, DESCRIBE_CONFIGS, ALTER_CONFIGS]],
  [resourceType.GROUP, [READ, DESCRIBE, DELETE, DESCRIBE_CONFIGS, ALTER_CONFIGS]],
  [
    resourceType.CLUSTER,
    [CREATE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, operation.IDEMPOTENT_WRITE, ALTER, DESCRIBE],
  ],
  [resourceType.TRANSACTIONAL_ID, [DESCRIBE, WRITE, operation.TWO_PHASE_COMMIT]],
  [resourceType.DELEGATION_TOKEN, [DESCRIBE]],
  [resourceType.USER, [operation.CREATE_TOKENS, operation.DESCRIBE_TOKENS]],
])

/** To be allowed one of the operations on the right is to be allowed the one on the left. */
export const IMPLIED_BY: ReadonlyMap<number, readonly number[]> = new Map([
  [DESCRIBE, [READ, WRITE, DELETE, ALTER]],
  [DESCRIBE_CONFIGS, [ALTER_CONFIGS]],
])

/** Name of a number, for logs and messages. */
export function nameOf(words: Readonly<Record<string, number>>, number: number): string {
  return Object.entries(words).find(([, value]) => value === number)?.[0] ?? `UNKNOWN(${number})`
}
