/**
 * Reads the settings: each from the environment, else from the YAML file that KAFSCALE_CONFIG_FILE names, else its default.
 *
 * A wrong value, an unknown key in the file, or settings that do not go together are a SettingsError of one line that names
 * the setting. Unknown environment variables are left alone: Kubernetes makes some of its own that begin alike
 * (KAFSCALE_BROKER_SERVICE_HOST and so on).
 */
import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { securityOf } from './security/listener-security.ts'
import { DEFAULT_LISTENER, type Settings, settingFacts, settingsSchema } from './settings.ts'

export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** Throws SettingsError. `environment` is that of the process, which main.ts alone reads. */
export function loadSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const file = environment.KAFSCALE_CONFIG_FILE
  const values: Record<string, unknown> = file === undefined ? {} : readFile(file)
  for (const { key, env } of settingFacts) {
    const value = environment[env]
    if (value !== undefined && value !== '') values[key] = value
  }
  const parsed = settingsSchema.safeParse(values)
  if (parsed.success) {
    checkTogether(parsed.data)
    return parsed.data
  }
  throw new SettingsError(describe(parsed.error.issues[0], values).replaceAll(/\s+/g, ' '))
}

/** What no setting can know by itself. */
function checkTogether(settings: Settings): void {
  const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = settings
  if (groupMinSessionTimeoutMs > groupMaxSessionTimeoutMs) {
    throw new SettingsError(
      'KAFSCALE_GROUP_MIN_SESSION_TIMEOUT_MS (groupMinSessionTimeoutMs in a file): must not be more than ' +
        `KAFSCALE_GROUP_MAX_SESSION_TIMEOUT_MS, ${groupMaxSessionTimeoutMs}, but it is "${groupMinSessionTimeoutMs}"`,
    )
  }
  checkPlaceOfData(settings)
  checkPairs(settings)
  checkListeners(settings)
}

/** Either a folder, or etcd and a bucket: nothing is chosen silently. */
function checkPlaceOfData({ dataDir, etcdEndpoints, s3Bucket, s3Region, s3Endpoint }: Settings): void {
  if (dataDir !== undefined) {
    const other = etcdEndpoints !== undefined ? 'KAFSCALE_ETCD_ENDPOINTS' : 'KAFSCALE_S3_BUCKET'
    if (etcdEndpoints === undefined && s3Bucket === undefined) return
    throw new SettingsError(
      `KAFSCALE_DATA_DIR and ${other} exclude each other: one is for one machine, one for a cluster`,
    )
  }
  if (etcdEndpoints === undefined && s3Bucket === undefined) {
    throw new SettingsError(
      'KAFSCALE_DATA_DIR (dataDir in a file) is required, or KAFSCALE_ETCD_ENDPOINTS and KAFSCALE_S3_BUCKET for a ' +
        'cluster. There is no default place for data.',
    )
  }
  if (s3Bucket === undefined) throw new SettingsError('KAFSCALE_S3_BUCKET (s3Bucket in a file) is required with etcd.')
  if (etcdEndpoints === undefined) {
    throw new SettingsError('KAFSCALE_ETCD_ENDPOINTS (etcdEndpoints in a file) is required with a bucket.')
  }
  if (s3Region === undefined && s3Endpoint === undefined) {
    throw new SettingsError('KAFSCALE_S3_REGION (s3Region in a file) is required unless KAFSCALE_S3_ENDPOINT is set.')
  }
}

/** Each of these is of no use without the other. */
const PAIRS = [
  ['s3AccessKey', 's3SecretKey'],
  ['etcdUsername', 'etcdPassword'],
  ['etcdCertFile', 'etcdKeyFile'],
] as const

function checkPairs(settings: Settings): void {
  for (const [one, other] of PAIRS) {
    if ((settings[one] === undefined) === (settings[other] === undefined)) continue
    const [given, missing] = settings[one] === undefined ? [other, one] : [one, other]
    throw new SettingsError(`${variableOf(missing)} (${missing} in a file) is required with ${variableOf(given)}.`)
  }
}

