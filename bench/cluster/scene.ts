/** A cluster for a bench: compiled brokers with their default settings, etcd, versitygw behind a proxy that adds latency. */
import { join } from 'node:path'
import { Cluster } from '../../testing/cluster/cluster.ts'

export interface SceneOptions {
  /** Milliseconds that the proxy adds to each S3 request. */
  readonly latencyMs: number
  /** Default 1. */
  readonly brokers?: number
  readonly settings?: Readonly<Record<string, string>>
}

export const main = join(import.meta.dirname, '../../dist/broker/main.js')
export const PARTITIONS = 12

/** Starts a cluster for `work` and ends it. */
export async function withCluster<T>(
  { latencyMs, brokers = 1, settings = {} }: SceneOptions,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const cluster = await Cluster.start({
    brokers,
    main,
    settings: { KAFSCALE_LOG_LEVEL: 'warn', KAFSCALE_AUTO_CREATE_PARTITIONS: String(PARTITIONS), ...settings },
  })
  cluster.s3Proxy.latencyMs = latencyMs
  try {
    return await work(cluster)
  } finally {
    await cluster.stop()
  }
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

export interface Size {
  /** Gigabytes (10^9) for the benches that fill the bucket. */
  readonly gigabytes: number
  /** Seconds for the benches that watch a cluster under load. */
  readonly seconds: number
}
