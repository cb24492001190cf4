/**
 * The two brokers of a bench: ours as it ships (compiled, production settings) and Apache Kafka 4.3.1 with one gigabyte
 * of heap, each with its data below the same folder on the same disk, and what the operating system says of each.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApacheKafka } from '../testing/apache-kafka.ts'
import { type Child, startChild, untilReady } from '../testing/child.ts'
import { freePorts } from '../testing/ports.ts'

export interface Peer {
  readonly name: string
  readonly bootstrap: string
  readonly host: string
  readonly port: number
  readonly pid: number
  /** Properties file that Java clients need to come in; none in clear. */
  readonly clientConfig?: string
  /** Ends the process and removes its data. */
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '..')

export async function startOurs(settings: Readonly<Record<string, string>> = {}, data?: string): Promise<Peer> {
  const folder = data ?? (await mkdtemp(join(tmpdir(), 'kafscale-bench-')))
  const [port = 0, metricsPort = 0] = await freePorts(2)
  const env = {
    ...process.env,
    KAFSCALE_BROKER_ADDR: `127.0.0.1:${port}`,
    KAFSCALE_METRICS_ADDR: `127.0.0.1:${metricsPort}`,
    KAFSCALE_DATA_DIR: join(folder, 'data'),
    KAFSCALE_LOG_LEVEL: 'warn',
    KAFSCALE_AUTO_CREATE_PARTITIONS: '12',
    ...settings,
  }
  const main = join(root, 'dist', 'broker', 'main.js')
  const child = await startChild(process.execPath, [main], { env, logFile: join(folder, 'broker.log') })
  await untilReady(
    child,
    60_000,
    async () => (await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined))?.ok === true,
  )
  return peer('KafScale', port, child, data === undefined ? folder : undefined)
}

export async function startApache(settings: Readonly<Record<string, string>> = {}): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-bench-'))
  const { bootstrap, child } = await startApacheKafka({ folder, settings: { 'num.partitions': '12', ...settings } })
  return peer('Apache Kafka', Number(bootstrap.split(':')[1]), child, folder)
}

function peer(name: string, port: number, child: Child, folder: string | undefined): Peer {
  return {
    name,
    bootstrap: `127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    pid: child.pid,
    stop: async () => {
      await child.stop()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

const TICKS_PER_SECOND = 100

/** Seconds of processor time that a process has used, user and system. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Resident memory, MB. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}
