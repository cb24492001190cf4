/** What a scrape costs a broker with many topics and groups: bytes of the page, and its time, most of which holds the thread. */
import { Metrics } from '../broker/observe/metrics.ts'
import { table } from './table.ts'

const ROUNDS = 20
const APIS = 30

export async function scrape(): Promise<string> {
  const rows: (string | number)[][] = []
  for (const topics of [100, 2000, 20_000]) {
    const metrics = new Metrics('bench')
    const groups = Math.min(2000, topics)
    metrics.readFrom({
      groupLag: () => Array.from({ length: topics }, (_, n) => lag(n % groups, n)),
      groupMembers: () => Array.from({ length: groups }, (_, n) => ({ group: `group-${n}`, members: 3 })),
    })
    for (let n = 0; n < topics; n++) {
      metrics.produced(`topic-${n}`, 1000, 1)
      metrics.fetched(`topic-${n}`, 1000, 1)
    }
    for (let n = 0; n < APIS; n++) metrics.requestAnswered(`Api${n}`, 0.01)
    const times: number[] = []
    let bytes = 0
    for (let round = 0; round < ROUNDS; round++) {
      const before = performance.now()
      bytes = (await metrics.scrape()).length
      times.push(performance.now() - before)
    }
    times.sort((a, b) => a - b)
    rows.push([topics, bytes / 1e6, times[ROUNDS >> 1] ?? 0, times.at(-1) ?? 0])
  }
  return table(['topics', 'MB', 'ms, median of 20', 'ms, worst of 20'], rows)
}

function lag(group: number, topic: number) {
  return { group: `group-${group}`, topic: `topic-${topic}`, sum: 10, max: 5, ageMs: 1000 }
}
