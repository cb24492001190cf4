// The status of a KafScaleCluster: what is so, in numbers and names. Nothing in it changes by the mere passing of time.

import { z } from 'zod'
import { conditions } from './condition.ts'
import { count, large, list, listMap, text, time } from './schema.ts'

const brokers = z.object({
  replicas: count().optional().describe('Brokers that there are.'),
  desired: count().optional().describe('Brokers that are wanted.'),
  ready: count().optional().describe('Brokers that are ready.'),
  updated: count().optional().describe('Brokers that are as the spec says.'),
  selector: text(1000).optional().describe('Labels of the pods, as the HPA wants them.'),
  summary: text(32).optional().describe('Ready and desired, 2/3.'),
  image: text(500).optional().describe('Image that they are to run.'),
  rolloutReasons: list(text(200), 16).optional().describe('Why pods were replaced last.'),
})

const endpoint = z.object({
  name: text(63).describe('Name of the listener.'),
  type: text(32).describe('Type of the listener.'),
  bootstrapServers: text(2000).describe('What clients are given as bootstrap.servers.'),
  protocol: text(32).optional().describe('PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL (security.protocol).'),
})

const groupLag = z.object({
  group: text(255),
  topic: text(249).optional(),
  records: large().describe('Records not read yet.'),
  cause: text(32).describe('BrokerBound, ConsumerBound, StorageBound, Rebalancing, Stuck or Idle.'),
})

const lag = z.object({
  records: large().optional().describe('Records not read yet, of all groups.'),
  seconds: z.number().min(0).optional().describe('Seconds behind, of all groups.'),
  brokerBoundRecords: large().optional().describe('Those of them that more brokers would help.'),
  groups: list(groupLag, 10).optional().describe('The groups that are the furthest behind.'),
})

const signal = z.object({
  name: text(32).describe('Name of the signal, as in spec.scaling.signals.'),
  value: z.number().optional().describe('What was seen; missing when nothing was.'),
  target: z.number().describe('What is to be kept.'),
  proposal: count().optional().describe('Brokers that this signal asks for.'),
})

/** What a decision needs to know of those before it; it is here so that a change of leader forgets nothing. */
const history = z.object({
  recommendations: list(z.object({ time: time(), replicas: count() }), 40).optional(),
  events: list(z.object({ time: time(), from: count(), to: count(), reason: text(64) }), 40).optional(),
  frozenUntil: time().optional().describe('Until when lag asks for no more brokers.'),
  freezes: count().optional().describe('How often in a row it was so.'),
  failures: count().optional().describe('Looks without signals in a row.'),
})

const scaling = z.object({
  mode: text(32).optional().describe('Mode that holds.'),
  desired: count().optional().describe('Brokers that the signals ask for, within the limits.'),
  summary: text(64).optional().describe('Mode, and what limits the size.'),
  explanation: z.string().max(1000).optional().describe('Why this size, in a sentence.'),
  lastScaleTime: time().optional().describe('When the size last changed.'),
  signals: listMap(signal, ['name'], 16).optional().describe('What was looked at.'),
  history: history.optional().describe('What the next decision needs to know.'),
})

const difference = z.object({
  path: text(200).describe('What differs.'),
  found: z.string().max(2000).optional().describe('What the bucket has.'),
  wanted: z.string().max(2000).optional().describe('What the spec asks for.'),
})

const bucket = z.object({
  name: text(63).optional(),
  created: z.boolean().optional().describe('The operator made it.'),
  differences: list(difference, 32).optional().describe('Where policy and lifecycle differ from the spec.'),
})

const life = z.object({
  number: z.int32().min(1).describe('Which set of members it is; it changes when their data was lost.'),
  state: z.enum(['forming', 'running', 'ending']).describe('ending: brokers are taken away, to restore.'),
  restoreFrom: z.string().max(500).describe('Key of the snapshot that it began with.'),
  asked: z.string().max(500).describe('What restoreFrom of the spec was then.'),
  because: z.enum(['DataLost', 'RestoreAsked']).optional().describe('Why the one before ended.'),
})

