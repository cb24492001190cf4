// `lag`: how far groups are behind, as the operator saw it last or as the brokers say now.

import { readLag } from '../signals/lag-reader.ts'
import { askOneOf, BROKER_OPTIONS, BROKER_USAGE, reachesOf } from './brokers.ts'
import { type Command, textOf } from './command.ts'
import { clusterNamed } from './objects.ts'
import { table } from './text.ts'

const TIMEOUT_MS = 15_000

export const lag: Command = {
  words: 'lag',
  usage: `CLUSTER [--group GROUP] ${BROKER_USAGE}`,
  summary: 'How far consumer groups are behind.',
  details:
    'Without --bootstrap: the ten worst, as the operator last told them. With it (a port-forward will do): every partition of every group, now.',
  options: { group: { type: 'string', about: 'Only this group.' }, ...BROKER_OPTIONS },
  names: { least: 1, most: 1 },
  run: async (session, { names: [name = ''], values }) => {
    const group = textOf(values, 'group')
    const reaches = await reachesOf(session, values)
    if (reaches !== undefined) {
      const { positions, isWhole } = await askOneOf(reaches, reach =>
        readLag({ ...reach, clock: session.clock, timeoutMs: TIMEOUT_MS }),
      )
      const rows = positions
        .filter(position => group === undefined || position.group === group)
        .map(({ end, committed, ...position }) => ({
          ...position,
          committed,
          end,
          behind: Math.max(0, end - committed),
        }))
        .sort((a, b) => b.behind - a.behind || a.partition - b.partition)
        .map(({ group, state, topic, partition, committed, end, behind }) =>
          [group, state, topic, partition, committed, end, behind].map(String),
        )
      session.print(table(['GROUP', 'STATE', 'TOPIC', 'PARTITION', 'COMMITTED', 'END', 'BEHIND'], rows))
      if (!isWhole) session.print('Not all groups could be seen: a broker did not answer, or there are too many.')
      return isWhole ? 0 : 1
    }
    const { status } = await clusterNamed(session, name)
    if (status?.lag === undefined) {
      session.print('The operator has not told of lag yet: no broker was ready, or it does not run.')
      return 1
    }
    const { records = 0, seconds = 0, brokerBoundRecords = 0, groups = [] } = status.lag
    session.print(`${records} records behind, ${seconds} s; brokers could cure ${brokerBoundRecords} of them.`)
    if (groups.length > 0) {
      const shown = groups.filter(one => group === undefined || one.group === group)
      const rows = shown.map(one => [one.group, one.topic ?? '', String(one.records), one.cause])
      session.print(table(['GROUP', 'TOPIC', 'RECORDS', 'CAUSE'], rows))
    }
    return 0
  },
}
