/** `kafscale console`: the web console, until it is told to end. */
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { LOGIN_MECHANISMS } from '../broker/client/login.ts'
import { systemClock } from '../broker/clock.ts'
import { createLogger } from '../broker/observe/logger.ts'
import type { Address } from '../console/cluster/cluster.ts'
import { ConsoleServer } from '../console/server.ts'
import {
  type Connection,
  ConnectionError,
  kubeconfigConnection,
  podConnection,
} from '../operator/runtime/connection.ts'
import { HttpKubeClient } from '../operator/runtime/http-kube-client.ts'
import { CLUSTER, clusterSchema, type KafScaleCluster } from '../operator/types/kaf-scale-cluster.ts'
import { UsageError } from './usage.ts'

export const CONSOLE_USAGE = `usage: kafscale console [options]

  --bootstrap HOST:PORT     brokers, more of them behind commas; localhost:39092
  --listen HOST:PORT        where the console answers; 127.0.0.1:48080
  --metrics HOST:PORT       the brokers' metrics, may be given again; a name of several brokers is asked for all of them
  --cluster NAMESPACE/NAME  the KafScaleCluster whose scaling is shown
  --sign-in MECHANISM       ${LOGIN_MECHANISMS.join(', ')}: people sign in as users of the cluster
  --ca FILE                 brokers are reached by TLS, and this is whom to trust, PEM
  --cert FILE, --key FILE   the console answers by HTTPS with these, PEM
  --host-name NAME          by which browsers know the console, besides localhost and addresses; may be given again
  --allow-changes           groups may be reset; without it nothing can be changed
`

type Environment = Readonly<Record<string, string | undefined>>

/** Throws UsageError. Resolves when the console answers; it goes on until SIGTERM or SIGINT. */
export async function consoleCommand(
  args: readonly string[],
  environment: Environment,
  print: (line: string) => void,
): Promise<number> {
  const options = parse(args)
  if (options.help === true) {
    print(CONSOLE_USAGE.trimEnd())
    return 0
  }
  const listen = addressOf('--listen', options.listen)
  const certificate = await certificateOf(options)
  const ca = options.ca === undefined ? undefined : await file('--ca', options.ca)
  const scaled = options.cluster === undefined ? undefined : await scaledCluster(options.cluster, environment)
  const server = await ConsoleServer.open({
    listen,
    ...(certificate === undefined ? {} : { certificate }),
    hostNames: options['host-name'].map(name => name.toLowerCase()),
    brokers: {
      bootstrap: options.bootstrap.split(',').map(place => addressOf('--bootstrap', place)),
      timeoutMs: CALL_LIMIT_MS,
      ...(ca === undefined ? {} : { tls: { ca } }),
    },
    mechanism: mechanismOf(options['sign-in']),
    metrics: options.metrics.map(place => addressOf('--metrics', place)),
    scaledCluster: scaled?.read,
    allowsChanges: options['allow-changes'],
    clock: systemClock,
    log: createLogger('info'),
  }).catch((cause: Error) => {
    throw new UsageError(`--listen ${options.listen}: ${cause.message}`)
  })
  print(`console: http${certificate === undefined ? '' : 's'}://${listen.host}:${server.port}`)
  const end = async (): Promise<void> => {
    await server.close()
    await scaled?.close()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end())
  return 0
}

const CALL_LIMIT_MS = 10_000

type Options = ReturnType<typeof parse>

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const texts = { type: 'string', multiple: true, default: [] as string[] } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        bootstrap: { ...text, default: 'localhost:39092' },
        listen: { ...text, default: '127.0.0.1:48080' },
        metrics: texts,
        cluster: text,
        'sign-in': text,
        ca: text,
        cert: text,
        key: text,
        'host-name': texts,
        'allow-changes': { type: 'boolean', default: false },
        help: { type: 'boolean' },
      },
    }).values
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : cause}\n\n${CONSOLE_USAGE}`)
  }
}

function addressOf(option: string, place: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(place) ?? []
  if (port === undefined || Number(port) > 65_535) throw new UsageError(`${option} must be HOST:PORT, and is ${place}`)
  return { host: bracketed ?? plain ?? '', port: Number(port) }
}

function mechanismOf(name: string | undefined) {
  if (name === undefined) return undefined
  const found = LOGIN_MECHANISMS.find(mechanism => mechanism === name)
  if (found === undefined) throw new UsageError(`--sign-in must be one of ${LOGIN_MECHANISMS.join(', ')}`)
  return found
}

async function certificateOf({ cert, key }: Options) {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) throw new UsageError('--cert and --key go together')
  return { cert: await file('--cert', cert), key: await file('--key', key) }
}

async function file(option: string, path: string): Promise<Buffer> {
  return readFile(path).catch((cause: Error) => {
    throw new UsageError(`${option}: ${cause.message}`)
  })
}

interface ScaledCluster {
  readonly read: () => Promise<KafScaleCluster>
  readonly close: () => Promise<void>
}

async function scaledCluster(place: string, environment: Environment): Promise<ScaledCluster> {
  const [namespace, name, more] = place.split('/')
  if (!namespace || !name || more !== undefined)
    throw new UsageError(`--cluster must be NAMESPACE/NAME, and is ${place}`)
  const connection = await kubernetes(environment).catch(cause => {
    if (cause instanceof ConnectionError) throw new UsageError(`--cluster: ${cause.message}`)
    throw cause
  })
  const client = new HttpKubeClient({ connection, clock: systemClock, userAgent: 'kafscale-console' })
  return {
    read: async () => clusterSchema.parse(await client.get(CLUSTER, { namespace, name })),
    close: () => client.close(),
  }
}

/** As the account of the pod, or as a kubeconfig file says. Rejects with ConnectionError. */
function kubernetes(environment: Environment): Promise<Connection> {
  if (environment.KUBERNETES_SERVICE_HOST !== undefined && environment.KUBECONFIG === undefined) {
    return podConnection(environment, systemClock)
  }
  const named = environment.KUBECONFIG?.split(delimiter).find(path => path !== '')
  return kubeconfigConnection(named ?? join(environment.HOME ?? '', '.kube', 'config'), systemClock)
}
