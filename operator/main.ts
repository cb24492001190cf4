#!/usr/bin/env node
/**
 * The operator process: settings from the environment, start, signals, exit code. With the argument `check` it looks whether
 * operators do their work, says so and ends: what `helm test` runs.
 *
 * Exit codes: 0 after SIGTERM or SIGINT; 1 when it could not start, or lost the lead and has to be started anew; 2 for wrong
 * settings. What is wrong is one line on standard error.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { collectDefaultMetrics } from 'prom-client'
import { systemClock } from '../broker/clock.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { check } from './check.ts'
import { Operator } from './operator.ts'
import { type Connection, ConnectionError, kubeconfigConnection, podConnection } from './runtime/connection.ts'
import { HealthServer } from './runtime/health.ts'
import { HttpKubeClient } from './runtime/http-kube-client.ts'
import { EngineMetrics } from './runtime/metrics.ts'
import { type OperatorSettings, OperatorSettingsError, operatorSettings } from './settings.ts'

const GRACE_MS = 25_000
/** Below the time between giving up a lease and its end, so that no write arrives after somebody else leads. */
const REQUEST_MS = 4000

function settingsOrExit(): OperatorSettings {
  try {
    return operatorSettings(process.env)
  } catch (cause) {
    if (!(cause instanceof OperatorSettingsError)) throw cause
    console.error(`kafscale-operator: ${cause.message}`)
    process.exit(2)
  }
}

const settings = settingsOrExit()
const log = createLogger(settings.KAFSCALE_LOG_LEVEL)

const watchedOf = ({ namespace }: Connection): readonly string[] | undefined => {
  const watched = settings.KAFSCALE_OPERATOR_WATCH_NAMESPACE
  return watched === '*' ? undefined : (watched?.split(',') ?? [namespace])
}

async function connect(): Promise<Connection> {
  const file = settings.KAFSCALE_OPERATOR_KUBECONFIG
  return file === undefined ? podConnection(process.env, systemClock) : kubeconfigConnection(file, systemClock)
}

async function runCheck(): Promise<number> {
  const connection = await connect()
  const client = new HttpKubeClient({ connection, clock: systemClock, userAgent: 'kafscale-operator-check' })
  const wrong = await check({
    client,
    clock: systemClock,
    namespace: connection.namespace,
    leaseName: settings.KAFSCALE_OPERATOR_LEADER_KEY,
    watched: watchedOf(connection),
  })
  await client.close()
  if (wrong === undefined) console.log('kafscale-operator: an operator leads, and clusters and topics can be read')
  else console.error(`kafscale-operator: ${wrong}`)
  return wrong === undefined ? 0 : 1
}

async function run(): Promise<number> {
  const connection = await connect()
  const metrics = new EngineMetrics()
  collectDefaultMetrics({ register: metrics.registry })
  const client = new HttpKubeClient({
    connection,
    clock: systemClock,
    userAgent: 'kafscale-operator',
    requestTimeoutMs: REQUEST_MS,
    onRequest: request => metrics.request(request),
  })
  const operator = new Operator({
    client,
    clock: systemClock,
    random: Math.random,
    log,
    defaults: {
      image: settings.BROKER_IMAGE,
      etcdImage: settings.KAFSCALE_OPERATOR_ETCD_IMAGE,
      clusterDomain: settings.KAFSCALE_OPERATOR_CLUSTER_DOMAIN,
      namespace: connection.namespace,
    },
    namespace: connection.namespace,
    watched: watchedOf(connection),
    lookEveryMs: settings.KAFSCALE_OPERATOR_SCALING_INTERVAL_SECONDS * 1000,
    leaseName: settings.KAFSCALE_OPERATOR_LEADER_KEY,
    identity: `${settings.POD_NAME ?? hostname()}_${randomUUID()}`,
    metrics,
  })
  const health = new HealthServer({
    port: settings.KAFSCALE_OPERATOR_METRICS_PORT,
    live: () => operator.controllers.filter(({ isAlive }) => !isAlive).map(({ name }) => name),
    ready: () => operator.unready(),
    registry: metrics.registry,
    page: path => operator.page(path),
  })
  const port = await health.listen()
  log.info({ port, namespace: watchedOf(connection) ?? 'all' }, 'operator starts')
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1)
      log.info({ signal }, 'stopping')
      stop.abort()
      setTimeout(() => process.exit(1), GRACE_MS).unref()
    })
  }
  const ending = await operator.run(stop.signal)
  await health.close()
  await client.close()
  if (ending === 'lost') log.fatal('the lead was lost; the process ends so that nothing is written by two')
  return ending === 'lost' ? 1 : 0
}

try {
  process.exit(await (process.argv[2] === 'check' ? runCheck() : run()))
} catch (cause) {
  const line = cause instanceof ConnectionError ? cause.message : String(cause).split('\n')[0]
  console.error(`kafscale-operator: ${line}`)
  process.exit(1)
}
