// KafScaleUser: all users of a cluster together, by the key of the cluster, so that a thousand of them cost a handful of
// requests and a change of the cluster reaches all of its users.
//
// Steps: hold -> secrets -> carry out -> release. A user that the brokers refuse does not hold up the others. Rights are taken
// away with the object: it has a finalizer from the start. A user whose cluster is gone is let go at once, one whose cluster
// does not answer after a deadline, and those of a namespace that is being deleted when its brokers are gone: a namespace can
// always be deleted.

import { BrokerConnection, BrokerUnreachable } from '../../broker/client/connection.ts'
import type { Clock } from '../../broker/clock.ts'
import type { Reach } from '../cluster/broker-access.ts'
import type { Applier } from '../runtime/applier.ts'
import type { Pass, Reconciler } from '../runtime/controller.ts'
import type { Manifest } from '../runtime/object.ts'
import { apiVersionOf, type Resource } from '../runtime/resource.ts'
import { next, type Outcome, wait } from '../runtime/step.ts'
import type { Objects } from '../runtime/store.ts'
import { type Mapper, ownKey } from '../runtime/triggers.ts'
import { holderOf } from '../topic/ownership.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type KafScaleUser, USER, userNameOf } from '../types/kaf-scale-user.ts'
import { type Pause, pauseOf } from '../types/pause.ts'
import type { Prepared, UserCredentials } from './credentials.ts'
import { NOBODY, planRemoval, planUser, type UserStep } from './plan.ts'
import { type UserResult, userStatus } from './status.ts'
import { type LiveUsers, UserAdmin, UsersUnreadable } from './user-admin.ts'

/** Keeps a KafScaleUser until its rights are taken away. */
export const FINALIZER = 'kafscale.io/user'
/** Index of users by cluster, `namespace/name`. */
export const BY_CLUSTER = 'cluster'

/** A deletion waits so long for a cluster that does not answer. */
const DELETION_DEADLINE_MS = 300_000
const LOOK_AGAIN_MS = 5000
/** What others changed in the brokers shows at the next look. */
const LOOK_EVERY_MS = 60_000
const CALL_MS = 20_000

export interface UserReconcilerOptions {
  readonly applier: Applier
  readonly clock: Clock
  readonly clusters: Objects<KafScaleCluster>
  readonly users: Objects<KafScaleUser>
  readonly credentials: UserCredentials
  /** How the operator reaches the brokers of a cluster. Rejects with BrokerUnreachable. */
  readonly reach: (cluster: KafScaleCluster, signal: AbortSignal) => Promise<Reach>
  readonly onWrite: (resource: Resource, object: Manifest) => void
  /** Whether the namespace is being deleted. */
  readonly isEnding: (namespace: string, signal?: AbortSignal) => Promise<boolean>
  /** A user stays in the brokers although its object goes. */
  readonly onOrphan: (user: KafScaleUser, reason: string) => void
  readonly lookEveryMs?: number | undefined
}

interface Context {
  readonly cluster: KafScaleCluster | undefined
  readonly users: readonly KafScaleUser[]
  readonly results: Map<KafScaleUser, UserResult>
  readonly prepared: Map<KafScaleUser, Prepared>
  /** Users that may go. */
  readonly released: Set<KafScaleUser>
  /** Users that are to be left as they are. Their deletion is carried out all the same. */
  readonly pauses: ReadonlyMap<KafScaleUser, Pause>
  readonly pass: Pass
}

export function userReconciler(options: UserReconcilerOptions): Reconciler<Context> {
  return {
    name: 'kafscaleuser',
    begin: (key, pass) => begin(options, key, pass),
    steps: [
      { name: 'hold', run: context => hold(options, context) },
      { name: 'secrets', run: context => keepSecrets(options, context) },
      { name: 'carry-out', run: context => carryOut(options, context) },
    ],
    end: context => finish(options, context),
  }
}

/** The key of the cluster that a user belongs to. */
export const clusterKeyOf = ({ metadata, spec }: KafScaleUser): string => `${metadata.namespace}/${spec.clusterRef}`

/** A change of a cluster that its users may notice: of the spec, or of where its listeners are. */
export const connectionKey: Mapper<KafScaleCluster> = change => {
  const { object, previous, key } = change
  const has = (cluster: KafScaleCluster | undefined): string => JSON.stringify(cluster?.status?.endpoints)
  return has(object) === has(previous) ? ownKey(change) : [key]
}

