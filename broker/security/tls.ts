/**
 * Certificate, key and trusted authorities of one side of TLS, from PEM files that may be replaced at any time. New
 * connections use what the files hold; those that are open keep what they began with.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../clock.ts'
import type { TlsMaterial } from '../net/tls-acceptor.ts'
import { WatchedFiles } from '../watched-files.ts'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  /** Who is trusted to sign the other side's certificate. */
  readonly caFile?: string | undefined
}

export interface TlsParts {
  readonly clock: Clock
  readonly onChange?: (material: TlsMaterial) => void
  readonly onProblem: (message: string) => void
}

/** Rejects with one line that says which file is wrong. */
export function openTls(files: TlsFiles, { clock, onChange, onProblem }: TlsParts): Promise<WatchedFiles<TlsMaterial>> {
  const { certFile, keyFile, caFile } = files
  return WatchedFiles.open({
    clock,
    paths: caFile === undefined ? [certFile, keyFile] : [certFile, keyFile, caFile],
    parse: contents => materialOf(files, contents),
    ...(onChange === undefined ? {} : { onChange }),
    onProblem,
  })
}

function materialOf({ certFile, keyFile, caFile }: TlsFiles, contents: readonly Buffer[]): TlsMaterial {
  const [cert = Buffer.alloc(0), key = Buffer.alloc(0), ca] = contents
  const certificate = attempt(`${certFile} holds no certificate in PEM`, () => new X509Certificate(cert))
  const privateKey = attempt(`${keyFile} holds no unencrypted private key in PEM`, () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey)) throw new Error(`${keyFile} is not the key of ${certFile}`)
  if (ca !== undefined) attempt(`${caFile} holds no certificate in PEM`, () => new X509Certificate(ca))
  const material = { cert, key, ...(ca === undefined ? {} : { ca }) }
  attempt(`${certFile} cannot be used for TLS`, () => createSecureContext(material))
  return material
}

/** Milliseconds since 1970. */
export interface Term {
  readonly startsAt: number
  readonly endsAt: number
}

/** Of the certificate in the PEM text, or of the one beside it that ends sooner: clients refuse the chain from then on. */
export function certificateTerm(pem: Buffer): Term {
  const all = String(pem).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [String(pem)]
  const terms = all.map((one): Term => {
    const { validFromDate, validToDate } = new X509Certificate(one)
    return { startsAt: validFromDate.getTime(), endsAt: validToDate.getTime() }
  })
  return terms.reduce((first, other) => (other.endsAt < first.endsAt ? other : first))
}

function attempt<Value>(problem: string, action: () => Value): Value {
  try {
    return action()
  } catch (cause) {
    throw new Error(problem, { cause })
  }
}
