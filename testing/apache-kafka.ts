// A real Apache Kafka on loopback: the referee for behaviour and the peer in measurements.
//
// One process, KRaft, broker and controller in one, data in the folder given. Settings are those of the release's own
// single-node configuration file (replication factor 1 for internal topics, no initial rebalance delay).

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../tools/parts/command.ts'
import { jdk, kafka } from '../tools/parts/parts.ts'
import { type Child, startChild, untilReady } from './child.ts'
import { freePorts } from './ports.ts'

export interface ApacheKafka {
  /** `host:port` for clients. */
  bootstrap: string
  child: Child
}

export interface ApacheKafkaOptions {
  /** An existing folder; configuration, log and data go below it. */
  folder: string
  /** Additional lines of the broker's properties. */
  settings?: Record<string, string>
  /** Heap limit in JVM notation. */
  heap?: string
}

const READY_LIMIT_MS = 90_000

/** Formats a new storage and starts the broker; answers when it serves requests. */
export async function startApacheKafka(options: ApacheKafkaOptions): Promise<ApacheKafka> {
  const [lib, { java }, [port = 0, controllerPort = 0]] = await Promise.all([kafka('4.3.1'), jdk(), freePorts(2)])
  const data = join(options.folder, 'data')
  await mkdir(data)
  const properties = join(options.folder, 'server.properties')
  const logging = join(options.folder, 'log4j2.properties')
  await writeFile(properties, propertiesText({ ...basicSettings(port, controllerPort, data), ...options.settings }))
  await writeFile(logging, LOGGING)

  const jvm = [`-Xmx${options.heap ?? '1g'}`, `-Dlog4j2.configurationFile=${logging}`, '-cp', join(lib, '*')]
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties]
  const formatted = await run(java, [...jvm, ...format])
  if (formatted.code !== 0) throw new Error(`storage was not formatted: ${formatted.stdout}${formatted.stderr}`)

  const logFile = join(options.folder, 'broker.log')
  const child = await startChild(java, [...jvm, 'kafka.Kafka', properties], { logFile })
  await untilReady(child, READY_LIMIT_MS, async () =>
    child.output().includes(' started (kafka.server.KafkaRaftServer)'),
  )
  return { bootstrap: `127.0.0.1:${port}`, child }
}

// Any URL-safe base64 of 16 bytes is a cluster id.
const CLUSTER_ID = 'a2Fmc2NhbGVyZWZlcmVlMQ'

function basicSettings(port: number, controllerPort: number, data: string): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
  }
}

function propertiesText(settings: Record<string, string>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const LOGGING = `
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
`
