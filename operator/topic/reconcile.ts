// KafScaleTopic: all topics of a cluster together, by the key of the cluster, so that a thousand of them cost a handful of
// requests and a change of the cluster reaches all of its topics.
//
// Steps: hold -> carry out -> release. When all is as wanted, the brokers are asked for the figures of the topics (see
// figure-looks.ts). A topic that the brokers refuse does not hold up the others. A topic whose cluster is gone is let go at
// once, one whose cluster does not answer after a deadline: a namespace can always be deleted. When it is, Kubernetes ends its
// pods first, brokers and perhaps the operator, and then takes away everything else, the rights of the operator too; whoever
// waits with a finalizer until then waits for ever. So topics of such a namespace are let go as soon as its brokers do not
// answer, and when the operator ends.

import { BrokerConnection, BrokerUnreachable } from '../../broker/client/connection.ts'
import type { Clock } from '../../broker/clock.ts'
import type { Applier } from '../runtime/applier.ts'
import type { Pass, Reconciler } from '../runtime/controller.ts'
import type { Manifest } from '../runtime/object.ts'
import { apiVersionOf, type Resource } from '../runtime/resource.ts'
import { next, type Outcome, wait } from '../runtime/step.ts'
import type { Objects } from '../runtime/store.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type KafScaleTopic, TOPIC } from '../types/kaf-scale-topic.ts'
import { type Pause, pauseOf } from '../types/pause.ts'
import type { Absences } from './absences.ts'
import type { FigureLooks } from './figure-looks.ts'
import type { Address } from './figure-reader.ts'
import { holderOf, topicKey } from './ownership.ts'
import { type LiveTopic, planDeletion, planTopic, type TopicStep, topicNameOf } from './plan.ts'
import { liveOf, type TopicResult, topicStatus } from './status.ts'
import { type Refusal, TopicAdmin } from './topic-admin.ts'

/** Keeps a KafScaleTopic until its topic is deleted. */
export const FINALIZER = 'kafscale.io/topic'
/** `false` leaves the topic alone. */
const MANAGED = 'kafscale.io/managed'
/** Index of topics by cluster, `namespace/name`. */
export const BY_CLUSTER = 'cluster'

/** A deletion waits so long for a cluster that does not answer. */
const DELETION_DEADLINE_MS = 300_000
const LOOK_AGAIN_MS = 5000
const CALL_MS = 20_000

export type { Address } from './figure-reader.ts'

export interface TopicReconcilerOptions {
  readonly applier: Applier
  readonly clock: Clock
  readonly clusters: Objects<KafScaleCluster>
  readonly topics: Objects<KafScaleTopic>
  /** Where the operator reaches the brokers of a cluster. */
  readonly addressOf: (cluster: KafScaleCluster) => Address | Promise<Address>
  /** What is seen of the records of topics. */
  readonly looks: FigureLooks
  readonly absences: Absences
  readonly onWrite: (resource: Resource, object: Manifest) => void
  /** Whether the namespace is being deleted. */
  readonly isEnding: (namespace: string, signal?: AbortSignal) => Promise<boolean>
  /** A topic that was to be deleted stays behind. */
  readonly onOrphan: (topic: KafScaleTopic, reason: string) => void
}

interface Context {
  /** Of the cluster. */
  readonly key: string
  readonly cluster: KafScaleCluster | undefined
  readonly topics: readonly KafScaleTopic[]
  readonly results: Map<KafScaleTopic, TopicResult>
  /** Topics that may go. */
  readonly released: Set<KafScaleTopic>
  /** Topics that are to be left as they are. Their deletion is carried out all the same: it must never hang. */
  readonly pauses: ReadonlyMap<KafScaleTopic, Pause>
  readonly pass: Pass
}

export function topicReconciler(options: TopicReconcilerOptions): Reconciler<Context> {
  return {
    name: 'kafscaletopic',
    begin: (key, pass) => begin(options, key, pass),
    steps: [
      { name: 'hold', run: context => hold(options, context) },
      { name: 'carry-out', run: context => carryOut(options, context) },
    ],
    end: (context, outcome) => finish(options, context, outcome),
  }
}

function begin(options: TopicReconcilerOptions, key: string, pass: Pass): Context | undefined {
  const { clusters, topics, clock, looks, absences } = options
  const own = topics.by(BY_CLUSTER, key)
  if (own.length === 0) {
    looks.forget(key)
    absences.end(key)
    return undefined
  }
  const cluster = clusters.get(key)
  const pauses = pausesOf(own, cluster, clock.now())
  return { key, cluster, topics: own, results: new Map(), released: new Set(), pauses, pass }
}

