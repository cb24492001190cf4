/** What `kafscale doctor` looks at. Each check resolves with what is right or rejects with what is wrong and what to do. */
import { X509Certificate } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { openBacking } from '../broker/backing.ts'
import { addressText } from '../broker/client/address.ts'
import type { ClientSecurity } from '../broker/client/client-properties.ts'
import { BrokerConnection } from '../broker/client/connection.ts'
import { systemClock } from '../broker/clock.ts'
import { FolderInUse } from '../broker/ledger/folder-lock.ts'
import { type ListenerPlan, planListeners } from '../broker/listeners.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { Metrics } from '../broker/observe/metrics.ts'
import { openGate } from '../broker/security/gate.ts'
import { type ListenerSecurity, securityOf, usesTls } from '../broker/security/listener-security.ts'
import type { Settings } from '../broker/settings.ts'
import { startProblem } from '../broker/start-problem.ts'
import { VERSION } from '../broker/version.ts'
import { newMetadataRequest } from '../broker/wire/messages.gen.ts'

/** Something is wrong, and the message says what to do. */
export class Wrong extends Error {
  override readonly name = 'Wrong'
}

export interface Check {
  readonly name: string
  readonly run: () => Promise<string>
}

const CONNECT_MS = 5000
const DAY_MS = 86_400_000
const SOON_DAYS = 14
const MOST_SKEW_MS = 60_000

/** `client`: how to come in where brokers do not take everybody; without it they are asked no more than whether they are there. */
export function checks(settings: Settings, client?: ClientSecurity): Check[] {
  const listeners = planListeners(settings)
  return [
    ...listeners.flatMap(plan => listenerChecks(plan, securityOf(settings.listenerSecurity, plan.bind.name), client)),
    { name: 'place of the data', run: () => checkBacking(settings) },
    ...(settings.s3Bucket === undefined ? [] : [{ name: 'clock', run: () => checkClock(settings) }]),
  ]
}

function listenerChecks(plan: ListenerPlan, security: ListenerSecurity, client: ClientSecurity | undefined): Check[] {
  const name = `listener ${plan.bind.name}`
  const host = plan.advertisedHost ?? plan.bind.host ?? 'localhost'
  const port = plan.advertisedPort ?? plan.bind.port
  const tls = usesTls(security)
  return [
    { name: `${name}, files`, run: () => checkFiles(security) },
    ...(tls ? [{ name: `${name}, certificate`, run: () => checkCertificate(security, host) }] : []),
    { name: `${name}, name`, run: () => checkName(host) },
    { name: `${name}, broker`, run: () => checkBroker(host, port, security, comingIn(client, security)) },
  ]
}

async function checkFiles(security: ListenerSecurity): Promise<string> {
  const nothing = { scram: () => undefined, newNonce: () => '', onProblem: () => {} }
  const gate = await openGate(security, { clock: systemClock, ...nothing })
  gate.close()
  return security.protocol
}

async function checkCertificate({ certFile = '' }: ListenerSecurity, host: string): Promise<string> {
  const certificate = new X509Certificate(await readFile(certFile))
  const days = Math.floor((certificate.validToDate.getTime() - Date.now()) / DAY_MS)
  if (certificate.validFromDate.getTime() > Date.now()) {
    throw new Wrong(`${certFile} is not valid before ${certificate.validFrom}: is this machine's clock right?`)
  }
  if (days < 0) throw new Wrong(`${certFile} has expired on ${certificate.validTo}`)
  if (days < SOON_DAYS) throw new Wrong(`${certFile} expires in ${days} days, on ${certificate.validTo}`)
  const fits = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)
  if (fits === undefined) {
    const names = certificate.subjectAltName ?? 'no names'
    throw new Wrong(`clients connect to ${host}, but ${certFile} is for ${names}: advertise one of these`)
  }
  return `valid for ${days} days, for ${host}`
}

