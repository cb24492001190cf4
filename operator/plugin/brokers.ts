// How a command reaches the brokers themselves: `--bootstrap HOST:PORT`, and `--command-config FILE` where they do not take
// everybody. The file is one of Kafka's own tools; the Secret of a KafScaleUser has one as client.properties.

import {
  ClientPropertiesError,
  type ClientSecurity,
  OPEN,
  readClientSecurity,
} from '../../broker/client/client-properties.ts'
import type { BrokerConnectionOptions } from '../../broker/client/connection.ts'
import { addressOf, CommandFailed, type Session, textOf, type Values } from './command.ts'

export const BROKER_OPTIONS = {
  bootstrap: { type: 'string', about: 'Brokers to ask, HOST:PORT; else bootstrap.servers of the file.' },
  'command-config': {
    type: 'string',
    about: "How to log in, as for Kafka's own tools: client.properties of a user's Secret will do.",
  },
} as const

export const BROKER_USAGE = '[--bootstrap HOST:PORT] [--command-config FILE]'

export type BrokerReach = Pick<BrokerConnectionOptions, 'host' | 'port' | 'tls' | 'login'>

/** Undefined when the options name no brokers, and nobody else does. Rejects with CommandFailed. */
export async function reachOf(session: Session, values: Values, otherwise?: string): Promise<BrokerReach | undefined> {
  const file = textOf(values, 'command-config')
  const security = file === undefined ? OPEN : await securityIn(session, file)
  const bootstrap = textOf(values, 'bootstrap') ?? security.bootstrap ?? otherwise
  if (bootstrap === undefined) {
    if (file === undefined) return undefined
    throw new CommandFailed(`${file} has no bootstrap.servers: give --bootstrap HOST:PORT`)
  }
  const { tls, login, mechanism } = security
  if (mechanism !== undefined && login === undefined) throw new CommandFailed(`${file} has no sasl.jaas.config`)
  return {
    ...addressOf(bootstrap),
    ...(tls === undefined ? {} : { tls }),
    ...(login === undefined ? {} : { login }),
  }
}

async function securityIn({ readFile, environment }: Session, file: string): Promise<ClientSecurity> {
  return readClientSecurity(file, { readFile, environment }).catch(cause => {
    if (cause instanceof ClientPropertiesError) throw new CommandFailed(`--command-config ${file}: ${cause.message}`)
    throw cause
  })
}
