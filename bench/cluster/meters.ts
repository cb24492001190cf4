/** What a cluster did, by its own counters: S3 requests as the brokers sent them, reads and writes as etcd did them. */
import type { Cluster } from '../../testing/cluster/cluster.ts'

export type S3Requests = Readonly<Record<'put' | 'get' | 'head' | 'list', number>>

/** HTTP requests of all brokers that run, repeated and hedged ones included. */
export async function s3Requests({ brokers }: Cluster): Promise<S3Requests> {
  const counts = { put: 0, get: 0, head: 0, list: 0 }
  for (const broker of brokers.filter(({ isRunning }) => isRunning)) {
    const page = await broker.metrics()
    for (const operation of ['put', 'get', 'head', 'list'] as const) {
      counts[operation] += sumOf(page, 'kafscale_s3_requests_total', `operation="${operation}"`)
    }
  }
  return counts
}

/** Reads: range requests, those within transactions included. Writes: what the members agreed upon, one for each transaction, lease and compaction. */
export type EtcdWork = Readonly<Record<'reads' | 'writes', number>>

export async function etcdWork({ etcd }: Cluster): Promise<EtcdWork> {
  const page = await (await fetch(`${etcd.endpoints[0]}/metrics`)).text()
  return { reads: sumOf(page, 'etcd_mvcc_range_total'), writes: sumOf(page, 'etcd_server_proposals_applied_total') }
}

/** What counters gained while `work` ran, and the seconds that it took. */
export async function gained<Part extends string>(
  count: () => Promise<Readonly<Record<Part, number>>>,
  work: () => Promise<unknown>,
): Promise<{ readonly count: (part: Part) => number; readonly seconds: number }> {
  const before = await count()
  const began = performance.now()
  await work()
  const seconds = (performance.now() - began) / 1000
  const after = await count()
  return { count: part => after[part] - before[part], seconds }
}

function sumOf(page: string, name: string, label = ''): number {
  let sum = 0
  for (const line of page.split('\n')) {
    const isOfName = line.startsWith(`${name} `) || line.startsWith(`${name}{`)
    if (isOfName && line.includes(label)) sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return sum
}
