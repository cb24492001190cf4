// Certificates for tests, made by openssl in a folder of the caller: an authority, and what it signs for 127.0.0.1.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../tools/parts/command.ts'
import { debianProgram } from '../tools/parts/debian.ts'

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

const DAYS = '2'
const LOOPBACK = 'IP:127.0.0.1,DNS:localhost'

export class Authority {
  readonly #openssl: string
  readonly #folder: string
  readonly #name: string

  private constructor(openssl: string, folder: string, name: string) {
    this.#openssl = openssl
    this.#folder = folder
    this.#name = name
  }

  static async create(folder: string, name = 'authority'): Promise<Authority> {
    const authority = new Authority(await debianProgram('openssl'), folder, name)
    const { cert, key } = authority.#files(name)
    await authority.#run(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      DAYS,
      '-subj',
      `/CN=${name}`,
    )
    return authority
  }

  /** Path of its own certificate, to be trusted. */
  get cert(): string {
    return this.#files(this.#name).cert
  }

  /**
   * A certificate that serves as a server's and as a client's. `organization`: the group that Kubernetes sees in it. Of 0
   * days it has expired a second later.
   */
  async sign(name: string, names = LOOPBACK, organization?: string, days = DAYS): Promise<Certificate> {
    const { cert, key } = this.#files(name)
    const request = join(this.#folder, `${name}.csr`)
    const extensions = join(this.#folder, `${name}.ext`)
    await writeFile(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`)
    const subject = `${organization === undefined ? '' : `/O=${organization}`}/CN=${name}`
    await this.#run('req', '-new', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', subject)
    const own = this.#files(this.#name)
    const signer = ['-CA', own.cert, '-CAkey', own.key, '-CAcreateserial', '-extfile', extensions]
    await this.#run('x509', '-req', '-in', request, '-out', cert, '-days', days, ...signer)
    return { cert, key }
  }

  #files(name: string): Certificate {
    return { cert: join(this.#folder, `${name}.pem`), key: join(this.#folder, `${name}.key`) }
  }

  async #run(...args: string[]): Promise<void> {
    const { code, stderr } = await run(this.#openssl, args)
    if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`)
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
