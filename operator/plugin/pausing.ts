// `pause`, `resume`, `hibernate`, `wake`: edits of a cluster, each of the fields that it is about alone.

import type { Manifest } from '../runtime/object.ts'
import { rfc3339 } from '../types/condition.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'
import { PAUSE, PAUSE_LEVELS, PAUSE_UNTIL } from '../types/pause.ts'
import { type Command, CommandFailed, type Session, textOf, type Values } from './command.ts'
import { clusterNamed, edit, theNamespace } from './objects.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export const pause: Command = {
  words: 'pause',
  usage: 'CLUSTER [--only pods|scaling] [--for 2h | --until TIME]',
  summary: 'Lets the operator change nothing, or not the pods, or not their number.',
  details: 'Give it an end: a pause that is forgotten is an outage that waits to happen.',
  options: {
    only: { type: 'string', about: 'pods: none is replaced. scaling: their number stays.' },
    for: { type: 'string', about: 'How long: 30m, 2h, 1d.' },
    until: { type: 'string', about: 'When it ends: 2026-01-31T12:00:00Z.' },
  },
  names: { least: 1, most: 1 },
  run: async (session, { names: [name = ''], values }) => {
    const level = textOf(values, 'only') ?? 'all'
    if (!PAUSE_LEVELS.some(one => one === level)) throw new CommandFailed(`--only ${level}: it must be pods or scaling`)
    const until = endOf(values, session.clock.now())
    await annotate(session, name, { [PAUSE]: level, [PAUSE_UNTIL]: until })
    const end = until === undefined ? `kubectl kafscale resume ${name} ends it.` : `It ends at ${until}.`
    session.print(`KafScaleCluster ${name} is paused (${level}). ${end}`)
    return 0
  },
}

export const resume: Command = {
  words: 'resume',
  usage: 'CLUSTER',
  summary: 'Ends a pause.',
  names: { least: 1, most: 1 },
  run: async (session, { names: [name = ''] }) => {
    const { spec } = await clusterNamed(session, name)
    await annotate(session, name, { [PAUSE]: undefined, [PAUSE_UNTIL]: undefined })
    if (spec.paused) {
      session.print(
        `KafScaleCluster ${name} stays paused by spec.paused: set that to false where the manifest is kept.`,
      )
      return 1
    }
    session.print(`KafScaleCluster ${name} is not paused.`)
    return 0
  },
}

function endOf(values: Values, now: number): string | undefined {
  const [duration, time] = [textOf(values, 'for'), textOf(values, 'until')]
  if (duration !== undefined && time !== undefined) throw new CommandFailed('--for and --until say the same: give one')
  if (time !== undefined) {
    const end = Date.parse(time)
    if (Number.isNaN(end)) throw new CommandFailed(`--until ${time} is no time such as 2026-01-31T12:00:00Z`)
    if (end <= now) throw new CommandFailed(`--until ${time} is over already`)
    return rfc3339(end)
  }
  if (duration === undefined) return undefined
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(duration) ?? []
  const ms = Number(count) * (UNITS[unit] ?? Number.NaN)
  if (!(ms > 0)) throw new CommandFailed(`--for ${duration} is no time such as 30m, 2h or 1d`)
  return rfc3339(now + ms)
}

async function annotate(
  session: Session,
  name: string,
  changes: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  await clusterNamed(session, name)
  await edit(session.client, CLUSTER, { namespace: theNamespace(session.namespace), name }, live => {
    const annotations = Object.entries({ ...live.metadata.annotations, ...changes }).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    )
    return { ...live, metadata: { ...live.metadata, annotations: Object.fromEntries(annotations) } }
  })
}

const rest = (words: string, enabled: boolean, summary: string, said: (name: string) => string): Command => ({
  words,
  usage: 'CLUSTER',
  summary,
  names: { least: 1, most: 1 },
  run: async (session, { names: [name = ''] }) => {
    const { spec } = await clusterNamed(session, name)
    if (spec.hibernation.enabled === enabled) {
      session.print(`KafScaleCluster ${name} ${enabled ? 'is hibernated' : 'is awake'} already.`)
      return 0
    }
    await edit(session.client, CLUSTER, { namespace: theNamespace(session.namespace), name }, live =>
      hibernated(live, enabled),
    )
    session.print(said(name))
    return 0
  },
})

function hibernated(live: Manifest, enabled: boolean): Manifest {
  const spec = typeof live.spec === 'object' && live.spec !== null ? live.spec : {}
  return { ...live, spec: { ...spec, hibernation: { enabled } } }
}

export const hibernate = rest(
  'hibernate',
  true,
  'Takes all brokers of a cluster away; its records stay in the bucket.',
  name => `KafScaleCluster ${name} goes to rest; kubectl kafscale wake ${name} brings its brokers back.`,
)

export const wake = rest(
  'wake',
  false,
  'Brings the brokers of a hibernated cluster back.',
  name => `KafScaleCluster ${name} wakes up; kubectl kafscale status ${name} shows when it is ready.`,
)
