// `orphans`: topics that were to be deleted with their KafScaleTopic and were not.

import { z } from 'zod'
import { listAll } from '../runtime/kube-client.ts'
import { RESOURCES } from '../runtime/resource.ts'
import type { Command } from './command.ts'
import { clusters } from './objects.ts'
import { table } from './text.ts'

const eventSchema = z.looseObject({
  metadata: z.looseObject({ namespace: z.string().optional() }),
  reason: z.string().optional(),
  note: z.string().optional(),
  eventTime: z.string().nullish(),
  regarding: z.looseObject({ name: z.string().optional(), uid: z.string().optional() }).optional(),
})

export const orphans: Command = {
  words: 'orphans',
  usage: '',
  summary: 'Topics that outlived the KafScaleTopic that they were to be deleted with.',
  details:
    'From the status of clusters and, for clusters that are gone, from events, which Kubernetes forgets after an hour.',
  names: { least: 0, most: 0 },
  run: async session => {
    const { client, namespace } = session
    const told = (await clusters(session)).flatMap(({ metadata, status }) =>
      (status?.orphans ?? []).map(({ uid, topic, reason, time }) => ({
        uid,
        row: [metadata.namespace ?? '', metadata.name, topic, time, reason],
      })),
    )
    const known = new Set(told.map(({ uid }) => uid))
    const events = (await listAll(client, RESOURCES.events, { namespace })).flatMap(manifest => {
      const { metadata, reason, note = '', eventTime, regarding } = eventSchema.parse(manifest)
      if (reason !== 'TopicOrphaned' || known.has(regarding?.uid ?? '')) return []
      return [[metadata.namespace ?? '', '(gone)', regarding?.name ?? '', eventTime ?? '', note]]
    })
    const rows = [...told.map(({ row }) => row), ...events]
    if (rows.length === 0) session.print('No topic was left behind.')
    else session.print(table(['NAMESPACE', 'CLUSTER', 'TOPIC', 'SINCE', 'WHY'], rows))
    return 0
  },
}