const isDeleted = ({ metadata }: KafScaleTopic): boolean => metadata.deletionTimestamp !== undefined
const hasFinalizer = ({ metadata }: KafScaleTopic): boolean => metadata.finalizers?.includes(FINALIZER) === true
const namespaceOf = ({ metadata }: KafScaleTopic): string => metadata.namespace ?? 'default'
const isUnmanaged = ({ metadata }: KafScaleTopic): boolean => metadata.annotations?.[MANAGED] === 'false'

/** Topics that are to be deleted with their objects get the finalizer before anything else is done for them. */
async function hold(options: TopicReconcilerOptions, { topics, pass }: Context): Promise<Outcome> {
  for (const topic of topics) {
    const wanted = topic.spec.deletionPolicy === 'Delete'
    if (isDeleted(topic) || wanted === hasFinalizer(topic)) continue
    if (wanted && (await options.isEnding(namespaceOf(topic), pass.signal))) continue
    await setFinalizer(options, topic, wanted, pass.signal)
  }
  return next
}

async function setFinalizer(
  { applier, onWrite }: TopicReconcilerOptions,
  topic: KafScaleTopic,
  isHeld: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace } = topic.metadata
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(isHeld ? { finalizers: [FINALIZER] } : {}),
  }
  const desired: Manifest = { apiVersion: apiVersionOf(TOPIC), kind: TOPIC.kind, metadata }
  const { change, object } = await applier.apply({ resource: TOPIC, desired, live: { ...topic }, signal })
  if (change !== 'none') onWrite(TOPIC, object)
}

async function carryOut(options: TopicReconcilerOptions, context: Context): Promise<Outcome> {
  const { cluster, topics, results, released } = context
  if (cluster === undefined) {
    for (const topic of topics) {
      results.set(topic, { kind: 'cluster-missing' })
      if (isDeleted(topic)) release(options, context, topic, 'its cluster is gone')
    }
    return wait('ClusterMissing', LOOK_AGAIN_MS * 12)
  }
  const held = divide(context)
  let connection: BrokerConnection | undefined
  try {
    const { clock } = options
    connection = await BrokerConnection.open({
      ...(await options.addressOf(cluster)),
      clock,
      clientId: 'kafscale-operator',
      timeoutMs: CALL_MS,
      signal: context.pass.signal,
    })
    await reconcileAll(new TopicAdmin(connection), cluster, held, context)
  } catch (cause) {
    if (!(cause instanceof BrokerUnreachable)) throw cause
    // That they were not waited for says nothing of them.
    context.pass.signal.throwIfAborted()
    return unreachable(options, context, held, cause)
  } finally {
    connection?.close()
  }
  options.absences.end(context.key)
  for (const topic of held) if (isDeleted(topic) && isSettled(results.get(topic))) released.add(topic)
  const lives = [...results.values()].flatMap(result => liveOf(result) ?? [])
  const { key, pass } = context
  const lookIn =
    lives.length === 0 ? undefined : await options.looks.look(key, await options.addressOf(cluster), lives, pass.signal)
  if ([...results.values()].some(isPending)) return wait('TopicsPending', LOOK_AGAIN_MS)
  if (lookIn === undefined) return next
  const ends = [...context.pauses.values()].flatMap(({ until }) => until ?? [])
  if (ends.length === 0) return wait('FiguresDue', lookIn)
  return wait('Paused', Math.min(Math.max(Math.min(...ends) - options.clock.now(), 1000), lookIn))
}

/** A pause of the topic itself, or of everything in its cluster. */
function pausesOf(
  topics: readonly KafScaleTopic[],
  cluster: KafScaleCluster | undefined,
  now: number,
): ReadonlyMap<KafScaleTopic, Pause> {
  const ofCluster = cluster === undefined ? undefined : pauseOf(cluster, now)
  return new Map(
    topics.flatMap((topic): [KafScaleTopic, Pause][] => {
      const pause = ofCluster?.level === 'all' ? ofCluster : pauseOf({ spec: {}, metadata: topic.metadata }, now)
      return pause === undefined || isDeleted(topic) ? [] : [[topic, pause]]
    }),
  )
}

/** Those that hold their topic; the others learn who does. */
function divide({ topics, results, released }: Context): KafScaleTopic[] {
  const held: KafScaleTopic[] = []
  for (const rivals of Map.groupBy(topics, topicKey).values()) {
    const holder = holderOf(rivals)
    for (const topic of rivals) {
      if (topic === holder) held.push(topic)
      else {
        results.set(topic, { kind: 'conflict', holder: holder?.metadata.name ?? '' })
        if (isDeleted(topic)) released.add(topic)
      }
    }
  }
  return held
}

