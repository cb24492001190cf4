/** Why the broker did not start, in one line that names what to change. */
import { addressText } from './client/address.ts'
import { WrongPrefix } from './core.ts'
import { BrokerIdTaken } from './ledger/broker-id.ts'
import { FolderInUse } from './ledger/folder-lock.ts'
import type { Address } from './setting-kinds.ts'
import type { Settings } from './settings.ts'
import { TooNew } from './state/commands.ts'
import { ForeignObjects } from './upkeep/cluster-marker.ts'

export function startProblem(cause: unknown, settings: Settings): string {
  if (cause instanceof FolderInUse) {
    return `KAFSCALE_DATA_DIR: ${settings.dataDir} is in use by another broker; stop it or name another folder`
  }
  if (cause instanceof WrongPrefix) return `KAFSCALE_S3_NAMESPACE: ${cause.message}`
  if (cause instanceof ForeignObjects) {
    const ledger = settings.dataDir === undefined ? 'KAFSCALE_ETCD_PREFIX' : 'KAFSCALE_DATA_DIR'
    return `KAFSCALE_S3_NAMESPACE or ${ledger}: ${cause.message}; give each cluster its own of both`
  }
  if (cause instanceof BrokerIdTaken) return `KAFSCALE_BROKER_ID: ${cause.message}`
  // These say everything themselves.
  if (cause instanceof TooNew || (cause instanceof Error && SELF_EXPLAINING.has(cause.name))) return cause.message
  const facts = factsOf(cause)
  const { code, syscall, message } = facts
  // Files have some of these codes too.
  if (syscall === 'listen' && (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL')) {
    const place = placeAt(facts, settings)
    if (place !== undefined) return `${place.setting}: cannot listen on ${written(place.address)}: ${REASONS[code]}`
  }
  const unknown = syscall === 'getaddrinfo' && placesOf(settings).find(({ address }) => address.host === facts.hostname)
  if (unknown) return `${unknown.setting}: cannot listen on ${written(unknown.address)}: the name has no address here`
  const [line = ''] = message.split('\n')
  if (settings.dataDir === undefined) return line
  return `KAFSCALE_DATA_DIR: ${settings.dataDir} cannot be used: ${line}`
}

/** By name, because the modules of the last two are only loaded for a cluster. */
const SELF_EXPLAINING: ReadonlySet<string> = new Set([
  'SettingsError',
  'UnreadableFile',
  'S3StartProblem',
  'EtcdStartProblem',
  'LedgerWentBack',
])

interface Facts {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly port?: unknown
  readonly address?: unknown
  readonly hostname?: unknown
  readonly message: string
}

function factsOf(cause: unknown): Facts {
  if (typeof cause !== 'object' || cause === null || !('message' in cause)) return { message: String(cause) }
  return { ...cause, message: String(cause.message) }
}

const REASONS = {
  EADDRINUSE: 'the port is taken by another process',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
} as const

interface Place {
  readonly setting: string
  readonly address: Address
}

function placesOf({ listeners, listen, metrics }: Settings): readonly Place[] {
  const own =
    listeners === undefined
      ? [{ setting: 'KAFSCALE_BROKER_ADDR', address: listen }]
      : listeners.map(address => ({ setting: 'KAFSCALE_LISTENERS', address }))
  return [...own, { setting: 'KAFSCALE_METRICS_ADDR', address: metrics }]
}

/** What could not be listened at: Node names the address, `::` for all of them. */
function placeAt({ address: host, port }: Facts, settings: Settings): Place | undefined {
  const samePort = placesOf(settings).filter(({ address }) => address.port === port)
  return samePort.find(({ address }) => (address.host ?? '::') === host) ?? samePort[0] ?? placesOf(settings)[0]
}

function written({ host, port }: Address): string {
  return addressText({ host: host ?? '', port })
}
