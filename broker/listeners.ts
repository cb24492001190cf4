/**
 * The listeners of a broker: where each listens, what clients of each are told to connect to, and which of them lead to
 * any broker of the cluster. `planListeners` is pure; `openListeners` opens the sockets.
 */
import type { Clock } from './clock.ts'
import { SettingsError } from './load-settings.ts'
import { Admission } from './net/admission.ts'
import type { ByteBudget } from './net/byte-budget.ts'
import { defaultConnectionSettings, type Peer, type Service } from './net/connection.ts'
import { Listener } from './net/listener.ts'
import type { Logger } from './observe/logger.ts'
import type { Authorizer } from './security/authorizer.ts'
import type { Credentials } from './security/credentials.ts'
import { type Gate, openGate } from './security/gate.ts'
import { securityOf } from './security/listener-security.ts'
import type { Quotas } from './security/quotas.ts'
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
  readonly gate: Gate
}

export interface ListenerParts {
  readonly clock: Clock
  readonly log: Logger
  readonly service: Service<ClientContext>
  readonly budget: ByteBudget
  readonly credentials: Credentials
  readonly connectionQuotas: Quotas
  readonly onAuthenticationFailed: (listener: string) => void
  /** Undefined where everybody may do everything. */
  readonly authorizer: Authorizer | undefined
  /** Called with what closes each listener, as soon as it is open. */
  readonly opened: (close: () => Promise<void>) => void
}

/** Rejects with Node's error when an address cannot be listened on, with a SettingsError when its security cannot be had. */
export async function openListeners(settings: Settings, parts: ListenerParts): Promise<OpenListener[]> {
  const admission = new Admission({
    maxConnections: settings.maxConnections,
    maxConnectionsPerAddress: settings.maxConnectionsPerIp,
    isTooFast: address => parts.connectionQuotas.connected(address) > 0,
  })
  const open: OpenListener[] = []
  for (const plan of planListeners(settings)) {
    const gate = await openListenerGate(settings, plan.bind.name, parts)
    parts.opened(async () => gate.close())
    const listener = await Listener.open(plan.bind, {
      ...parts,
      tls: gate.tls,
      onCertificateRefused: ({ reason, address }) =>
        tellFailed(parts, { listener: plan.bind.name, peer: address, mechanism: 'TLS', reason }),
      admission,
      settings: {
        ...defaultConnectionSettings,
        maxRequestBytes: settings.maxRequestBytes,
        maxIdleMs: settings.connectionsMaxIdleMs,
      },
      newContext: (peer, certificate) =>
        new ClientContext(
          peer,
          end => gate.authentication({ certificate, ...tellers(parts, peer, end) }),
          parts.authorizer,
        ),
    })
    parts.opened(() => listener.drain(0))
    open.push({ plan, listener, gate })
  }
  return open
}

async function openListenerGate(settings: Settings, name: string, parts: ListenerParts): Promise<Gate> {
  const { clock, log, credentials } = parts
  const onProblem = (problem: string): void => log.warn({ listener: name, problem }, 'security of a listener')
  try {
    return await openGate(securityOf(settings.listenerSecurity, name), { clock, ...credentials, onProblem })
  } catch (cause) {
    throw new SettingsError(`KAFSCALE_LISTENER_SECURITY: ${name}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}

/** Failures are for the audit log. Successes are many, and tell nothing that requests do not. */
function tellers(parts: ListenerParts, { id, listener, remoteAddress: peer }: Peer, end: () => void) {
  return {
    onFailed: (mechanism: string, reason: string): void =>
      tellFailed(parts, { listener, connection: id, peer, mechanism, reason }),
    onOver: end,
    onKnown: (mechanism: string, principal: string): void => {
      parts.log.debug({ listener, connection: id, peer, mechanism, principal }, 'authenticated')
    },
  }
}

interface Failure {
  readonly listener: string
  readonly connection?: string
  readonly peer: string | undefined
  readonly mechanism: string
  readonly reason: string
}

function tellFailed({ log, onAuthenticationFailed }: ListenerParts, failure: Failure): void {
  log.warn({ audit: 'authentication', ...failure }, 'authentication failed')
  onAuthenticationFailed(failure.listener)
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