function begin({ clusters, users, clock }: UserReconcilerOptions, key: string, pass: Pass): Context | undefined {
  const own = users.by(BY_CLUSTER, key)
  if (own.length === 0) return undefined
  const cluster = clusters.get(key)
  return {
    cluster,
    users: own,
    results: new Map(),
    prepared: new Map(),
    released: new Set(),
    pauses: pausesOf(own, cluster, clock.now()),
    pass,
  }
}

const isDeleted = ({ metadata }: KafScaleUser): boolean => metadata.deletionTimestamp !== undefined
const hasFinalizer = ({ metadata }: KafScaleUser): boolean => metadata.finalizers?.includes(FINALIZER) === true
const namespaceOf = ({ metadata }: KafScaleUser): string => metadata.namespace ?? 'default'

/** A pause of the user itself, or of everything in its cluster. */
function pausesOf(
  users: readonly KafScaleUser[],
  cluster: KafScaleCluster | undefined,
  now: number,
): ReadonlyMap<KafScaleUser, Pause> {
  const ofCluster = cluster === undefined ? undefined : pauseOf(cluster, now)
  return new Map(
    users.flatMap((user): [KafScaleUser, Pause][] => {
      const pause = ofCluster?.level === 'all' ? ofCluster : pauseOf({ spec: {}, metadata: user.metadata }, now)
      return pause === undefined || isDeleted(user) ? [] : [[user, pause]]
    }),
  )
}

async function hold(options: UserReconcilerOptions, { users, pass }: Context): Promise<Outcome> {
  const free = users.filter(user => !isDeleted(user) && !hasFinalizer(user))
  const [first] = free
  // All users of a pass are of one namespace.
  if (first === undefined || (await options.isEnding(namespaceOf(first), pass.signal))) return next
  for (const user of free) await setFinalizer(options, user, true, pass.signal)
  return next
}

async function setFinalizer(
  { applier, onWrite }: UserReconcilerOptions,
  user: KafScaleUser,
  isHeld: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace } = user.metadata
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(isHeld ? { finalizers: [FINALIZER] } : {}),
  }
  const desired: Manifest = { apiVersion: apiVersionOf(USER), kind: USER.kind, metadata }
  const { change, object } = await applier.apply({ resource: USER, desired, live: { ...user }, signal })
  if (change !== 'none') onWrite(USER, object)
}

async function keepSecrets(options: UserReconcilerOptions, context: Context): Promise<Outcome> {
  const { cluster, users, results, prepared, pauses, pass } = context
  if (cluster === undefined) {
    for (const user of users) {
      results.set(user, { kind: 'cluster-missing' })
      if (isDeleted(user)) release(options, context, user, 'its cluster is gone')
    }
    return wait('ClusterMissing', LOOK_EVERY_MS)
  }
  for (const user of divide(context)) {
    const pause = pauses.get(user)
    if (pause !== undefined) results.set(user, { kind: 'paused', message: pause.message })
    else if (isDeleted(user)) results.set(user, { kind: 'deleting', refusal: undefined })
    else {
      const found = await options.credentials.prepare(cluster, user, pass.signal)
      if ('reason' in found) results.set(user, { kind: 'unprepared', problem: found })
      else prepared.set(user, found)
    }
  }
  return next
}

/** Those that hold their name; the others learn who does. */
function divide({ users, results, released }: Context): KafScaleUser[] {
  const held: KafScaleUser[] = []
  for (const rivals of Map.groupBy(users, userNameOf).values()) {
    const holder = holderOf(rivals)
    for (const user of rivals) {
      if (user === holder) held.push(user)
      else {
        results.set(user, { kind: 'conflict', holder: holder?.metadata.name ?? '' })
        if (isDeleted(user)) released.add(user)
      }
    }
  }
  return held
}

async function carryOut(options: UserReconcilerOptions, context: Context): Promise<Outcome> {
  const { cluster, results, prepared, released, pass } = context
  const leaving = [...results].flatMap(([user, { kind }]) => (kind === 'deleting' ? [user] : []))
  if (cluster === undefined || leaving.length + prepared.size === 0) return later(options, context)
  let connection: BrokerConnection | undefined
  try {
    connection = await BrokerConnection.open({
      ...(await options.reach(cluster, pass.signal)),
      clock: options.clock,
      clientId: 'kafscale-operator',
      timeoutMs: CALL_MS,
      signal: pass.signal,
    })
    await reconcileAll(new UserAdmin(connection), leaving, context)
  } catch (cause) {
    pass.signal.throwIfAborted()
    if (!(cause instanceof BrokerUnreachable || cause instanceof UsersUnreadable)) throw cause
    return unreachable(options, context, leaving, cause)
  } finally {
    connection?.close()
  }
  for (const user of leaving) {
    const result = results.get(user)
    if (result?.kind === 'deleting' && result.refusal === undefined) released.add(user)
  }
  return later(options, context)
}

