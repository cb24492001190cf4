/** What a decision by ACLs costs, of a client that asks again and of one that asks for the first time. */
import { operation, patternType, permission, resourceType } from '../broker/security/acl.ts'
import { Authorizer } from '../broker/security/authorizer.ts'
import type { Acl } from '../broker/state/security.ts'
import { table } from './table.ts'

const ROUNDS = 1_000_000
const TOPICS = 1000

export function authorization(): string {
  const rows = [10, 1000, 10_000].map(count => {
    const acls: Acl[] = Array.from({ length: count }, (_, n) => ({
      ...{ resourceType: resourceType.TOPIC, resourceName: `topic-${n}`, principal: `User:user-${n % 100}`, host: '*' },
      patternType: n % 10 === 0 ? patternType.PREFIXED : patternType.LITERAL,
      ...{ operation: operation.READ, permission: permission.ALLOW },
    }))
    const known = { version: 1, all: acls }
    const parts = { superUsers: new Set<string>(), allowsUnnamed: false, onDenied: () => {} }
    const authorizer = new Authorizer({ acls: () => known, ...parts })
    const access = authorizer.accessOf('User:user-1', '10.0.0.1')
    const first = perCall(TOPICS, n => access.may(operation.READ, resourceType.TOPIC, `topic-${n}`))
    const again = perCall(ROUNDS, n => access.may(operation.READ, resourceType.TOPIC, `topic-${n % TOPICS}`))
    return [count, again, first]
  })
  return table(['ACLs', 'again, microseconds', 'first, microseconds'], rows)
}

/** Microseconds. */
function perCall(calls: number, call: (n: number) => boolean): number {
  const began = performance.now()
  let allowed = 0
  for (let n = 0; n < calls; n++) if (call(n)) allowed++
  const ms = performance.now() - began
  if (allowed > calls) throw new Error('more were allowed than asked')
  return (ms * 1000) / calls
}
