/**
 * What stands at a listener: its TLS, and for each connection the authentication that its protocol asks for. Opened once
 * per listener; files that it needs are watched until it is closed.
 */
import type { X509Certificate } from 'node:crypto'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { TlsMaterial, TlsServing } from '../net/tls-acceptor.ts'
import { WatchedFiles } from '../watched-files.ts'
import { ANONYMOUS, type Authentication, type Principal, SaslAuthentication, withoutSasl } from './authentication.ts'
import type { Credentials } from './credentials.ts'
import { type ListenerSecurity, usesSasl, usesTls } from './listener-security.ts'
import { oauthBearerExchange, tokenCheck } from './oauth-bearer.ts'
import { plainExchange } from './plain.ts'
import type { Mechanism, SaslExchange } from './sasl.ts'
import { scramExchange } from './scram.ts'
import { distinguishedName, principalMapping } from './ssl-principal.ts'
import { openTls } from './tls.ts'

export interface GateParts extends Credentials {
  readonly clock: Clock
  readonly onProblem: (message: string) => void
}

export interface Attempt {
  /** Undefined when the client has shown none. */
  readonly certificate: X509Certificate | undefined
  readonly onFailed: (mechanism: string, message: string) => void
  readonly onOver: () => void
  readonly onKnown: (mechanism: Mechanism, principal: Principal) => void
}

export interface Gate {
  readonly tls: TlsServing | undefined
  /** Throws RangeError when no rule gives the certificate's name a principal. */
  authentication(attempt: Attempt): Authentication
  close(): void
}

type Users = ReadonlyMap<string, string>

const usersSchema = z.record(z.string().min(1), z.string().min(1))

/** Rejects with one line that says which file is wrong. */
export async function openGate(security: ListenerSecurity, parts: GateParts): Promise<Gate> {
  const watched: { close(): void }[] = []
  try {
    const tls = usesTls(security) ? await openServerTls(security, parts) : undefined
    if (tls !== undefined) watched.push(tls.files)
    const users = security.usersFile === undefined ? undefined : await openUsers(security.usersFile, parts)
    if (users !== undefined) watched.push(users)
    const mechanisms = mechanismsOf(security, parts, users)
    const principalOf = principalMapping(security.principalMappingRules)
    return {
      tls: tls?.serving,
      authentication: attempt => {
        if (usesSasl(security)) {
          const { clock } = parts
          const { certificate: _, ...told } = attempt
          return new SaslAuthentication({ clock, mechanisms, maxReauthMs: security.maxReauthMs, ...told })
        }
        const { certificate } = attempt
        return withoutSasl(
          certificate === undefined ? ANONYMOUS : `User:${principalOf(distinguishedName(certificate))}`,
        )
      },
      close: () => {
        for (const files of watched) files.close()
      },
    }
  } catch (cause) {
    for (const files of watched) files.close()
    throw cause
  }
}

async function openServerTls(
  { certFile = '', keyFile = '', clientCaFile, clientAuth }: ListenerSecurity,
  parts: GateParts,
) {
  const { clock, onProblem } = parts
  let renewed: (material: TlsMaterial) => void = () => {}
  const paths = { certFile, keyFile, caFile: clientCaFile }
  const files = await openTls(paths, { clock, onProblem, onChange: material => renewed(material) })
  const onRenewed = (callback: typeof renewed): void => {
    renewed = callback
  }
  return { files, serving: { material: () => files.value, clientAuth, onRenewed } }
}

function openUsers(path: string, { clock, onProblem }: GateParts): Promise<WatchedFiles<Users>> {
  return WatchedFiles.open({
    clock,
    paths: [path],
    parse: ([content]): Users => {
      const users = usersSchema.safeParse(parseYaml(String(content)))
      // What is wrong with it may be a password.
      if (!users.success) throw new Error(`${path} is no YAML mapping from users to passwords`)
      return new Map(Object.entries(users.data))
    },
    onProblem,
  })
}

function mechanismsOf(
  { mechanisms = [], oauth }: ListenerSecurity,
  { scram, newNonce, clock, onProblem }: GateParts,
  users: WatchedFiles<Users> | undefined,
): ReadonlyMap<Mechanism, () => SaslExchange> {
  const check = oauth === undefined ? undefined : tokenCheck(oauth, { clock, onProblem })
  const exchangeOf = (mechanism: Mechanism): SaslExchange => {
    if (mechanism === 'PLAIN') return plainExchange(user => users?.value.get(user))
    if (mechanism !== 'OAUTHBEARER') {
      return scramExchange(mechanism, { credential: user => scram(mechanism, user), newNonce })
    }
    return oauthBearerExchange({
      check: check ?? (() => Promise.reject(new Error('no rules for tokens are set'))),
      principalClaim: oauth?.principalClaim ?? 'sub',
    })
  }
  return new Map(mechanisms.map(mechanism => [mechanism, () => exchangeOf(mechanism)]))
}
