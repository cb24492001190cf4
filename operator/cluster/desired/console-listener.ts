// Which of the listeners the web console uses, and by which names it is known itself.

import type { ClusterInputs } from '../inputs.ts'
import { type ListenerPlan, listenersOf, serviceNames } from './listeners.ts'
import { consoleName } from './names.ts'

/** By which the console reaches the brokers; undefined where there is no console. */
export function consoleListener(inputs: Pick<ClusterInputs, 'cluster'>): ListenerPlan | undefined {
  const { console: spec } = inputs.cluster.spec
  if (spec === undefined) return undefined
  const usable = listenersOf(inputs).filter(({ name, authentication }) => {
    const type = authentication?.type ?? 'none'
    return type !== 'tls' && type !== 'oauth' && (spec.listener === undefined || spec.listener === name)
  })
  const withPasswords = usable.filter(listener => !takesEverybody(listener))
  const preferred = withPasswords.length > 0 ? withPasswords : usable
  return preferred.find(({ type }) => type === 'internal') ?? preferred[0]
}

/** Whoever reaches it need not say who they are; through a console on it, whoever reaches the console. */
export const takesEverybody = ({ authentication }: Pick<ListenerPlan, 'authentication'>): boolean =>
  (authentication?.type ?? 'none') === 'none'

/** For which its certificate stands, and by which it may be asked for. */
export const consoleNames = (inputs: Pick<ClusterInputs, 'cluster' | 'operator'>): readonly string[] => [
  ...serviceNames(inputs, consoleName(inputs)),
  ...(inputs.cluster.spec.console?.hostNames ?? []),
]
