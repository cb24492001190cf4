/** Which ACLs a filter means, and whether an ACL can be one (Kafka's AclBindingFilter, ResourcePatternFilter). */
import type { Acl } from '../state/security.ts'
import { CLUSTER_NAME, operation, patternType, permission, resourceType, WILDCARD } from './acl.ts'
import { networkOf } from './authorizer.ts'

export interface AclFilter {
  readonly resourceTypeFilter: number
  /** Null for any. */
  readonly resourceNameFilter: string | null
  readonly patternTypeFilter: number
  readonly principalFilter: string | null
  readonly hostFilter: string | null
  readonly operation: number
  readonly permissionType: number
}

const isWord = (words: Readonly<Record<string, number>>, number: number): boolean =>
  Object.values(words).includes(number)

/** What is wrong with the filter, if anything. */
export function filterProblem(filter: AclFilter): string | undefined {
  if (!isWord(resourceType, filter.resourceTypeFilter)) return 'The resource type of the filter is not known.'
  if (!isWord(patternType, filter.patternTypeFilter)) return 'The pattern type of the filter is not known.'
  if (!isWord(operation, filter.operation)) return 'The operation of the filter is not known.'
  if (!isWord(permission, filter.permissionType)) return 'The permission type of the filter is not known.'
  return undefined
}

export function matches(filter: AclFilter, acl: Acl): boolean {
  return (
    (filter.resourceTypeFilter === resourceType.ANY || filter.resourceTypeFilter === acl.resourceType) &&
    matchesPattern(filter, acl) &&
    (filter.principalFilter === null || filter.principalFilter === acl.principal) &&
    (filter.hostFilter === null || filter.hostFilter === acl.host) &&
    (filter.operation === operation.ANY || filter.operation === acl.operation) &&
    (filter.permissionType === permission.ANY || filter.permissionType === acl.permission)
  )
}

function matchesPattern({ patternTypeFilter: wanted, resourceNameFilter: name }: AclFilter, acl: Acl): boolean {
  if (wanted === patternType.MATCH) {
    if (name === null) return true
    if (acl.patternType === patternType.PREFIXED) return name.startsWith(acl.resourceName)
    return acl.resourceName === name || acl.resourceName === WILDCARD
  }
  return (wanted === patternType.ANY || wanted === acl.patternType) && (name === null || name === acl.resourceName)
}

/** Why the ACL cannot be one, if it cannot. */
export function aclProblem(acl: Acl): string | undefined {
  const { resourceType: type, patternType: pattern, resourceName, principal, host } = acl
  if (!isWord(resourceType, type) || type === resourceType.ANY) return 'The resource type must be a certain one.'
  if (pattern !== patternType.LITERAL && pattern !== patternType.PREFIXED) {
    return 'The pattern type must be LITERAL or PREFIXED.'
  }
  if (!isWord(operation, acl.operation) || acl.operation === operation.ANY)
    return 'The operation must be a certain one.'
  if (acl.permission !== permission.ALLOW && acl.permission !== permission.DENY) {
    return 'The permission type must be ALLOW or DENY.'
  }
  if (resourceName === '') return 'Resource name should not be empty'
  if (type === resourceType.CLUSTER && resourceName !== CLUSTER_NAME) {
    return `The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`
  }
  if (!/^[^:]+:.+$/.test(principal)) return `Could not parse principal from \`${principal}\``
  if (host === '') return 'The host must not be empty.'
  if (host.includes('/') && networkOf(host) === undefined) return `${host} is no network, such as 10.0.0.0/8`
  return undefined
}
