// Every fault of a chaos run, by kind: how it begins and how it is healed. What it hits is a broker, or all of them.

import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import type { Fault as S3Fault } from '../../testing/s3/fault-proxy.ts'
import type { ChaosBroker, ChaosCluster } from './chaos-cluster.ts'

export interface Fault {
  readonly kind: string
  /** Brokers whose clients must expect to be held up; the others should hardly notice. */
  readonly hits: 'one broker' | 'all brokers'
  /** How long it lasts, ms: in the short run, and from least to most in the long one. */
  readonly shortMs: number
  readonly longMs: readonly [least: number, most: number]
  /** Begins; resolves with what heals it. */
  begin(chaos: ChaosCluster, target: ChaosBroker): Promise<() => Promise<void>>
}

const HOUR_MS = 3_600_000

const onBroker = (
  kind: string,
  [shortMs, longMs]: readonly [number, readonly [number, number]],
  begin: Fault['begin'],
): Fault => ({ kind, hits: 'one broker', shortMs, longMs, begin })

const onAll = (
  kind: string,
  [shortMs, longMs]: readonly [number, readonly [number, number]],
  begin: Fault['begin'],
): Fault => ({ kind, hits: 'all brokers', shortMs, longMs, begin })

export const processFaults: readonly Fault[] = [
  onBroker('broker killed (kill -9)', [500, [500, 20_000]], async (_, { process }) => {
    await process.kill()
    return async () => void (await process.start())
  }),
  onBroker('broker frozen (SIGSTOP)', [9000, [15_000, 40_000]], async (_, { process }) => {
    process.freeze()
    return async () => process.thaw()
  }),
]

function jumpClock(ms: number): Fault['begin'] {
  return async (_, { setClock }) => {
    if (setClock === undefined) throw new Error('there is no libfaketime here')
    await setClock(ms)
    return () => setClock(0)
  }
}

/** Where libfaketime is to be had. */
export const clockFaults: readonly Fault[] = [
  onBroker('clock of a broker an hour ahead', [4000, [10_000, 20_000]], jumpClock(HOUR_MS)),
  onBroker('clock of a broker an hour behind', [4000, [10_000, 20_000]], jumpClock(-HOUR_MS)),
]

export const etcdFaults: readonly Fault[] = [
  onAll('etcd: leader killed', [2000, [2000, 15_000]], async ({ cluster: { etcd } }) => {
    const leader = await etcd.leader()
    await etcd.kill(leader)
    return async () => {
      await etcd.restart(leader)
      await etcd.ready()
    }
  }),
  onAll('etcd: all members down', [9000, [30_000, 30_000]], async ({ cluster: { etcd } }) => {
    await Promise.all(etcd.members.map(({ index }) => etcd.kill(index)))
    return async () => {
      await Promise.all(etcd.members.map(({ index }) => etcd.restart(index)))
      await etcd.ready()
    }
  }),
  onBroker('etcd unreachable (connections cut)', [8000, [8000, 25_000]], async (_, { process }) => {
    for (const proxy of process.etcdProxies) proxy.cut()
    return async () => process.etcdProxies.forEach(proxy => void proxy.heal())
  }),
  onBroker('etcd silent, lease lost', [9000, [10_000, 30_000]], async (_, { process }) => {
    for (const proxy of process.etcdProxies) proxy.silence()
    return async () => process.etcdProxies.forEach(proxy => void proxy.heal())
  }),
  onBroker('etcd compacted under a slow watcher', [4000, [3000, 4500]], async ({ cluster: { etcd } }, { process }) => {
    for (const proxy of process.etcdProxies) proxy.silence()
    return async () => {
      const revision = await compactAll(etcd)
      for (const proxy of process.etcdProxies) proxy.heal()
      if (revision <= 0) throw new Error('there was nothing to compact')
    }
  }),
  onAll('etcd: no space (NOSPACE alarm)', [5000, [8000, 20_000]], async ({ cluster: { etcd } }) => {
    await fill(etcd)
    return () => makeSpace(etcd)
  }),
]

type Etcd = ChaosCluster['cluster']['etcd']

const JUNK = '/junk/'
const JUNK_BYTES = 1_000_000

