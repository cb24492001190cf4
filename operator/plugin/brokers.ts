// How a command reaches the brokers themselves: `--bootstrap HOST:PORT`, and `--command-config FILE` where they do not take
// everybody. The file is one of Kafka's own tools; the Secret of a KafScaleUser has one as client.properties.

import { addressesOf } from '../../broker/client/address.ts'
import {
  ClientPropertiesError,
  type ClientSecurity,
  OPEN,
  readClientSecurity,
} from '../../broker/client/client-properties.ts'
import { type BrokerConnectionOptions, BrokerUnreachable } from '../../broker/client/connection.ts'
import { CommandFailed, type Session, textOf, type Values } from './command.ts'

export const BROKER_OPTIONS = {
  bootstrap: { type: 'string', about: 'Brokers to ask, HOST:PORT; else bootstrap.servers of the file.' },
  'command-config': {
    type: 'string',
    about: "How to log in, as for Kafka's own tools: client.properties of a user's Secret will do.",
  },
} as const

export const BROKER_USAGE = '[--bootstrap HOST:PORT] [--command-config FILE]'

/** What to open a connection with. */
export type BrokerReach = Pick<BrokerConnectionOptions, 'host' | 'port' | 'tls' | 'login'>

export interface Reaches {
  readonly bootstrap: string
  /** One for each address. */
  readonly each: readonly BrokerReach[]
}

/** Undefined when the options name no brokers, and nobody else does. Rejects with CommandFailed and BadAddress. */
export async function reachesOf(session: Session, values: Values, otherwise?: string): Promise<Reaches | undefined> {
  const file = textOf(values, 'command-config')
  const security = file === undefined ? OPEN : await securityIn(session, file)
  const bootstrap = textOf(values, 'bootstrap') ?? security.bootstrap ?? otherwise
  if (bootstrap === undefined) {
    if (file === undefined) return undefined
    throw new CommandFailed(`${file} has no bootstrap.servers: give --bootstrap HOST:PORT`)
  }
  const { tls, login, mechanism } = security
  if (mechanism !== undefined && login === undefined) throw new CommandFailed(`${file} has no sasl.jaas.config`)
  const how = { ...(tls === undefined ? {} : { tls }), ...(login === undefined ? {} : { login }) }
  return { bootstrap, each: addressesOf(bootstrap).map(address => ({ ...address, ...how })) }
}

/** Asks the brokers in their order, until one can be reached. Rejects with what the last one's did. */
export async function askOneOf<Answer>({ each }: Reaches, ask: (reach: BrokerReach) => Promise<Answer>) {
  let unreachable = new BrokerUnreachable('there are no brokers to ask')
  for (const reach of each) {
    try {
      return await ask(reach)
    } catch (cause) {
      if (!(cause instanceof BrokerUnreachable)) throw cause
      unreachable = cause
    }
  }
  throw unreachable
}

async function securityIn({ readFile, environment }: Session, file: string): Promise<ClientSecurity> {
  return readClientSecurity(file, { readFile, environment }).catch(cause => {
    if (cause instanceof ClientPropertiesError) throw new CommandFailed(`--command-config ${file}: ${cause.message}`)
    throw cause
  })
}