function variableOf(key: string): string {
  return settingFacts.find(facts => facts.key === key)?.env ?? key
}

function checkListeners({
  listeners,
  advertisedListeners = [],
  sharedListeners = [],
  internalListener,
  listenerSecurity = {},
}: Settings): void {
  const known = new Set(listeners?.map(({ name }) => name) ?? [DEFAULT_LISTENER])
  const named: [string, readonly string[]][] = [
    ['KAFSCALE_ADVERTISED_LISTENERS', advertisedListeners.map(({ name }) => name)],
    ['KAFSCALE_SHARED_LISTENERS', sharedListeners],
    ['KAFSCALE_INTERNAL_LISTENER', internalListener === undefined ? [] : [internalListener]],
    ['KAFSCALE_LISTENER_SECURITY', Object.keys(listenerSecurity)],
  ]
  for (const [setting, names] of named) {
    const stranger = names.find(name => !known.has(name))
    if (stranger !== undefined) throw new SettingsError(`${setting}: there is no listener ${stranger}`)
  }
  const undescribed = [...known].find(
    name => listenerSecurity[name] === undefined && securityOf(listenerSecurity, name).protocol !== 'PLAINTEXT',
  )
  if (undescribed !== undefined) {
    throw new SettingsError(`KAFSCALE_LISTENER_SECURITY: it does not say how the listener ${undescribed} is secured`)
  }
  if (known.size <= sharedListeners.length) {
    throw new SettingsError('KAFSCALE_SHARED_LISTENERS: one listener must not be shared, for the brokers themselves')
  }
  const internal = internalListener ?? [...known].find(name => !sharedListeners.includes(name)) ?? DEFAULT_LISTENER
  const { protocol, clientAuth } = securityOf(listenerSecurity, internal)
  const isTrusted = protocol === 'PLAINTEXT' || (protocol === 'SSL' && clientAuth === 'required')
  if (sharedListeners.length > 0 && !isTrusted) {
    throw new SettingsError(
      `KAFSCALE_LISTENER_SECURITY: brokers reach each other by ${internal}, which must be SSL with clientAuth required, or PLAINTEXT`,
    )
  }
  if (internalListener !== undefined && sharedListeners.includes(internalListener)) {
    throw new SettingsError(
      `KAFSCALE_INTERNAL_LISTENER: ${internalListener} is shared, so brokers cannot be told apart by it`,
    )
  }
  for (const { name, host, port } of advertisedListeners) {
    if (host === undefined || port === 0) {
      throw new SettingsError(
        `KAFSCALE_ADVERTISED_LISTENERS: ${name} needs a host and a port that clients can connect to`,
      )
    }
  }
}

function readFile(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(parseYaml(readFileSync(path, 'utf8')) ?? {})
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? 'it is no mapping of settings' : String(cause).split('\n')[0]
    throw new SettingsError(`KAFSCALE_CONFIG_FILE: ${path} cannot be read: ${reason}`, { cause })
  }
}

function describe(issue: z.core.$ZodIssue | undefined, values: Readonly<Record<string, unknown>>): string {
  if (issue === undefined) return 'the settings are not valid'
  const key = String(issue.path[0])
  const facts = settingFacts.find(one => one.key === key)
  const name = facts === undefined ? key : `${facts.env} (${key} in a file)`
  if (issue.code === 'unrecognized_keys') {
    const [unknown = ''] = issue.keys
    return issue.path.length === 0
      ? `${unknown}: there is no such setting`
      : `${name}: ${[...issue.path.slice(1), unknown].join('.')}: there is no such setting`
  }
  if (values[key] === undefined) return `${name} is required. ${facts?.description ?? ''}`.trim()
  // What stands inside of a mapping is not repeated: some of it may be secret.
  if (issue.path.length > 1) return `${name}: ${issue.path.slice(1).join('.')}: ${issue.message}`
  return `${name}: ${issue.message}, but it is "${String(values[key])}"`
}
