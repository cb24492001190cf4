/**
 * Assignments of partitions to brokers that clients make by hand. Any broker serves any partition here, so an assignment
 * only says how many partitions there are and the replication factor to show; a wrong one is refused as in Kafka.
 */
import { errorCode } from '../wire/errors.ts'
import { type Problem, problem } from './failure.ts'

/** `replicationFactor` is that of partitions that exist already. */
export function assignmentProblem(
  assignments: readonly { readonly brokerIds: readonly number[] }[],
  brokers: ReadonlySet<number>,
  replicationFactor: number | undefined,
): Problem | undefined {
  const invalid = (what: string): Problem =>
    problem(errorCode.INVALID_REPLICA_ASSIGNMENT, `The manual partition assignment includes ${what}`)
  let expected = replicationFactor
  for (const { brokerIds } of assignments) {
    if (brokerIds.length === 0) return invalid('an empty replica list.')
    const seen = new Set<number>()
    for (const id of brokerIds.toSorted((a, b) => a - b)) {
      if (!brokers.has(id)) return invalid(`broker ${id}, but no such broker is registered.`)
      if (seen.has(id)) return invalid(`the broker ${id} more than once.`)
      seen.add(id)
    }
    if (expected !== undefined && brokerIds.length !== expected) {
      return invalid(`a partition with ${brokerIds.length} replica(s), but other partitions have ${expected}.`)
    }
    expected = brokerIds.length
  }
  return undefined
}
