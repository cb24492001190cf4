// The broker under test. By default ours, as a child process with its own settings and data folder; with
// KAFSCALE_E2E_TARGET=cluster or balanced three brokers on etcd and S3, with apache a real Apache Kafka, against which every suite must be green as well: a suite that
// Apache Kafka fails proves nothing about ours.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApacheKafka } from '../testing/apache-kafka.ts'
import { type Child, startChild, untilReady } from '../testing/child.ts'
import { Cluster } from '../testing/cluster/cluster.ts'
import { freePorts } from '../testing/ports.ts'

/** `cluster` is three of our brokers on etcd and S3, `balanced` the same behind a load balancer. */
export type TargetName = 'kafscale' | 'apache' | 'cluster' | 'balanced'

export interface Target {
  name: TargetName
  /** `host:port` for clients. */
  bootstrap: string
  /** What the broker has written so far. */
  output(): string
  /** Stops the broker as an operator would (SIGTERM) and removes its data. */
  stop(): Promise<void>
}

/** Which broker the suites run against. */
export const targetName: TargetName = chosenTarget(process.env.KAFSCALE_E2E_TARGET)

/** `settings`: more environment variables for ours, as a suite needs them. */
export async function startTarget(
  name: TargetName = targetName,
  settings: Readonly<Record<string, string>> = {},
): Promise<Target> {
  if (name === 'cluster' || name === 'balanced') return startCluster(name, settings)
  const folder = await mkdtemp(join(tmpdir(), `kafscale-e2e-${name}-`))
  const starting = name === 'apache' ? startApacheKafka({ folder }) : startOurs(folder, settings)
  const { bootstrap, child } = await starting.catch(async error => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  return {
    name,
    bootstrap,
    output: () => child.output(),
    async stop() {
      const code = await child.stop()
      const output = child.output()
      await rm(folder, { recursive: true, force: true })
      if (name === 'kafscale' && code !== 0) {
        throw new Error(`the broker did not stop cleanly (exit ${code}); its output ends with:\n${output.slice(-4000)}`)
      }
    },
  }
}

async function startCluster(name: 'cluster' | 'balanced', settings: Readonly<Record<string, string>>): Promise<Target> {
  const common = { KAFSCALE_AUTO_CREATE_TOPICS: 'true', KAFSCALE_AUTO_CREATE_PARTITIONS: '1', ...settings }
  const cluster = await Cluster.start({ brokers: 3, balanced: name === 'balanced', settings: common })
  const output = () => cluster.brokers.map(broker => broker.output()).join('\n')
  return { name, bootstrap: cluster.bootstrap, output, stop: () => cluster.stop() }
}

async function startOurs(
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<{ bootstrap: string; child: Child }> {
  const [port, metricsPort] = await freePorts(2)
  const bootstrap = `127.0.0.1:${port}`
  const { NODE_OPTIONS: _forJestOnly, ...inherited } = process.env
  const env = {
    ...inherited,
    KAFSCALE_BROKER_ADDR: bootstrap,
    KAFSCALE_METRICS_ADDR: `127.0.0.1:${metricsPort}`,
    KAFSCALE_DATA_DIR: join(folder, 'data'),
    KAFSCALE_LOG_LEVEL: process.env.KAFSCALE_LOG_LEVEL ?? 'info',
    KAFSCALE_AUTO_CREATE_TOPICS: 'true',
    KAFSCALE_AUTO_CREATE_PARTITIONS: '1',
    ...settings,
  }
  const main = join(import.meta.dirname, '..', 'broker', 'main.ts')
  const child = await startChild(process.execPath, [main], { env, logFile: join(folder, 'broker.log') })
  await untilReady(child, 30_000, () => answersReady(`http://127.0.0.1:${metricsPort}/readyz`))
  return { bootstrap, child }
}

async function answersReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

function chosenTarget(text: string | undefined): TargetName {
  if (text === undefined || text === '' || text === 'kafscale') return 'kafscale'
  if (text === 'apache' || text === 'cluster' || text === 'balanced') return text
  throw new Error(`KAFSCALE_E2E_TARGET is ${text}; it must be kafscale, cluster, balanced or apache`)
}
