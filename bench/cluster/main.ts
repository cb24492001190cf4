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
import { budget } from './budget.ts'
import { bulk } from './bulk.ts'
import { coldRead } from './cold-read.ts'
import { cost } from './cost.ts'
import { killed } from './kill.ts'
import { endToEnd, latency } from './latency.ts'
import { manyPartitions } from './partitions.ts'
import { type Expectations, type Figure, figuresTable } from './report.ts'
import { etcdUnderLoad, idleConsumer, putsPerRequest } from './requests.ts'
import { restart } from './restart.ts'
import type { Size } from './scene.ts'
import { throughput } from './throughput.ts'

type Bench = (latencyMs: number, size: Size) => Promise<Figure[]>

const benches: Readonly<Record<string, Bench>> = {
  latency,
  throughput,
  bulk,
  'end-to-end': endToEnd,
  restart,
  idle: idleConsumer,
  puts: putsPerRequest,
  kill: killed,
  partitions: manyPartitions,
  etcd: etcdUnderLoad,
  'cold-read': coldRead,
}

const expected: Expectations = {
  'one record at a time, no PUT budget: p50': { goal: 'below 38 ms', original: '34 ms' },
  '12 partitions, one producer, batch.size=128 KiB': { goal: 'above 60 MB/s', original: '6.6 MB/s' },
  '12 partitions, four producers, batch.size=128 KiB': { goal: 'above 100 MB/s', original: '25.4 MB/s' },
  '12 partitions, one bare client': { goal: 'above 60 MB/s', original: '' },
  '12 partitions, four bare clients': { goal: 'above 100 MB/s', original: '' },
  'end to end at 2 records/s over 12 partitions: p50': { goal: 'below 80 ms', original: '4,068 ms' },
  'restart after SIGTERM: first ack': { goal: 'below 1.5 s', original: 'over 60 s' },
  'restart after kill -9: first ack': { goal: 'below 1.5 s', original: '' },
  'idle consumer: etcd': { goal: '0 reads/s', original: '100 reads/s' },
  'PUTs per produce request over 100 partitions, one producer': { goal: 'below 1', original: '200' },
  'PUTs per produce request over 100 partitions, four producers': { goal: 'below 1', original: '' },
  'one of three brokers killed: longest gap of a producer on another': { goal: 'below 100 ms', original: '' },
  '  on the killed one': { goal: 'below 30 s, its request time-out', original: '' },
  '100,000 partitions: memory of the broker that took the records, of another': { goal: 'below 1 GB', original: '' },
  '  start until ready': { goal: 'below 5 s', original: '' },
  'etcd writes, 3 brokers under load': { goal: 'below 70/s', original: '' },
  "  etcd's data in use, most in each half of the time": { goal: 'flat', original: '' },
}
/** Benches with a table of their own. */
const tables: Readonly<Record<string, (size: Size) => Promise<string>>> = { cost, budget }

const wanted = process.argv.slice(2)
const unknown = wanted.find(name => tables[name] === undefined && benches[name] === undefined)
if (unknown !== undefined) {
  console.error(
    `there is no bench ${unknown}; there are ${[...Object.keys(benches), ...Object.keys(tables)].join(', ')}`,
  )
  process.exit(2)
}
const { BENCH_GB = '1', BENCH_SECONDS = '120', BENCH_LATENCIES = '0,30' } = process.env
const size: Size = { gigabytes: Number(BENCH_GB), seconds: Number(BENCH_SECONDS) }
const root = join(import.meta.dirname, '../..')
const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']
if (spawnSync(process.execPath, compiler, { cwd: root, stdio: 'inherit' }).status !== 0) process.exit(1)

const chosen = wanted.length === 0 ? [...Object.keys(benches), ...Object.keys(tables)] : wanted
const columns = new Map<number, Figure[]>()
for (const latencyMs of BENCH_LATENCIES.split(',').map(Number)) {
  const figures: Figure[] = []
  columns.set(latencyMs, figures)
  for (const name of chosen.filter(name => benches[name] !== undefined)) {
    for (const figure of (await benches[name]?.(latencyMs, size)) ?? []) {
      console.error(`S3 + ${latencyMs} ms: ${figure.name}: ${figure.value}`)
      figures.push(figure)
    }
  }
}
if (chosen.some(name => benches[name] !== undefined)) console.log(`\n${figuresTable(columns, expected)}`)
for (const name of chosen) {
  const own = await tables[name]?.(size)
  if (own !== undefined) console.log(`\n${own}`)
}
// Connections of a cluster that is gone may keep the process for minutes.
process.exit(0)
