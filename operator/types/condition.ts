// One condition of a status, and how a list of them changes: `lastTransitionTime` moves only when the status does, the order
// stays, so that a reconcile that finds nothing new writes nothing (Kubernetes API conventions, "typical status properties").

import { z } from 'zod'
import { listMap, text, time } from './schema.ts'

export const conditionSchema = z.object({
  type: text(64).describe('What is told of; listed in docs/conditions.md.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
  observedGeneration: z.int().min(0).optional().describe('The generation of the spec that this was found for.'),
  lastTransitionTime: time().describe('When the status last changed.'),
  reason: text(64).describe('Why, in one word.'),
  message: z.string().max(4096).describe('Why, and what to do about it.'),
})

export type Condition = Readonly<z.output<typeof conditionSchema>>

export const conditions = () => listMap(conditionSchema, ['type'], 32).describe('What is known, one of each type.')

/** A condition as a reconcile finds it, before it is known when it came to be so. */
export type Finding = Omit<Condition, 'lastTransitionTime'>

/**
 * The conditions after `found`. Types that are not in `found` are dropped: a reconcile tells of all it knows. `now` in
 * milliseconds since 1970.
 */
export function mergeConditions(
  previous: readonly Condition[],
  found: readonly Finding[],
  now: number,
): readonly Condition[] {
  const before = new Map(previous.map(condition => [condition.type, condition]))
  const conditions = found.map((finding): Condition => {
    const old = before.get(finding.type)
    const isSame = old?.status === finding.status
    return { ...finding, lastTransitionTime: isSame ? old.lastTransitionTime : rfc3339(now) }
  })
  return inOrderOf(previous, conditions)
}

/** Those that were there before at the places that they had, new ones behind them. */
export function inOrderOf(previous: readonly Condition[], conditions: readonly Condition[]): Condition[] {
  const order = new Map(previous.map(({ type }, index) => [type, index]))
  const placeOf = ({ type }: Condition): number => order.get(type) ?? previous.length
  return conditions.toSorted((a, b) => placeOf(a) - placeOf(b))
}

/** Whole seconds, as Kubernetes writes metav1.Time. `ms` since 1970. */
export const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