/** All of the history up to now; answers the revision. */
async function compactAll(etcd: Etcd): Promise<number> {
  const status = await etcd.ctl('endpoint', 'status', '-w', 'fields')
  const revision = Number(/"Revision" : (\d+)/.exec(status)?.[1])
  // Brokers compact too, and may have come further meanwhile.
  await etcd.ctl('compaction', String(revision)).catch((cause: unknown) => {
    if (!String(cause).includes('compacted')) throw cause
  })
  return revision
}

/** Until etcd refuses to take more. */
async function fill(etcd: Etcd): Promise<void> {
  const client = new Etcd3({ hosts: [...etcd.endpoints] })
  try {
    for (let n = 0; n < 1000; n++) await client.put(`${JUNK}${n}`).value(Buffer.alloc(JUNK_BYTES, n))
    throw new Error('etcd took everything')
  } catch (cause) {
    if (!String(cause).includes('space')) throw cause
  } finally {
    client.close()
  }
}

/** What an operator does by etcd's handbook. */
async function makeSpace(etcd: Etcd): Promise<void> {
  await etcd.ctl('del', JUNK, '--prefix')
  await compactAll(etcd)
  await etcd.ctl('defrag')
  await etcd.ctl('alarm', 'disarm')
}

const storm = (kind: string, chances: Partial<Record<S3Fault, number>>): Fault =>
  onAll(kind, [5000, [10_000, 30_000]], async ({ brokers }) => {
    for (const { toS3 } of brokers) toS3.chances(chances)
    return async () => brokers.forEach(({ toS3 }) => void toS3.heal())
  })

export const storeFaults: readonly Fault[] = [
  storm('S3: 500 and 503', { '500': 0.3, '503': 0.3 }),
  storm('S3: done, but no answer', { 'lose-answer': 0.2 }),
  storm('S3: truncated bodies', { truncate: 0.4 }),
  storm('S3: connections reset', { reset: 0.2, 'reset-after': 0.2 }),
  onAll('S3: seconds slow', [5000, [10_000, 30_000]], async ({ brokers }) => {
    for (const { toS3 } of brokers) toS3.latencyMs = [500, 3000]
    return async () => brokers.forEach(({ toS3 }) => void toS3.heal())
  }),
  onAll('S3: gone', [6000, [10_000, 40_000]], async ({ brokers }) => {
    for (const { toS3 } of brokers) toS3.cut = 'refuse'
    return async () => brokers.forEach(({ toS3 }) => void toS3.heal())
  }),
  onBroker('S3 silent for one broker', [6000, [10_000, 30_000]], async (_, { toS3 }) => {
    toS3.cut = 'silence'
    return async () => toS3.heal()
  }),
]

export const clientFaults: readonly Fault[] = [
  onBroker('clients cut off from a broker', [4000, [5000, 20_000]], async (_, { fromClients }) => {
    fromClients.cut()
    return async () => fromClients.heal()
  }),
  onBroker('clients and a broker hear nothing of each other', [6000, [8000, 30_000]], async (_, { fromClients }) => {
    fromClients.silence()
    return async () => fromClients.heal()
  }),
]

const TWIN_LIMIT_MS = 60_000

/** A second process under the same id has to give up by itself; the first one must not notice. */
export const twin = onBroker('a second broker with the same id', [0, [0, 0]], async (chaos, { index, process }) => {
  const intruder = await chaos.spawnTwin(index)
  try {
    const began = performance.now()
    while (intruder.isRunning) {
      if (performance.now() - began > TWIN_LIMIT_MS) throw new Error('the second broker did not give up')
      await sleep(200)
    }
    if (!/another broker with id \d+ is running/.test(intruder.output())) {
      throw new Error(`the second broker did not say why it ended: ${intruder.output().slice(-500)}`)
    }
  } finally {
    await intruder.close()
  }
  if (!process.isRunning || !(await process.isReady())) throw new Error('the first broker was disturbed')
  return async () => {}
})

/** All that can be injected on this machine. */
export function faultsHere({ brokers }: ChaosCluster): readonly Fault[] {
  const hasClocks = brokers.every(({ setClock }) => setClock !== undefined)
  const clocks = hasClocks ? clockFaults : []
  return [...processFaults, ...clocks, ...etcdFaults, ...storeFaults, ...clientFaults, twin]
}