const certificates = z.object({
  phase: z.enum(['steady', 'introducing', 'retiring']).describe('Whether authorities are being changed.'),
  expires: time().describe('When the first of them ends, unless it is renewed.'),
})

/** What was acknowledged after the snapshot or checkpoint that a restore began with is not known any more. */
const restored = z.object({
  time: time().describe('When it was noticed.'),
  lostFrom: time().describe('What was acknowledged after this may be missing.'),
  lostUntil: time().optional().describe('When the last object that nothing refers to was written.'),
  objects: count().optional().describe('Objects that nothing refers to; they are kept.'),
  records: large().optional().describe('Records in them.'),
  report: text(600).optional().describe('Key of the list of them in the bucket.'),
})

const replaced = z.object({
  member: text(100),
  pod: text(64).describe('uid of the pod that joined.'),
})

const etcd = z.object({
  managed: z.boolean().optional().describe('Whether the operator runs it.'),
  endpoints: list(text(500), 9).optional().describe('Where it is.'),
  ready: count().optional().describe('Members that are ready.'),
  members: count().optional().describe('Members that are wanted.'),
  life: life.optional().describe('Of the managed etcd.'),
  certificates: certificates.optional().describe('Of the managed etcd.'),
  lastSnapshot: z
    .object({
      key: text(600).describe('Where it is in the bucket.'),
      time: time(),
      revision: large().optional(),
      bytes: large().optional(),
    })
    .optional()
    .describe('The last copy of the metadata that was read back and verified.'),
  restored: restored.optional().describe('The last restore.'),
  replaced: listMap(replaced, ['member'], 9).optional().describe('Members that lost their data and joined anew.'),
})

const topics = z.object({
  managed: count().optional().describe('Topics that a KafScaleTopic describes.'),
  unmanaged: count().optional().describe('Topics that none does.'),
})

const orphan = z.object({
  topic: text(249).describe('A topic that was to be deleted, and was not.'),
  uid: text(64).describe('Of its KafScaleTopic, which is gone.'),
  reason: text(500).describe('Why it could not be deleted.'),
  time: time(),
})

const webConsole = z.object({
  url: text(500).describe('Where it is, inside of the Kubernetes cluster.'),
  listener: text(63).describe('Listener by which it reaches the brokers.'),
  ready: z.boolean().describe('Whether its pod is ready.'),
})

export const clusterStatusSchema = z.object({
  observedGeneration: z.int().min(0).optional().describe('The generation of the spec that all this is of.'),
  phase: text(64).optional().describe('The reason of the condition Ready.'),
  conditions: conditions().optional(),
  version: text(64).optional().describe('Version of the brokers.'),
  endpoint: text(2000).optional().describe('bootstrap.servers of the first listener.'),
  endpoints: listMap(endpoint, ['name'], 8).optional().describe('Where clients connect, by listener.'),
  brokers: brokers.optional().describe('The pods of the brokers.'),
  console: webConsole.optional().describe('The web console.'),
  lag: lag.optional().describe('How far consumers are behind.'),
  scaling: scaling.optional().describe('What the number of brokers follows.'),
  bucket: bucket.optional().describe('The bucket of the records.'),
  etcd: etcd.optional().describe('Where the metadata is.'),
  certificates: certificates.optional().describe('Of the authority of the cluster, which signs for its listeners.'),
  topics: topics.optional().describe('Topics, counted.'),
  lastCheckpointTime: time().optional().describe('When the metadata was last written to the bucket.'),
  orphans: listMap(orphan, ['uid'], 100).optional().describe('Topics that outlived their KafScaleTopic.'),
  effective: z
    .record(z.string(), z.string().max(1000))
    .meta({ maxProperties: 128 })
    .optional()
    .describe('Values that hold after defaults, by path.'),
})
