// How long requests of a kind and size usually take: the 95th percentile of the last ones. A request that takes longer is
// worth a second, hedged one ("Timeouts and retries for latency-sensitive applications", S3 user guide).

const kept = 128
/** Fewer say nothing about the slowest twentieth. */
const needed = 20
/** The percentile is worked out anew after so many. */
const renewedAfter = 16

interface Recent {
  readonly times: number[]
  next: number
  p95: number | undefined
}

export class Latencies {
  readonly #classes = new Map<string, Recent>()

  /** Milliseconds of a request that succeeded, or that was given up after that time. */
  record(kind: string, bytes: number, ms: number): void {
    const name = sizeClass(kind, bytes)
    const recent = this.#classes.get(name) ?? { times: [], next: 0, p95: undefined }
    this.#classes.set(name, recent)
    recent.times[recent.next % kept] = ms
    recent.next++
    if (recent.next < needed || (recent.next - needed) % renewedAfter !== 0) return
    const sorted = recent.times.toSorted((a, b) => a - b)
    recent.p95 = sorted[Math.floor(sorted.length * 0.95)]
  }

  /** Milliseconds; undefined while too little is known. */
  p95(kind: string, bytes: number): number | undefined {
    return this.#classes.get(sizeClass(kind, bytes))?.p95
  }
}

/** Sizes within a factor of four share a class; below 64 KiB all do. */
const sizeClass = (kind: string, bytes: number): string =>
  `${kind} ${Math.max(0, Math.ceil(Math.log2(Math.max(1, bytes) / 65_536) / 2))}`
