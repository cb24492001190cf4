// A broker of ours with a listener of every protocol, its certificates, its users, and an issuer of tokens.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BrokerConnection } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import type { UserStep } from '../../operator/user/plan.ts'
import { UserAdmin } from '../../operator/user/user-admin.ts'
import { Authority, type Certificate } from '../../testing/certificates.ts'
import { freePorts } from '../../testing/ports.ts'
import { startTarget, type Target } from '../target.ts'
import { AUDIENCE, ISSUER, Issuer } from './issuer.ts'

const SCRAM_SHA_256 = 1
const SCRAM_SHA_512 = 2

export interface Addresses {
  readonly PLAINTEXT: string
  readonly SASL_PLAINTEXT: string
  readonly SASL_SSL: string
  readonly SSL: string
}

export class Secured {
  readonly addresses: Addresses
  readonly folder: string
  readonly authority: Authority
  readonly issuer: Issuer
  readonly client: Certificate
  readonly #target: Target

  private constructor(
    parts: Pick<Secured, 'addresses' | 'folder' | 'authority' | 'issuer' | 'client'>,
    target: Target,
  ) {
    this.addresses = parts.addresses
    this.folder = parts.folder
    this.authority = parts.authority
    this.issuer = parts.issuer
    this.client = parts.client
    this.#target = target
  }

  /** `settings`: more environment variables; `limits`: more of the listeners with SASL. */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    limits: { readonly maxReauthMs?: number } = {},
  ): Promise<Secured> {
    const folder = await mkdtemp(join(tmpdir(), 'kafscale-secured-'))
    const ports = await freePorts(5)
    const addressOf = (index: number): string => `127.0.0.1:${ports[index]}`
    const addresses: Addresses = {
      PLAINTEXT: addressOf(0),
      SASL_PLAINTEXT: addressOf(1),
      SASL_SSL: addressOf(2),
      SSL: addressOf(3),
    }
    const authority = await Authority.create(folder)
    const server = await authority.sign('broker')
    const client = await authority.sign('alice-client')
    const issuer = await Issuer.start(ports[4] ?? 0)
    const usersFile = join(folder, 'users.yaml')
    await writeFile(usersFile, 'alice: alice-secret\nadmin: admin-secret\n')
    const tls = { certFile: server.cert, keyFile: server.key }
    const sasl = {
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
      usersFile,
      oauth: { jwksUrl: issuer.jwksUrl, issuer: ISSUER, audience: [AUDIENCE] },
      ...limits,
    }
    const security = {
      SASL_PLAINTEXT: { protocol: 'SASL_PLAINTEXT', ...sasl },
      SASL_SSL: { protocol: 'SASL_SSL', ...tls, ...sasl },
      SSL: {
        ...{ protocol: 'SSL', ...tls, clientAuth: 'required', clientCaFile: authority.cert },
        principalMappingRules: 'RULE:^CN=([a-z]+)-client$/$1/,DEFAULT',
      },
    }
    try {
      const target = await startTarget('kafscale', {
        KAFSCALE_LISTENERS: Object.entries(addresses)
          .map(([name, address]) => `${name}://${address}`)
          .join(','),
        KAFSCALE_LISTENER_SECURITY: JSON.stringify(security),
        ...settings,
      })
      return new Secured({ addresses, folder, authority, issuer, client }, target)
    } catch (cause) {
      await issuer.stop()
      await rm(folder, { recursive: true, force: true })
      throw cause
    }
  }

  /** Carried out by somebody who says nothing, in clear: where ACLs hold that has to be a super user. */
  async set(steps: readonly UserStep[]): Promise<void> {
    const [host = '', port] = this.addresses.PLAINTEXT.split(':')
    const peer = { host, port: Number(port), clientId: 'secured', clock: systemClock, timeoutMs: 10_000 }
    const connection = await BrokerConnection.open(peer)
    try {
      const refusals = await new UserAdmin(connection).execute(steps)
      if (refusals.size > 0) throw new Error(JSON.stringify([...refusals]))
    } finally {
      connection.close()
    }
  }

  /** A user of SCRAM. */
  setPassword(name: string, password: string): Promise<void> {
    const known = { kind: 'set password', name, password, iterations: 4096 } as const
    return this.set([
      { ...known, mechanism: SCRAM_SHA_256 },
      { ...known, mechanism: SCRAM_SHA_512 },
    ])
  }

  /** What the broker has written so far. */
  log(): string {
    return this.#target.output()
  }

  async stop(): Promise<void> {
    await this.#target.stop()
    await this.issuer.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}