async function reconcileAll(
  admin: TopicAdmin,
  { spec }: KafScaleCluster,
  held: readonly KafScaleTopic[],
  { results, pauses }: Context,
): Promise<void> {
  const managed = held.filter(topic => !isUnmanaged(topic))
  for (const topic of held) if (isUnmanaged(topic)) results.set(topic, { kind: 'unmanaged' })
  const before = await admin.describe(managed.map(topicNameOf))
  const plans = new Map(managed.map(topic => [topic, planOf(topic, spec, before.get(topicNameOf(topic)))]))
  const steps = [...plans].flatMap(([topic, plan]) => (pauses.has(topic) ? [] : plan.steps))
  const refusals = await admin.execute(steps)
  const changed = new Set(steps.map(({ name }) => name))
  const after = await admin.describe([...changed])
  for (const [topic, { foreign, steps: due }] of plans) {
    const name = topicNameOf(topic)
    const pause = pauses.get(topic)
    if (pause !== undefined) {
      const live = before.get(name)
      results.set(topic, { kind: 'paused', live, message: pause.message, hasWork: due.length > 0 })
      continue
    }
    const refusal: Refusal | undefined = refusals.get(name)
    const live = changed.has(name) ? after.get(name) : before.get(name)
    results.set(
      topic,
      isDeleted(topic) ? { kind: 'deleting', refusal } : { kind: 'reconciled', live, refusal, foreign },
    )
  }
}

function planOf(topic: KafScaleTopic, spec: KafScaleCluster['spec'], live: LiveTopic | undefined) {
  if (!isDeleted(topic)) return planTopic(topic, spec, live)
  const steps: readonly TopicStep[] = planDeletion(topic, live)
  return { steps, foreign: [] }
}

/** The brokers do not answer: topics wait, deletions only for so long. That they were away for a moment is not told of topics. */
async function unreachable(
  options: TopicReconcilerOptions,
  context: Context,
  held: readonly KafScaleTopic[],
  cause: BrokerUnreachable,
): Promise<Outcome> {
  const isEnding = await isEndingWith(options, held.filter(hasFinalizer), context.pass.signal)
  const isTold = options.absences.note(context.key)
  const message = `The brokers cannot be reached: ${cause.message}.`
  for (const topic of held) {
    if (isTold || !isWell(topic)) context.results.set(topic, { kind: 'cluster-not-ready', message })
    const since = Date.parse(topic.metadata.deletionTimestamp ?? '')
    if (isEnding) release(options, context, topic, 'the brokers went with their namespace')
    else if (options.clock.now() - since > DELETION_DEADLINE_MS) {
      release(options, context, topic, 'the brokers could not be reached in time')
    }
  }
  return wait('BrokersUnreachable', LOOK_AGAIN_MS)
}

/** When it was last looked at, it was as its spec says now. */
const isWell = (topic: KafScaleTopic): boolean =>
  !isDeleted(topic) && topic.status?.phase === 'Ready' && topic.status.observedGeneration === topic.metadata.generation

/** All topics of a pass are of one namespace. */
async function isEndingWith(
  { isEnding }: TopicReconcilerOptions,
  [held]: readonly KafScaleTopic[],
  signal: AbortSignal,
): Promise<boolean> {
  return held !== undefined && isEnding(namespaceOf(held), signal)
}

/** What the operator does last of all: lets topics go whose namespace is being deleted, for nobody would come after it. */
export async function letGo(options: TopicReconcilerOptions, signal: AbortSignal): Promise<void> {
  const held = [...options.topics.all()].filter(hasFinalizer)
  for (const [namespace, topics] of Map.groupBy(held, namespaceOf)) {
    if (!(await options.isEnding(namespace, signal))) continue
    for (const topic of topics) await setFinalizer(options, topic, false, signal)
  }
}

function release(options: TopicReconcilerOptions, { released }: Context, topic: KafScaleTopic, reason: string): void {
  released.add(topic)
  if (topic.spec.deletionPolicy === 'Delete' && hasFinalizer(topic)) options.onOrphan(topic, reason)
}

const isSettled = (result: TopicResult | undefined): boolean =>
  result !== undefined && !('refusal' in result && result.refusal !== undefined)
const isPending = (result: TopicResult): boolean =>
  ('refusal' in result && result.refusal?.retriable === true) ||
  (result.kind === 'reconciled' && result.live === undefined)

async function finish(options: TopicReconcilerOptions, context: Context, _outcome: Outcome): Promise<void> {
  const { applier, clock, looks, onWrite } = options
  const { key, results, released, pass } = context
  for (const [topic, result] of results) {
    if (isDeleted(topic) && released.has(topic)) continue
    const live = liveOf(result)
    const sighting = live && looks.of(key, live.id)
    const status = topicStatus(clock.now(), topic, result, sighting)
    const written = await applier.applyStatus({ resource: TOPIC, live: topic, status, signal: pass.signal })
    if (written !== undefined) onWrite(TOPIC, written)
  }
  for (const topic of released) if (hasFinalizer(topic)) await setFinalizer(options, topic, false, pass.signal)
}

/** The key of the cluster that a topic belongs to. */
export const clusterKeyOf = ({ metadata, spec }: KafScaleTopic): string => `${metadata.namespace}/${spec.clusterRef}`
