/** `kafscale console`: the web console, until it is told to end. */
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Address, addressesOf, addressOf, addressText } from '../broker/client/address.ts'
import { systemClock } from '../broker/clock.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { type ScaledCluster, scaledClusterSchema } from '../console/scaled-cluster.ts'
import { ConsoleServer } from '../console/server.ts'
import {
  type Connection,
  ConnectionError,
  kubeconfigConnection,
  podConnection,
} from '../operator/runtime/connection.ts'
import { HttpKubeClient } from '../operator/runtime/http-kube-client.ts'
import { CLUSTER } from '../operator/types/kaf-scale-cluster.ts'
import { openCertificate, openCommandConfig, scaledClusterIn } from './console-files.ts'
import { placed, UsageError } from './usage.ts'

export const CONSOLE_USAGE = `usage: kafscale console [options]

  --bootstrap HOST:PORT     brokers, more of them behind commas; localhost:39092
  --command-config FILE     how brokers are reached that do not take everybody, as for Kafka's own tools: security.protocol, sasl.mechanism,
                            PEM stores of ssl.truststore.* and ssl.keystore.*; with SASL people sign in as users of the cluster
  --listen HOST:PORT        where the console answers; 127.0.0.1:48080. :PORT is every address of the machine
  --metrics HOST:PORT       the brokers' metrics, may be given again; a name of several brokers is asked for all of them
  --cluster NAMESPACE/NAME  the KafScaleCluster whose scaling is shown
  --cluster-file FILE       the same, as the operator writes it to a file
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
  const log = createLogger('info')
  const listen = placed('--listen', () => listenAddress(options.listen))
  const onProblem = (problem: string): void => log.warn({ problem }, 'a file that the console goes by')
  const watching = { clock: systemClock, onProblem }
  const scaled = await scaledCluster(options, environment)
  const security = await openCommandConfig(options['command-config'], environment, watching)
  const certificate = await openCertificate(options, watching)
  const { bootstrap, mechanism, tls } = security.value()
  const brokers = options.bootstrap ?? bootstrap ?? DEFAULT_BOOTSTRAP
  const server = await ConsoleServer.open({
    listen,
    ...(certificate.value === undefined ? {} : { certificate: certificate.value }),
    hostNames: options['host-name'].map(name => name.toLowerCase()),
    brokers: {
      bootstrap: placed('--bootstrap', () => addressesOf(brokers)),
      timeoutMs: CALL_LIMIT_MS,
      tls: tls === undefined ? undefined : () => security.value().tls,
    },
    mechanism,
    metrics: placed('--metrics', () => options.metrics.map(place => addressOf(place))),
    scaledCluster: scaled?.read,
    allowsChanges: options['allow-changes'],
    clock: systemClock,
    log,
  }).catch((cause: Error) => {
    throw new UsageError(`--listen ${options.listen}: ${cause.message}`)
  })
  print(
    `console: http${certificate.value === undefined ? '' : 's'}://${addressText({ host: listen.host ?? 'localhost', port: server.port })}`,
  )
  const end = async (): Promise<void> => {
    security.close()
    certificate.close()
    await server.close()
    await scaled?.close()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end())
  return 0
}

const CALL_LIMIT_MS = 10_000
const DEFAULT_BOOTSTRAP = 'localhost:39092'

type Options = ReturnType<typeof parse>

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const texts = { type: 'string', multiple: true, default: [] as string[] } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        bootstrap: text,
        'command-config': text,
        listen: { ...text, default: '127.0.0.1:48080' },
        metrics: texts,
        cluster: text,
        'cluster-file': text,
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

/** Without a host it is every address of the machine. */
function listenAddress(place: string): Pick<Address, 'port'> & { readonly host: string | undefined } {
  return place.startsWith(':') ? { ...addressOf(`any${place}`, 0), host: undefined } : addressOf(place, 0)
}

interface ScaledClusterSource {
  readonly read: () => Promise<ScaledCluster>
  readonly close: () => Promise<void>
}

async function scaledCluster(options: Options, environment: Environment): Promise<ScaledClusterSource | undefined> {
  const { cluster, 'cluster-file': path } = options
  if (cluster !== undefined && path !== undefined) throw new UsageError('give --cluster or --cluster-file, not both')
  if (path !== undefined) return { read: scaledClusterIn(path), close: async () => {} }
  return cluster === undefined ? undefined : clusterOnKubernetes(cluster, environment)
}

async function clusterOnKubernetes(place: string, environment: Environment): Promise<ScaledClusterSource> {
  const [namespace, name, more] = place.split('/')
  if (!namespace || !name || more !== undefined)
    throw new UsageError(`--cluster must be NAMESPACE/NAME, and is ${place}`)
  const connection = await kubernetes(environment).catch(cause => {
    if (cause instanceof ConnectionError) throw new UsageError(`--cluster: ${cause.message}`)
    throw cause
  })
  const client = new HttpKubeClient({ connection, clock: systemClock, userAgent: 'kafscale-console' })
  return {
    read: async () => scaledClusterSchema.parse(await client.get(CLUSTER, { namespace, name })),
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
