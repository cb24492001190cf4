/**
 * `make bench-cluster`: figures of a cluster on real etcd and a real S3 server, with 0 and 30 ms added to each S3 request.
 *
 *   make bench-cluster WHAT="latency kill"   some of the tables; without WHAT all
 *   BENCH_GB=n                               gigabytes for the benches that fill the bucket (default 1)
 *   BENCH_SECONDS=n                          for those that watch a cluster under load (default 120)
 *   BENCH_LATENCIES=0,30                     milliseconds added to S3 requests
 *
 * Everything runs on one machine: read the figures beside each other, not as those of a cluster of machines.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { bulk } from './bulk.ts'
import { endToEnd, latency } from './latency.ts'
import { type Expectations, type Figure, figuresTable } from './report.ts'
import type { Size } from './scene.ts'
import { throughput } from './throughput.ts'

type Bench = (latencyMs: number, size: Size) => Promise<Figure[]>

const benches: Readonly<Record<string, Bench>> = {
  latency,
  throughput,
  bulk,
  'end-to-end': endToEnd,
}

const expected: Expectations = {
  'one record at a time, no PUT budget: p50': { goal: 'below 38 ms', original: '34 ms' },
  '12 partitions, one producer, batch.size=128 KiB': { goal: 'above 60 MB/s', original: '6.6 MB/s' },
  '12 partitions, four producers, batch.size=128 KiB': { goal: 'above 100 MB/s', original: '25.4 MB/s' },
  'end to end at 2 records/s over 12 partitions: p50': { goal: 'below 80 ms', original: '4,068 ms' },
}

const wanted = process.argv.slice(2)
const unknown = wanted.find(name => benches[name] === undefined)
if (unknown !== undefined) {
  console.error(`there is no bench ${unknown}; there are ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}
const { BENCH_GB = '1', BENCH_SECONDS = '120', BENCH_LATENCIES = '0,30' } = process.env
const size: Size = { gigabytes: Number(BENCH_GB), seconds: Number(BENCH_SECONDS) }
const root = join(import.meta.dirname, '../..')
const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']
if (spawnSync(process.execPath, compiler, { cwd: root, stdio: 'inherit' }).status !== 0) process.exit(1)

const columns = new Map<number, Figure[]>()
for (const latencyMs of BENCH_LATENCIES.split(',').map(Number)) {
  const figures: Figure[] = []
  columns.set(latencyMs, figures)
  for (const name of wanted.length === 0 ? Object.keys(benches) : wanted) {
    for (const figure of (await benches[name]?.(latencyMs, size)) ?? []) {
      console.error(`S3 + ${latencyMs} ms: ${figure.name}: ${figure.value}`)
      figures.push(figure)
    }
  }
}
console.log(`\n${figuresTable(columns, expected)}`)
