/** `kafscale client-config`: from options, or from the settings of a broker, to the configuration of a client. */
import { parseArgs } from 'node:util'
import { addressesOf, addressText } from '../broker/client/address.ts'
import { planListeners } from '../broker/listeners.ts'
import { loadSettings, SettingsError } from '../broker/load-settings.ts'
import { SECURITY_PROTOCOLS, securityOf } from '../broker/security/listener-security.ts'
import { MECHANISMS } from '../broker/security/sasl.ts'
import { CLIENTS, type ClientKind, clientConfig, TAKES_ONE_FILE } from './client-config.ts'
import type { ClientFacts } from './client-facts.ts'
import { placed, UsageError } from './usage.ts'

export const CLIENT_CONFIG_USAGE = `usage: kafscale client-config --for ${CLIENTS.join('|')} [options]

  --bootstrap HOST:PORT     where the cluster is; by default the advertised address of the listener
  --listener NAME           takes protocol and mechanism from the KAFSCALE_ settings of a broker
  --protocol PROTOCOL       ${SECURITY_PROTOCOLS.join(', ')}; by default PLAINTEXT
  --mechanism MECHANISM     ${MECHANISMS.join(', ')}
  --user NAME               whose password is in KAFKA_PASSWORD; with OAUTHBEARER the client's id at the issuer of tokens
  --ca FILE                 whom to trust, PEM
  --cert FILE, --key FILE   what to show, PEM; ${[...TAKES_ONE_FILE].join(', ')} want both in the one file of --cert

No password is asked for or printed: clients read it from the environment variable KAFKA_PASSWORD, and with OAUTHBEARER they ask for
tokens at KAFKA_TOKEN_URL. librdkafka by itself, as in kcat, reads no variables: put them in with envsubst < FILE. On the JVM the
password comes to stand within quotes: in the variable, " and \\ need a backslash before them.
`

type Environment = Readonly<Record<string, string | undefined>>

/** Throws UsageError. */
export function clientConfigCommand(args: readonly string[], environment: Environment): string {
  const options = parse(args)
  if (options.help === true) return CLIENT_CONFIG_USAGE
  const kind = CLIENTS.find(name => name === options.for)
  if (kind === undefined) throw new UsageError(`--for must be one of ${CLIENTS.join(', ')}`)
  return clientConfig(kind, factsOf(kind, options, environment))
}

type Options = ReturnType<typeof parse>

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ for: text, bootstrap: text, listener: text, protocol: text, mechanism: text, user: text },
        ...{ ca: text, cert: text, key: text, help: { type: 'boolean' } as const },
      },
    }).values
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : cause}\n\n${CLIENT_CONFIG_USAGE}`)
  }
}

function factsOf(kind: ClientKind, options: Options, environment: Environment): ClientFacts {
  for (const [option, value] of Object.entries(options)) refuseUnwritable(kind, option, String(value))
  const known = options.listener === undefined ? undefined : listenerFacts(options.listener, environment)
  const bootstrap = options.bootstrap === undefined ? known?.bootstrap : placesOf(options.bootstrap)
  if (bootstrap === undefined) throw new UsageError('--bootstrap HOST:PORT is required, or --listener NAME')
  if (kind === 'kafkajs' && bootstrap.includes('[')) {
    throw new UsageError('kafkajs takes no IPv6 addresses: give a name by --bootstrap HOST:PORT')
  }
  const protocol = oneOf('--protocol', SECURITY_PROTOCOLS, options.protocol) ?? known?.protocol ?? 'PLAINTEXT'
  const usesSasl = protocol.startsWith('SASL_')
  const mechanism = oneOf('--mechanism', MECHANISMS, options.mechanism) ?? known?.mechanism
  if (usesSasl && mechanism === undefined) throw new UsageError(`--mechanism is required with ${protocol}`)
  if (!usesSasl && options.mechanism !== undefined) throw new UsageError(`--mechanism is of no use with ${protocol}`)
  if (usesSasl && mechanism !== 'OAUTHBEARER' && options.user === undefined) {
    throw new UsageError(`--user is required with ${mechanism}`)
  }
  if (options.key !== undefined && options.cert === undefined) throw new UsageError('--cert is required with --key')
  if (TAKES_ONE_FILE.has(kind)) {
    if (options.key !== undefined) throw new UsageError(`${kind} takes no --key: put it into the file of --cert`)
  } else if (options.cert !== undefined && options.key === undefined) {
    throw new UsageError(`--key is required with --cert for ${kind}`)
  }
  const { user, ca, cert, key } = options
  return { bootstrap, protocol, mechanism: usesSasl ? mechanism : undefined, user, ca, cert, key }
}

/** Not all clients take blanks behind commas. Throws UsageError. */
const placesOf = (bootstrap: string): string =>
  placed('--bootstrap', () => addressesOf(bootstrap).map(addressText).join(','))

/** Nothing is written that a client would read as something else: lines of its own, or values that it looks up. */
function refuseUnwritable(kind: ClientKind, option: string, text: string): void {
  if (/\p{Cc}/u.test(text)) throw new UsageError(`--${option} must not have control characters in it`)
  // What is written for librdkafka is for envsubst.
  const lookedUp = kind === 'librdkafka' ? /\$[{A-Za-z_]/ : /\$\{/
  if (lookedUp.test(text)) {
    throw new UsageError(`--${option} must not have ${lookedUp.exec(text)?.[0]} in it: a value would be looked up`)
  }
}

function oneOf<Word extends string>(option: string, words: readonly Word[], given: string | undefined) {
  if (given === undefined) return undefined
  const word = words.find(known => known === given)
  if (word === undefined) throw new UsageError(`${option} must be one of ${words.join(', ')}`)
  return word
}

/** Where a listener takes several. */
const BEST_FIRST = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN', 'OAUTHBEARER'] as const

function listenerFacts(name: string, environment: Environment) {
  const settings = load(environment)
  const plan = planListeners(settings).find(({ bind }) => bind.name === name)
  if (plan === undefined) throw new UsageError(`the settings have no listener ${name}`)
  const { protocol, mechanisms } = securityOf(settings.listenerSecurity, name)
  const bound = plan.bind.host === '0.0.0.0' || plan.bind.host === '::' ? undefined : plan.bind.host
  const host = plan.advertisedHost ?? bound ?? 'localhost'
  return {
    bootstrap: addressText({ host, port: plan.advertisedPort ?? plan.bind.port }),
    protocol,
    mechanism: BEST_FIRST.find(best => mechanisms?.includes(best)),
  }
}

function load(environment: Environment) {
  try {
    return loadSettings(environment)
  } catch (cause) {
    if (cause instanceof SettingsError)
      throw new UsageError(`--listener needs the settings of a broker: ${cause.message}`)
    throw cause
  }
}
