/**
 * `make bench`: figures of the broker beside Apache Kafka 4.3.1, in the same run on the same disk, as tables.
 *
 *   make bench WHAT=throughput|latency|load|start|tls|authorization|scrape     one of them; without WHAT all
 *   BENCH_GB=n                                        gigabytes for throughput (default 1) and start (default 10)
 *
 * Absolute figures are those of the machine and its mood: read the ratios.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { authorization } from './authorization.ts'
import { latency } from './latency.ts'
import { load } from './load.ts'
import { type Peer, startApache, startOurs } from './peers.ts'
import { scrape } from './scrape.ts'
import { start } from './start.ts'
import { throughput } from './throughput.ts'
import { tls } from './tls.ts'

const ROUNDS = 3
const LATENCY_SAMPLES = 2000

const gigabytes = process.env.BENCH_GB === undefined ? undefined : Number(process.env.BENCH_GB)

async function withPeers(work: (peers: readonly Peer[]) => Promise<string>): Promise<string> {
  const peers = [await startOurs(), await startApache()]
  try {
    return await work(peers)
  } finally {
    for (const peer of peers) await peer.stop()
  }
}

const benches: Readonly<Record<string, () => Promise<string>>> = {
  throughput: () => withPeers(peers => throughput(peers, gigabytes ?? 1, ROUNDS)),
  latency: () => withPeers(peers => latency(peers, LATENCY_SAMPLES)),
  load: () => withPeers(load),
  start: () => start(gigabytes ?? 10),
  tls: () => tls(gigabytes ?? 1, ROUNDS),
  authorization: async () => authorization(),
  scrape,
}

const wanted = process.argv.slice(2)
const unknown = wanted.find(name => benches[name] === undefined)
if (unknown !== undefined) {
  console.error(`there is no bench ${unknown}; there are ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}
const root = join(import.meta.dirname, '..')
const built = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  { cwd: root, stdio: 'inherit' },
)
if (built.status !== 0) process.exit(1)
for (const name of wanted.length === 0 ? Object.keys(benches) : wanted) {
  console.log(`\n## ${name}\n`)
  console.log(await benches[name]?.())
}
