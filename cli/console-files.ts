/**
 * Files that `kafscale console` goes by, read again when they change: its own certificate, whom it trusts when it reaches
 * brokers, and what the operator tells of a KafScaleCluster.
 */
import { readFile } from 'node:fs/promises'
import {
  ClientPropertiesError,
  type ClientSecurity,
  clientProperties,
  clientSecurity,
  filesNamed,
  OPEN,
  textOf,
} from '../broker/client/client-properties.ts'
import type { Clock } from '../broker/clock.ts'
import { openTls } from '../broker/security/tls.ts'
import { WatchedFiles } from '../broker/watched-files.ts'
import { type ScaledCluster, scaledClusterSchema } from '../console/scaled-cluster.ts'
import type { ConsoleOptions } from '../console/server.ts'
import { UsageError } from './usage.ts'

type Environment = Readonly<Record<string, string | undefined>>

interface Watched<Value> {
  readonly value: Value
  readonly close: () => void
}

interface Watching {
  readonly clock: Clock
  readonly onProblem: (message: string) => void
}

/** How brokers are reached. Rejects with UsageError. */
export async function openCommandConfig(
  path: string | undefined,
  environment: Environment,
  watching: Watching,
): Promise<Watched<() => ClientSecurity>> {
  if (path === undefined) return { value: () => OPEN, close: () => {} }
  try {
    const properties = clientProperties(textOf(await readFile(path)), environment)
    const files = await WatchedFiles.open({
      ...watching,
      paths: filesNamed(properties),
      parse: contents => clientSecurity(properties, contents),
    })
    if (files.value.login !== undefined) {
      files.close()
      throw new ClientPropertiesError('people sign in to the console as themselves: remove sasl.jaas.config')
    }
    return { value: () => files.value, close: () => files.close() }
  } catch (cause) {
    throw new UsageError(`--command-config ${path}: ${cause instanceof Error ? cause.message : cause}`)
  }
}

/** What the console shows to browsers. Rejects with UsageError. */
export async function openCertificate(
  { cert, key }: { readonly cert?: string | undefined; readonly key?: string | undefined },
  watching: Watching,
): Promise<Watched<ConsoleOptions['certificate']>> {
  if (cert === undefined && key === undefined) return { value: undefined, close: () => {} }
  if (cert === undefined || key === undefined) throw new UsageError('--cert and --key go together')
  let renewed: Parameters<NonNullable<ConsoleOptions['certificate']>['onRenewed']>[0] = () => {}
  const parts = { ...watching, onChange: (material: Parameters<typeof renewed>[0]) => renewed(material) }
  const files = await openTls({ certFile: cert, keyFile: key }, parts).catch((cause: Error) => {
    throw new UsageError(`--cert, --key: ${cause.message}`)
  })
  const onRenewed = (callback: typeof renewed): void => {
    renewed = callback
  }
  return { value: { material: () => files.value, onRenewed }, close: () => files.close() }
}

/** As the file has it now. Rejects for one that is not there or makes no sense. */
export const scaledClusterIn = (path: string) => async (): Promise<ScaledCluster> =>
  scaledClusterSchema.parse(JSON.parse(await readFile(path, 'utf8')))
