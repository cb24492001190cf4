/**
 * The configuration file of a Kafka client, as Kafka's own tools take it by `--command-config`: how to reach brokers that do
 * not take everybody. Of all its keys those count that say who the brokers are and who comes:
 *
 *   bootstrap.servers, security.protocol
 *   sasl.mechanism, sasl.jaas.config                       PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
 *   ssl.truststore.*, ssl.keystore.*, ssl.key.password     PEM, in files or in the text itself (KIP-651)
 *   ssl.endpoint.identification.algorithm                  empty: the name in the certificate does not matter
 *   config.providers                                       with EnvVarConfigProvider (KIP-887)
 *
 * Promises: what makes no sense is refused with a sentence that names the key, and with no value that may be a secret.
 */
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { BrokerConnectionOptions } from './connection.ts'
import { type JaasEntry, JaasError, jaasEntry } from './jaas.ts'
import { LOGIN_MECHANISMS, type Login } from './login.ts'

/** The file makes no sense; the message says which key, and what would be right. */
export class ClientPropertiesError extends Error {
  override readonly name = 'ClientPropertiesError'
}

export type ClientTls = NonNullable<BrokerConnectionOptions['tls']>

export interface ClientSecurity {
  /** `bootstrap.servers` */
  readonly bootstrap: string | undefined
  /** Undefined for a listener without TLS. */
  readonly tls: ClientTls | undefined
  /** Undefined for a listener without SASL. */
  readonly mechanism: Login['mechanism'] | undefined
  /** Undefined without `sasl.jaas.config` too. */
  readonly login: Login | undefined
}

export const OPEN: ClientSecurity = { bootstrap: undefined, tls: undefined, mechanism: undefined, login: undefined }

type Properties = ReadonlyMap<string, string>
type Environment = Readonly<Record<string, string | undefined>>

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const
const ENVIRONMENT_PROVIDER = 'org.apache.kafka.common.config.provider.EnvVarConfigProvider'

/** As java.util.Properties reads them, with what `config.providers` look up put in. Throws ClientPropertiesError. */
export function clientProperties(text: string, environment: Environment): Properties {
  const found = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const [, key = '', value = ''] = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s.exec(line) ?? []
    found.set(unescaped(key), unescaped(value))
  }
  const providers = (found.get('config.providers') ?? '').split(',').map(name => name.trim())
  const ours = providers.filter(name => found.get(`config.providers.${name}.class`) === ENVIRONMENT_PROVIDER)
  return new Map([...found].map(([key, value]) => [key, provided(key, value, ours, environment)]))
}

/**
 * Blank lines and comments are passed over as long as nothing has begun, so that neither goes on in the next one. A line that
 * ends in an odd number of backslashes does, and the blanks before what goes on do not count.
 */
function* logicalLines(text: string): Generator<string> {
  let begun = ''
  for (const natural of text.split(/\r\n|[\r\n]/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (begun === '' && /^[#!]/.test(line)) continue
    const isHalf = /(?:^|[^\\])(?:\\\\)*\\$/.test(line)
    begun += isHalf ? line.slice(0, -1) : line
    if (isHalf || begun === '') continue
    yield begun
    begun = ''
  }
  if (begun !== '') yield begun
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

const unescaped = (text: string): string =>
  text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, digits: string | undefined, one: string) => {
    if (digits !== undefined) return String.fromCharCode(Number.parseInt(digits, 16))
    if (one === 'u') throw new ClientPropertiesError('the file has \\u without four hexadecimal digits behind it')
    return ESCAPES[one] ?? one
  })

function provided(key: string, value: string, providers: readonly string[], environment: Environment): string {
  return value.replace(/\$\{([^}:]*):([^}]*)\}/g, (whole, provider: string, name: string) => {
    if (!providers.includes(provider)) return whole
    const found = environment[name]
    if (found === undefined) throw new ClientPropertiesError(`${key} needs the environment variable ${name}: set it`)
    return found
  })
}

/** Files that the values name, besides the configuration itself. Throws ClientPropertiesError. */
export function filesNamed(properties: Properties): readonly string[] {
  if (!usesTls(protocolOf(properties))) return []
  return [...new Set([storeFile(properties, 'truststore'), storeFile(properties, 'keystore')])].flatMap(
    path => path ?? [],
  )
}

/** `files` are the contents of those that `filesNamed` tells of, in that order. Throws ClientPropertiesError. */
export function clientSecurity(properties: Properties, files: readonly Buffer[]): ClientSecurity {
  const protocol = protocolOf(properties)
  const contents = new Map(filesNamed(properties).map((path, index) => [path, files[index]]))
  const mechanism = protocol.startsWith('SASL_') ? mechanismOf(properties) : undefined
  const jaas = given(properties, 'sasl.jaas.config')
  return {
    bootstrap: given(properties, 'bootstrap.servers'),
    tls: usesTls(protocol) ? tlsOf(properties, path => contents.get(path)) : undefined,
    mechanism,
    login: mechanism === undefined || jaas === undefined ? undefined : loginOf(mechanism, jaas),
  }
}