async function reconcileAll(admin: UserAdmin, leaving: readonly KafScaleUser[], context: Context): Promise<void> {
  const { results, prepared } = context
  const live = await admin.describe()
  const steps = [
    ...leaving.flatMap(user => planRemoval(user, liveOf(live, user))),
    ...[...prepared].flatMap(([user, { password }]) => planUser(user, password, liveOf(live, user))),
  ].filter(step => live.hasAcls || !isAcl(step))
  const refusals = await admin.execute(steps)
  for (const user of leaving) results.set(user, { kind: 'deleting', refusal: refusals.get(userNameOf(user)) })
  for (const [user, facts] of prepared) {
    const lacksAcls = !live.hasAcls && user.spec.authorization !== undefined
    const refusal = refusals.get(userNameOf(user))
    results.set(user, { kind: 'reconciled', prepared: facts, refusal, lacksAcls })
  }
}

const liveOf = ({ users }: LiveUsers, user: KafScaleUser) => users.get(userNameOf(user)) ?? NOBODY

const isAcl = ({ kind }: UserStep): boolean => kind === 'add acl' || kind === 'remove acl'

/** The brokers do not answer: users wait, deletions only for so long. */
async function unreachable(
  options: UserReconcilerOptions,
  context: Context,
  leaving: readonly KafScaleUser[],
  cause: Error,
): Promise<Outcome> {
  const { results, prepared, pass } = context
  const message = `The brokers cannot be asked: ${cause.message}.`
  for (const [user, facts] of prepared) results.set(user, { kind: 'cluster-not-ready', message, prepared: facts })
  const [first] = leaving
  const isEnding = first !== undefined && (await options.isEnding(namespaceOf(first), pass.signal))
  for (const user of leaving) {
    results.set(user, { kind: 'cluster-not-ready', message })
    const since = Date.parse(user.metadata.deletionTimestamp ?? '')
    if (isEnding) release(options, context, user, 'the brokers went with their namespace')
    else if (options.clock.now() - since > DELETION_DEADLINE_MS) {
      release(options, context, user, 'the brokers could not be reached in time')
    }
  }
  return wait('BrokersUnreachable', LOOK_AGAIN_MS)
}

function release(options: UserReconcilerOptions, { released }: Context, user: KafScaleUser, reason: string): void {
  released.add(user)
  if (hasFinalizer(user)) options.onOrphan(user, reason)
}

/** When to look again: at what waits, at certificates that end, and at what others changed in the brokers. */
function later(
  { clock, lookEveryMs = LOOK_EVERY_MS }: UserReconcilerOptions,
  { results, prepared, pauses }: Context,
): Outcome {
  const now = clock.now()
  const isWaiting = [...results.values()].some(
    result =>
      ('refusal' in result && result.refusal?.retriable === true) ||
      (result.kind === 'unprepared' && result.problem.reason === 'ClusterNotReady'),
  )
  if (isWaiting) return wait('UsersPending', LOOK_AGAIN_MS)
  const ends = [
    ...[...prepared.values()].flatMap(({ certificate }) => certificate?.lookAgainAt ?? []),
    ...[...pauses.values()].flatMap(({ until }) => until ?? []),
  ]
  return wait('LookAgain', Math.min(lookEveryMs, Math.max(Math.min(...ends) - now, 1000)))
}

async function finish(options: UserReconcilerOptions, context: Context): Promise<void> {
  const { applier, clock, onWrite } = options
  const { results, released, pass } = context
  for (const [user, result] of results) {
    if (isDeleted(user) && released.has(user)) continue
    const status = userStatus(clock.now(), user, result)
    const written = await applier.applyStatus({ resource: USER, live: user, status, signal: pass.signal })
    if (written !== undefined) onWrite(USER, written)
  }
  for (const user of released) if (hasFinalizer(user)) await setFinalizer(options, user, false, pass.signal)
}

/** What the operator does last of all: lets users go whose namespace is being deleted, for nobody would come after it. */
export async function letGo(options: UserReconcilerOptions, signal: AbortSignal): Promise<void> {
  const held = [...options.users.all()].filter(hasFinalizer)
  for (const [namespace, users] of Map.groupBy(held, namespaceOf)) {
    if (!(await options.isEnding(namespace, signal))) continue
    for (const user of users) await setFinalizer(options, user, false, signal)
  }
}
