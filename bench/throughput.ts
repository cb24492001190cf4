/** Apache's own producer-perf-test and consumer-perf-test against both brokers: throughput and the broker's CPU time per GB. */

import { cpuSeconds, type Peer, residentMb } from './peers.ts'
import { perfTest } from './perf-test.ts'
import { table } from './table.ts'

const RECORD_BYTES = 1024
const TOPIC = 'bench-throughput'

interface Measured {
  readonly mbPerSecond: number
  readonly cpuPerGb: number
}

async function measured(peer: Peer, records: number, work: () => Promise<number>): Promise<Measured> {
  const before = await cpuSeconds(peer.pid)
  const mbPerSecond = await work()
  return { mbPerSecond, cpuPerGb: ((await cpuSeconds(peer.pid)) - before) / ((records * RECORD_BYTES) / 1e9) }
}

async function produceOnce(peer: Peer, records: number): Promise<number> {
  const output = await perfTest('ProducerPerformance', [
    ...[
      '--topic',
      TOPIC,
      '--num-records',
      String(records),
      '--record-size',
      String(RECORD_BYTES),
      '--throughput',
      '-1',
    ],
    ...(peer.clientConfig === undefined ? [] : ['--producer.config', peer.clientConfig]),
    ...['--producer-props', `bootstrap.servers=${peer.bootstrap}`, 'acks=all'],
  ])
  return Number(/\(([\d.]+) MB\/sec\)/.exec(output.trim().split('\n').at(-1) ?? '')?.[1])
}

async function consumeOnce(peer: Peer, records: number): Promise<number> {
  const output = await perfTest('ConsumerPerformance', [
    ...['--bootstrap-server', peer.bootstrap, '--topic', TOPIC, '--num-records', String(records), '--timeout', '60000'],
    ...(peer.clientConfig === undefined ? [] : ['--consumer.config', peer.clientConfig]),
  ])
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  return Number((output.trim().split('\n').at(-1) ?? '').split(',')[8])
}

/** Both brokers in turn, `rounds` times; the median of each figure. */
export async function throughput(peers: readonly Peer[], gigabytes: number, rounds: number): Promise<string> {
  const records = Math.round((gigabytes * 1e9) / RECORD_BYTES)
  const figures = new Map<string, Measured[]>()
  const note = (peer: Peer, what: string, figure: Measured): void => {
    const key = `${peer.name}/${what}`
    figures.set(key, [...(figures.get(key) ?? []), figure])
  }
  for (const peer of peers) await produceOnce(peer, Math.min(records, 200_000))
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) note(peer, 'produce', await measured(peer, records, () => produceOnce(peer, records)))
    for (const peer of peers)
      note(peer, 'consume, warm', await measured(peer, records, () => consumeOnce(peer, records)))
  }
  const memory = await Promise.all(peers.map(peer => residentMb(peer.pid)))
  const rows = ['produce', 'consume, warm'].map(what => {
    const [ours, theirs] = peers.map(peer => median(figures.get(`${peer.name}/${what}`) ?? []))
    if (ours === undefined || theirs === undefined) throw new Error('a bench needs two peers')
    return [
      what,
      ours.mbPerSecond,
      theirs.mbPerSecond,
      ours.mbPerSecond / theirs.mbPerSecond,
      ours.cpuPerGb,
      theirs.cpuPerGb,
      ours.cpuPerGb / theirs.cpuPerGb,
    ]
  })
  const [a, b] = peers.map(({ name }) => name)
  const header = ['', `${a} MB/s`, `${b} MB/s`, 'ratio', `${a} CPU s/GB`, `${b} CPU s/GB`, 'ratio']
  return `${table(header, rows)}\n\nResident memory afterwards: ${memory.map((mb, at) => `${peers[at]?.name} ${mb.toFixed(0)} MB`).join(', ')}`
}

function median(figures: readonly Measured[]): Measured {
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
  return {
    mbPerSecond: middle(figures.map(({ mbPerSecond }) => mbPerSecond)),
    cpuPerGb: middle(figures.map(({ cpuPerGb }) => cpuPerGb)),
  }
}