export interface ClientFiles {
  /** Rejects as Node's readFile does. */
  readonly readFile: (path: string) => Promise<Buffer>
  readonly environment: Environment
}

/** Java's Properties take bytes for ISO-8859-1. */
export const textOf = (file: Buffer): string => file.toString('latin1')

/** Reads the configuration and what it names, once. Rejects with ClientPropertiesError, also for files that are not there. */
export async function readClientSecurity(path: string, { readFile, environment }: ClientFiles) {
  const read = (file: string): Promise<Buffer> =>
    readFile(file).catch((cause: Error) => {
      throw new ClientPropertiesError(cause.message)
    })
  const properties = clientProperties(textOf(await read(path)), environment)
  return clientSecurity(properties, await Promise.all(filesNamed(properties).map(read)))
}

/** Kafka counts an empty value as none. */
const given = (properties: Properties, key: string): string | undefined => properties.get(key)?.trim() || undefined

const usesTls = (protocol: string): boolean => protocol.endsWith('SSL')

function protocolOf(properties: Properties): (typeof PROTOCOLS)[number] {
  const name = given(properties, 'security.protocol') ?? 'PLAINTEXT'
  const found = PROTOCOLS.find(known => known === name.toUpperCase())
  if (found === undefined) throw new ClientPropertiesError(`security.protocol must be one of ${PROTOCOLS.join(', ')}`)
  return found
}

function mechanismOf(properties: Properties): Login['mechanism'] {
  const found = LOGIN_MECHANISMS.find(known => known === given(properties, 'sasl.mechanism'))
  if (found !== undefined) return found
  throw new ClientPropertiesError(`sasl.mechanism must be one of ${LOGIN_MECHANISMS.join(', ')} here`)
}

/** The file of a store; undefined where there is none, or the text itself has it. */
function storeFile(properties: Properties, store: 'truststore' | 'keystore'): string | undefined {
  const [location, type] = [given(properties, `ssl.${store}.location`), given(properties, `ssl.${store}.type`)]
  if (location !== undefined && type?.toUpperCase() !== 'PEM') {
    throw new ClientPropertiesError(
      `ssl.${store}.type must be PEM here, and is ${type ?? 'JKS, as nothing is said'}: write the certificates of the store to a PEM file`,
    )
  }
  return location
}

function tlsOf(properties: Properties, contentOf: (path: string) => Buffer | undefined): ClientTls {
  const content = (store: 'truststore' | 'keystore'): Buffer | undefined => {
    const path = storeFile(properties, store)
    return path === undefined ? undefined : contentOf(path)
  }
  const own = content('keystore')
  const ca = given(properties, 'ssl.truststore.certificates') ?? content('truststore')
  const cert = given(properties, 'ssl.keystore.certificate.chain') ?? own
  const key = given(properties, 'ssl.keystore.key') ?? own
  const passphrase = given(properties, 'ssl.key.password')
  if ((cert === undefined) !== (key === undefined)) {
    throw new ClientPropertiesError('ssl.keystore.certificate.chain and ssl.keystore.key go together')
  }
  const anyName = properties.get('ssl.endpoint.identification.algorithm')?.trim() === ''
  const shown = {
    ...(cert === undefined ? {} : { cert, key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  }
  if (ca !== undefined) attempt('ssl.truststore.* holds no certificate in PEM', () => new X509Certificate(ca))
  attempt('ssl.keystore.* holds no certificate and private key in PEM that belong together', () =>
    createSecureContext(shown),
  )
  return {
    ...(ca === undefined ? {} : { ca }),
    ...shown,
    ...(anyName ? { checkServerIdentity: () => undefined } : {}),
  }
}

/** What OpenSSL says may quote what it read. */
function attempt(problem: string, action: () => void): void {
  try {
    action()
  } catch {
    throw new ClientPropertiesError(problem)
  }
}

function loginOf(mechanism: Login['mechanism'], jaas: string): Login {
  const { module, options } = entryOf(jaas)
  const wanted = `org.apache.kafka.common.security.${mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'}`
  if (module !== wanted) throw new ClientPropertiesError(`sasl.jaas.config must name ${wanted} for ${mechanism}`)
  const [user, password] = [options.get('username'), options.get('password')]
  if (user === undefined || password === undefined) {
    throw new ClientPropertiesError('sasl.jaas.config has no username and password')
  }
  if (options.get('tokenauth') === 'true') {
    throw new ClientPropertiesError('sasl.jaas.config with tokenauth is not taken here: use a user and a password')
  }
  return { mechanism, user, password }
}

function entryOf(jaas: string): JaasEntry {
  try {
    return jaasEntry(jaas)
  } catch (cause) {
    if (!(cause instanceof JaasError)) throw cause
    throw new ClientPropertiesError(
      `sasl.jaas.config must be MODULE required username="..." password="...";, and ${cause.message}`,
    )
  }
}
