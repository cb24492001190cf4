// A broker of ours with a listener of every protocol, its certificates, its users, and an issuer of tokens.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Authority, type Certificate } from '../../testing/certificates.ts'
import { freePorts } from '../../testing/ports.ts'
import { startTarget, type Target } from '../target.ts'

export const ISSUER = 'https://issuer.test'
export const AUDIENCE = 'kafka'

/** Publishes its keys as an OpenID provider does, and signs what it is asked to. */
export class Issuer {
  readonly #server: Server
  readonly #key: CryptoKey

  private constructor(server: Server, key: CryptoKey) {
    this.#server = server
    this.#key = key
  }

  static async start(port: number): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'first', alg: 'RS256', use: 'sig' }]
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
    })
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    return new Issuer(server, privateKey)
  }

  /** `change` replaces claims of a good token. */
  token(subject: string, { audience = AUDIENCE, expiresIn = '1h' } = {}): Promise<string> {
    return new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'first' })
      .setSubject(subject)
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(expiresIn)
      .sign(this.#key)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

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
    const jwksUrl = `http://${addressOf(4)}/keys`
    const sasl = {
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
      usersFile,
      oauth: { jwksUrl, issuer: ISSUER, audience: [AUDIENCE] },
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
