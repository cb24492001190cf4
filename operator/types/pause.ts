// What is paused, and until when: by the spec, or by annotations that end by themselves. A pause that is forgotten is an
// outage that waits to happen, so `kafscale.io/pause-until` ends it.
//
//   all       nothing is changed, only the status is told
//   pods      pods are not replaced; everything else is as ever, their number included
//   scaling   their number is not changed
//
// A KafScaleTopic may have the same annotations, where each level means that the topic is left as it is; so does `all` of its
// cluster.

import type { ObjectMeta } from '../runtime/object.ts'

export const PAUSE = 'kafscale.io/pause'
/** RFC 3339. */
export const PAUSE_UNTIL = 'kafscale.io/pause-until'

export const PAUSE_LEVELS = ['all', 'pods', 'scaling'] as const
export type PauseLevel = (typeof PAUSE_LEVELS)[number]

export interface Pause {
  readonly level: PauseLevel
  /** ms since 1970; undefined when somebody has to end it. */
  readonly until: number | undefined
  /** What is paused, and how it ends. */
  readonly message: string
}

/** A KafScaleCluster, or a KafScaleTopic, whose spec says nothing of it. */
export interface Pausable {
  readonly spec: { readonly paused?: boolean }
  readonly metadata: ObjectMeta
}

const WHAT: Readonly<Record<PauseLevel, string>> = {
  all: 'Nothing is changed',
  pods: 'Pods are not replaced',
  scaling: 'The number of brokers is not changed',
}

/** Undefined when nothing is paused, or not any more. `now` in ms since 1970. */
export function pauseOf({ spec, metadata }: Pausable, now: number): Pause | undefined {
  if (spec.paused === true)
    return { level: 'all', until: undefined, message: `${WHAT.all} until spec.paused is false.` }
  const asked = metadata.annotations?.[PAUSE]
  if (asked === undefined || asked === '') return undefined
  const level = PAUSE_LEVELS.find(one => one === asked)
  // Somebody wants a pause and misspelt it: all is the one that certainly has what they want.
  const unknown =
    level === undefined ? ` The annotation ${PAUSE} is none of ${PAUSE_LEVELS.join(', ')}: it counts as all.` : ''
  const what = WHAT[level ?? 'all']
  const text = metadata.annotations?.[PAUSE_UNTIL]
  const pause = { level: level ?? 'all', until: undefined }
  if (text === undefined || text === '') {
    return { ...pause, message: `${what} until the annotation ${PAUSE} is removed.${unknown}` }
  }
  const until = Date.parse(text)
  if (Number.isNaN(until)) {
    const repair = `The annotation ${PAUSE_UNTIL} is no time such as 2026-01-31T12:00:00Z, so the pause does not end by itself.`
    return { ...pause, message: `${what}. ${repair}${unknown}` }
  }
  return now >= until ? undefined : { ...pause, until, message: `${what} until ${text}.${unknown}` }
}
