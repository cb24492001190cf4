/** `kafscale demo`: a broker with its data in a folder, the console, two topics, a producer and a consumer, until Ctrl-C. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Broker } from '../broker/broker.ts'
import { systemClock } from '../broker/clock.ts'
import { loadSettings } from '../broker/load-settings.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { startProblem } from '../broker/start-problem.ts'
import { ConsoleServer } from '../console/server.ts'
import { DEMO_TOPICS, DemoTraffic } from './demo-traffic.ts'
import { UsageError } from './usage.ts'

const PORTS = { broker: 39092, metrics: 39093, console: 48080 }

export const DEMO_USAGE = `usage: kafscale demo [--folder FOLDER]

A broker on localhost:${PORTS.broker}, metrics on ${PORTS.metrics}, the console on http://localhost:${PORTS.console}, until Ctrl-C.

  --folder FOLDER    where its data is kept; .kafscale/demo below this folder
`

/** Throws UsageError. Resolves when Ctrl-C has ended it. */
export async function demoCommand(args: readonly string[], print: (line: string) => void): Promise<number> {
  const { folder, help } = parse(args)
  if (help === true) {
    print(DEMO_USAGE.trimEnd())
    return 0
  }
  const log = createLogger('warn')
  const settings = loadSettings({
    KAFSCALE_BROKER_ADDR: `127.0.0.1:${PORTS.broker}`,
    KAFSCALE_BROKER_HOST: 'localhost',
    KAFSCALE_METRICS_ADDR: `127.0.0.1:${PORTS.metrics}`,
    KAFSCALE_DATA_DIR: folder,
  })
  const ended = Promise.withResolvers<number>()
  const broker = await Broker.start({ settings, log, onLost: ended.reject }).catch(cause => {
    throw new UsageError(startProblem(cause, settings))
  })
  const loopback = (port: number) => ({ host: '127.0.0.1', port })
  const web = await ConsoleServer.open({
    listen: loopback(PORTS.console),
    hostNames: [],
    brokers: { bootstrap: [loopback(PORTS.broker)], timeoutMs: 10_000 },
    mechanism: undefined,
    metrics: [loopback(PORTS.metrics)],
    scaledCluster: undefined,
    allowsChanges: false,
    clock: systemClock,
    log,
  }).catch(async (cause: Error) => {
    await broker.stop()
    throw new UsageError(`the console cannot have port ${PORTS.console}: ${cause.message}`)
  })
  const traffic = await DemoTraffic.open(PORTS.broker, print)
  await traffic.createTopics()
  print(`Broker    localhost:${PORTS.broker}   (any Kafka client, default settings)
Metrics   http://localhost:${PORTS.metrics}/metrics   health: /healthz, /readyz
Console   http://localhost:${PORTS.console}
Topics    ${DEMO_TOPICS.join(', ')}
Data      ${folder}   (delete the folder to begin anew)

Ctrl-C ends the demo and keeps the data.
`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.resolve(0))
  traffic.run().catch(ended.reject)
  try {
    return await ended.promise
  } finally {
    traffic.stop()
    await web.close()
    await broker.stop()
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        folder: { type: 'string', default: join(process.cwd(), '.kafscale', 'demo') },
        help: { type: 'boolean' },
      },
    }).values
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : cause}\n\n${DEMO_USAGE}`)
  }
}
