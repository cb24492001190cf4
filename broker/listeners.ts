/**
 * The listeners of a broker: where each listens, what clients of each are told to connect to, and which of them lead to
 * any broker of the cluster. `planListeners` is pure; `openListeners` opens the sockets.
 */
import type { Clock } from './clock.ts'
import { Admission } from './net/admission.ts'
import type { ByteBudget } from './net/byte-budget.ts'
import { defaultConnectionSettings, type Service } from './net/connection.ts'
import { Listener } from './net/listener.ts'
import type { Logger } from './observe/logger.ts'
import { ClientContext } from './service.ts'
import type { NamedAddress } from './setting-kinds.ts'
import { DEFAULT_LISTENER, type Settings } from './settings.ts'
import type { BrokerInfoListener } from './state/commands.gen.ts'

export interface ListenerPlan {
  readonly bind: NamedAddress
  /** Undefined parts follow from where it listens. */
  readonly advertisedHost: string | undefined
  readonly advertisedPort: number | undefined
  readonly shared: boolean
}

export function planListeners(settings: Settings): ListenerPlan[] {
  const { listeners, listen, advertisedHost, advertisedPort, advertisedListeners = [], sharedListeners = [] } = settings
  const binds = listeners ?? [{ name: DEFAULT_LISTENER, ...listen }]
  return binds.map(bind => {
    const advertised = advertisedListeners.find(({ name }) => name === bind.name)
    return {
      bind,
      advertisedHost: advertised?.host ?? advertisedHost,
      advertisedPort: advertised?.port ?? (listeners === undefined ? advertisedPort : undefined),
      shared: sharedListeners.includes(bind.name),
    }
  })
}

/** Name of the listener by which other brokers reach this one. */
export function internalListener(settings: Settings): string {
  if (settings.internalListener !== undefined) return settings.internalListener
  return planListeners(settings).find(({ shared }) => !shared)?.bind.name ?? DEFAULT_LISTENER
}

export interface OpenListener {
  readonly plan: ListenerPlan
  readonly listener: Listener<ClientContext>
}

export interface ListenerParts {
  readonly clock: Clock
  readonly log: Logger
  readonly service: Service<ClientContext>
  readonly budget: ByteBudget
  /** Called with what closes each listener, as soon as it is open. */
  readonly opened: (close: () => Promise<void>) => void
}

/** Rejects with Node's error when an address cannot be listened on. */
export async function openListeners(settings: Settings, parts: ListenerParts): Promise<OpenListener[]> {
  const admission = new Admission({
    maxConnections: settings.maxConnections,
    maxConnectionsPerAddress: settings.maxConnectionsPerIp,
  })
  const open: OpenListener[] = []
  for (const plan of planListeners(settings)) {
    const listener = await Listener.open(plan.bind, {
      ...parts,
      admission,
      settings: {
        ...defaultConnectionSettings,
        maxRequestBytes: settings.maxRequestBytes,
        maxIdleMs: settings.connectionsMaxIdleMs,
      },
      newContext: peer => new ClientContext(peer),
    })
    parts.opened(() => listener.drain(0))
    open.push({ plan, listener })
  }
  return open
}

/** What the other brokers and the clients are told of a listener. */
export function advertised({ plan, listener }: OpenListener): BrokerInfoListener {
  const { bind, advertisedHost, advertisedPort, shared } = plan
  return {
    name: bind.name,
    host: advertisedHost ?? reachable(bind.host),
    port: advertisedPort ?? listener.port,
    shared,
  }
}

const EVERY_ADDRESS: ReadonlySet<string | undefined> = new Set([undefined, '0.0.0.0', '::'])

function reachable(host: string | undefined): string {
  return host === undefined || EVERY_ADDRESS.has(host) ? 'localhost' : host
}
