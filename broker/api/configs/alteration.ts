/** Changing settings of resources, each by itself: what is wrong with one does not keep the others from changing. */
import { errorCode } from '../../wire/errors.ts'
import { failure, type Problem, problem } from '../failure.ts'
import type { Parts } from '../parts.ts'
import type { Turns } from '../turns.ts'
import { type Changeable, changeable, type Resource } from './resource.ts'

/** The values that shall stand afterwards, from those that stand now. */
export type Rewrite = (
  current: ReadonlyMap<string, string>,
  resource: Changeable,
) => ReadonlyMap<string, string> | Problem

export interface Alteration extends Resource {
  /** Settings that the request names. */
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/** Answers for each alteration in order: undefined when it is made, or with `validateOnly` when it could be. */
export function alterAll<Wanted extends Alteration>(
  parts: Pick<Parts, 'replica' | 'settings'>,
  turns: Turns,
  wanted: readonly Wanted[],
  { validateOnly, mayBeNull, rewrite }: AlterationRules<Wanted>,
): Promise<(Problem | undefined)[]> {
  const twice = repeated(wanted)
  return turns.run(async () => {
    const unavailable = await parts.replica.barrier().then(() => undefined, failure)
    return Promise.all(
      wanted.map(async one => {
        const found = twice.has(one)
          ? problem(errorCode.INVALID_REQUEST, 'Each resource must appear at most once.')
          : (formProblem(one, mayBeNull) ?? changeable(parts, one))
        if ('errorCode' in found) return found
        return unavailable ?? alter(parts.replica, one, found, rewrite(one), validateOnly)
      }),
    )
  })
}

export interface AlterationRules<Wanted extends Alteration> {
  readonly validateOnly: boolean
  /** Whether this setting of the request may be null. */
  readonly mayBeNull: (config: Wanted['configs'][number]) => boolean
  readonly rewrite: (wanted: Wanted) => Rewrite
}

function formProblem<Wanted extends Alteration>(
  { configs }: Wanted,
  mayBeNull: AlterationRules<Wanted>['mayBeNull'],
): Problem | undefined {
  if (new Set(configs.map(({ name }) => name)).size < configs.length) {
    return problem(errorCode.INVALID_REQUEST, 'Error due to duplicate config keys')
  }
  const nulls = configs.filter(config => config.value === null && !mayBeNull(config)).map(({ name }) => name)
  if (nulls.length === 0) return undefined
  return problem(errorCode.INVALID_REQUEST, `Null value not supported for : ${nulls.join(', ')}`)
}

async function alter(
  replica: Parts['replica'],
  { resourceType, resourceName }: Resource,
  resource: Changeable,
  rewrite: Rewrite,
  validateOnly: boolean,
): Promise<Problem | undefined> {
  const current = replica.state.catalog.configsOf(resourceType, resourceName)
  const next = rewrite(current, resource)
  if ('errorCode' in next) return next
  const checked = resource.check(next)
  if ('errorCode' in checked) return checked
  const absence = resource.absence()
  if (absence !== undefined) return absence
  const changes = difference(current, checked.values)
  if (validateOnly || changes.length === 0) return undefined
  try {
    const outcome = await replica.submit({ type: 'alterConfigs', body: { resourceType, resourceName, changes } })
    return outcome.errorCode === errorCode.NONE ? undefined : problem(outcome.errorCode)
  } catch (cause) {
    return failure(cause)
  }
}

function difference(
  current: ReadonlyMap<string, string>,
  next: ReadonlyMap<string, string>,
): { name: string; value: string | null }[] {
  const gone = [...current.keys()].filter(name => !next.has(name)).map(name => ({ name, value: null }))
  const set = [...next].filter(([name, value]) => current.get(name) !== value)
  return [...gone, ...set.map(([name, value]) => ({ name, value }))]
}

/** All that share their type and name with another one. */
function repeated<Wanted extends Resource>(resources: readonly Wanted[]): ReadonlySet<Wanted> {
  const seen = new Map<string, Wanted>()
  const twice = new Set<Wanted>()
  for (const resource of resources) {
    const id = `${resource.resourceType}/${resource.resourceName}`
    const other = seen.get(id)
    if (other !== undefined) twice.add(other).add(resource)
    seen.set(id, resource)
  }
  return twice
}
