// The cluster of a chaos run: three members of etcd, an S3 server, and three brokers. Each broker has proxies of its own
// before itself, before etcd and before the S3 server, and where libfaketime is to be had a wall clock of its own.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterBroker } from '../../testing/cluster/broker.ts'
import { Cluster } from '../../testing/cluster/cluster.ts'
import { S3FaultProxy } from '../../testing/s3/fault-proxy.ts'
import { TcpProxy } from '../../testing/tcp-proxy.ts'
import { faketime } from '../../tools/parts/faketime.ts'
import { available } from '../../tools/parts/parts.ts'
import { Witness } from './witness.ts'

const BROKERS = 3
const QUOTA_BYTES = 48 * 1024 * 1024

const SETTINGS = {
  // Often, so that a broker that was away for some seconds finds the ledger's events gone.
  KAFSCALE_CHECKPOINT_INTERVAL_MS: '2000',
  KAFSCALE_GROUP_INITIAL_REBALANCE_DELAY_MS: '500',
}

export interface ChaosBroker {
  readonly index: number
  readonly process: ClusterBroker
  readonly fromClients: TcpProxy
  readonly toS3: S3FaultProxy
  /** Moves the broker's wall clock, ms; undefined where that cannot be done. */
  readonly setClock: ((offsetMs: number) => Promise<void>) | undefined
}

export class ChaosCluster {
  readonly cluster: Cluster
  readonly brokers: readonly ChaosBroker[]
  readonly witness: Witness

  static async start(random: () => number): Promise<ChaosCluster> {
    const options = { brokers: 0, etcdMembers: 3, quotaBytes: QUOTA_BYTES, settings: SETTINGS, random } as const
    const cluster = await Cluster.start(options)
    const proxies: { stop(): Promise<void> }[] = []
    try {
      const bucketFolder = join(cluster.folder, 's3', cluster.s3.bucket)
      const witness = await Witness.start({ endpoints: cluster.etcd.endpoints, bucketFolder })
      proxies.push(witness)
      const found = await available(faketime())
      const library = found.have ? found.part : undefined
      const brokers: ChaosBroker[] = []
      const parts = { random, library, opened: (proxy: { stop(): Promise<void> }) => proxies.push(proxy) }
      for (let index = 0; index < BROKERS; index++) brokers.push(await startBroker(cluster, index, parts))
      return new ChaosCluster(cluster, brokers, witness)
    } catch (cause) {
      await cluster.stop()
      for (const proxy of proxies) await proxy.stop()
      throw cause
    }
  }

  private constructor(cluster: Cluster, brokers: readonly ChaosBroker[], witness: Witness) {
    this.cluster = cluster
    this.brokers = brokers
    this.witness = witness
  }

  /** What the brokers have logged that no fault excuses, as lines. */
  get defects(): string[] {
    return this.brokers.flatMap(({ index, process }) =>
      process
        .output()
        .split('\n')
        .filter(line => /a defect of the broker|differs from that of others|UnhandledPromise/.test(line))
        .map(line => `broker ${index}: ${line.slice(0, 400)}`),
    )
  }

  /** A process under the id of a broker that runs; whether it becomes ready is not waited for. */
  async spawnTwin(index: number): Promise<ClusterBroker> {
    const { folder, etcd, s3, s3Proxy } = this.cluster
    const twin = await ClusterBroker.create({
      logFile: join(folder, `twin-${Date.now()}.log`),
      etcd: etcd.members,
      settings: {
        ...SETTINGS,
        KAFSCALE_S3_BUCKET: s3.bucket,
        KAFSCALE_S3_REGION: s3.region,
        KAFSCALE_S3_ENDPOINT: s3Proxy.endpoint,
        KAFSCALE_S3_ACCESS_KEY: s3.accessKey,
        KAFSCALE_S3_SECRET_KEY: s3.secretKey,
        KAFSCALE_BROKER_ID: String(index),
      },
    })
    await twin.spawn()
    return twin
  }

  async stop(): Promise<void> {
    await this.witness.stop()
    for (const { fromClients, toS3 } of this.brokers) {
      fromClients.heal()
      toS3.heal()
    }
    await this.cluster.stop()
    for (const { fromClients, toS3 } of this.brokers) {
      await fromClients.stop()
      await toS3.stop()
    }
  }
}

interface BrokerParts {
  readonly random: () => number
  readonly library: string | undefined
  readonly opened: (proxy: { stop(): Promise<void> }) => void
}

async function startBroker(
  cluster: Cluster,
  index: number,
  { random, library, opened }: BrokerParts,
): Promise<ChaosBroker> {
  // Its port is known only when the broker is there, and is asked for with every connection.
  const target = { host: '127.0.0.1', port: 0 }
  const fromClients = await TcpProxy.start(target)
  opened(fromClients)
  const toS3 = await S3FaultProxy.start(cluster.s3.endpoint, random)
  opened(toS3)
  const clockFile = join(cluster.folder, `clock-${index}`)
  const setClock = (offsetMs: number): Promise<void> =>
    writeFile(clockFile, `${offsetMs < 0 ? '' : '+'}${offsetMs / 1000}s\n`)
  await setClock(0)
  const process = await cluster.addBroker({
    KAFSCALE_BROKER_ID: String(index),
    KAFSCALE_BROKER_PORT: String(fromClients.port),
    KAFSCALE_S3_ENDPOINT: toS3.endpoint,
    ...(library === undefined ? {} : clockSettings(library, clockFile)),
  })
  target.port = process.port
  return { index, process, fromClients, toS3, setClock: library === undefined ? undefined : setClock }
}

/** libfaketime reads the file at every look at the clock; the monotonic clock stays as it is. */
function clockSettings(library: string, file: string): Record<string, string> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
}