async function checkName(host: string): Promise<string> {
  try {
    const { address } = await lookup(host)
    return isIP(host) === 0 ? `${host} is ${address}` : host
  } catch {
    throw new Wrong(`clients are told to connect to ${host}, which has no address here: advertise another name`)
  }
}

/** The client, if it is one for this listener. */
function comingIn(client: ClientSecurity | undefined, security: ListenerSecurity): ClientSecurity | undefined {
  const { mechanisms = [], protocol } = security
  const fits =
    (client?.tls !== undefined) === usesTls(security) &&
    (client?.login === undefined ? !protocol.startsWith('SASL_') : mechanisms.includes(client.login.mechanism))
  return fits ? client : undefined
}

/** A broker that does not run yet is no fault. One that runs has to tell clients addresses that can be reached. */
async function checkBroker(
  host: string,
  port: number,
  security: ListenerSecurity,
  known: ClientSecurity | undefined,
): Promise<string> {
  const ca = security.clientCaFile === undefined ? undefined : await readFile(security.clientCaFile)
  const client = { clientId: 'kafscale-doctor', clock: systemClock, timeoutMs: CONNECT_MS }
  // What the certificate is worth is another check's business.
  const blind = usesTls(security) ? { tls: { rejectUnauthorized: false, ...(ca === undefined ? {} : { ca }) } } : {}
  const { tls, login } = known ?? {}
  const way = known === undefined ? blind : { ...(tls && { tls }), ...(login && { login }) }
  const open = (at: { readonly host: string; readonly port: number }) =>
    BrokerConnection.open({ ...client, ...way, ...at })
  const where = addressText({ host, port })
  let connection: BrokerConnection
  try {
    connection = await open({ host, port })
  } catch (cause) {
    if (!/ECONNREFUSED/.test(String(cause))) throw cause
    return `nobody listens on ${where}: no broker runs there yet`
  }
  try {
    if (security.protocol !== 'PLAINTEXT' && known === undefined) return `a broker answers on ${where}`
    const { brokers } = await connection.call('Metadata', newMetadataRequest({ topics: [] }))
    for (const broker of brokers) {
      const other = await open(broker).catch((cause: unknown) => {
        throw new Wrong(
          `it tells clients of broker ${broker.nodeId} at ${addressText(broker)}, which cannot be reached: ${String(cause)}`,
        )
      })
      other.close()
    }
    return `a broker answers on ${where}, and all ${brokers.length} brokers that it tells of`
  } finally {
    connection.close()
  }
}

async function checkBacking(settings: Settings): Promise<string> {
  const opened: (() => Promise<void>)[] = []
  try {
    const { logDir } = await openBacking(settings, {
      clock: systemClock,
      log: createLogger('silent'),
      metrics: new Metrics(VERSION),
      opened: close => opened.push(close),
    })
    return settings.dataDir === undefined ? `${logDir} and etcd ${settings.etcdEndpoints}` : logDir
  } catch (cause) {
    if (cause instanceof FolderInUse) return `${settings.dataDir}, in use by a broker`
    throw new Wrong(startProblem(cause, settings))
  } finally {
    for (const close of opened.reverse()) await close().catch(() => {})
  }
}

/** S3 refuses requests that are signed with a clock fifteen minutes off. */
async function checkClock({ s3Endpoint, s3Region }: Settings): Promise<string> {
  const endpoint = s3Endpoint ?? `https://s3.${s3Region}.amazonaws.com`
  const { headers } = await fetch(endpoint, { method: 'HEAD', redirect: 'manual' }).catch(() => {
    throw new Wrong(`${endpoint} does not answer, so that its clock and this one cannot be compared`)
  })
  const theirs = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(theirs)) return `${endpoint} does not tell the time`
  const skew = Date.now() - theirs
  const seconds = Math.abs(Math.round(skew / 1000))
  if (Math.abs(skew) > MOST_SKEW_MS) {
    throw new Wrong(`this machine is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} ${endpoint}: set its clock`)
  }
  return `within ${seconds} s of ${endpoint}`
}
