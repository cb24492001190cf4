// X.509 certificates for what the operator runs itself (RFC 5280): an authority, and what it signs. Keys are P-256, which
// every TLS of the last ten years takes. Nothing here keeps or looks up anything; time and names are passed in.

import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as der from './der.ts'

/** PEM texts. */
export interface Issued {
  readonly cert: string
  readonly key: string
}

export interface Validity {
  /** Milliseconds since 1970. */
  readonly from: number
  readonly until: number
}

export interface Request extends Validity {
  readonly commonName: string
  /** Names and addresses that it stands for. */
  readonly names: readonly string[]
  /** Such a one stands for no server, whatever its name is. */
  readonly isClientOnly?: boolean
  /** Such a one lets nobody in. */
  readonly isServerOnly?: boolean
}

const ECDSA_SHA256 = der.sequence(der.objectId('1.2.840.10045.4.3.2'))
const COMMON_NAME = '2.5.4.3'
const SERVER_AUTH = der.objectId('1.3.6.1.5.5.7.3.1')
const CLIENT_AUTH = der.objectId('1.3.6.1.5.5.7.3.2')
/** Clocks differ; a certificate counts from a little before it was made. */
export const CLOCK_DIFFERENCE_MS = 300_000

/** An authority that signs itself. Its name has a random part, so that two of one purpose can be trusted side by side. */
export function newAuthority(purpose: string, { from, until }: Validity): Issued {
  const name = `${purpose} ${randomBytes(6).toString('hex')}`
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const extensions = [
    extension('2.5.29.19', der.sequence(der.yes()), true),
    // keyCertSign and cRLSign.
    extension('2.5.29.15', der.bits(Buffer.of(0x06), 1), true),
    extension('2.5.29.14', der.octets(keyId(spki))),
  ]
  const facts = { issuer: name, subject: name, spki, extensions, from, until }
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { cert: signed(facts, key), key }
}

/** Unless it is a client's or a server's alone it serves as both: etcd's own gateway shows its server certificate as a client. */
export function issue(authority: Issued, request: Request): Issued {
  const { commonName, names, from, until, isClientOnly = false, isServerOnly = false } = request
  const signer = new X509Certificate(authority.cert)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const signerKey = signer.publicKey.export({ type: 'spki', format: 'der' })
  const extensions = [
    extension('2.5.29.19', der.sequence(), true),
    // digitalSignature.
    extension('2.5.29.15', der.bits(Buffer.of(0x80), 7), true),
    extension(
      '2.5.29.37',
      der.sequence(...(isClientOnly ? [] : [SERVER_AUTH]), ...(isServerOnly ? [] : [CLIENT_AUTH])),
    ),
    extension('2.5.29.14', der.octets(keyId(spki))),
    extension('2.5.29.35', der.sequence(der.implicit(0, keyId(signerKey)))),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', der.sequence(...names.map(alternative)))]),
  ]
  const facts = { issuer: commonNameOf(signer), subject: commonName, spki, extensions, from, until }
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { cert: signed(facts, authority.key), key }
}

/** Of a certificate made here. */
export const commonNameOf = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? ''

/** The certificates of a PEM text, each as a text of its own. */
export const certificatesOf = (pem: string): string[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(one => `${one}\n`)

/** Undefined for a text that is no certificate. */
export function parsed(pem: string | undefined): X509Certificate | undefined {
  if (pem === undefined) return undefined
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** Of the first certificate of a PEM text that ends; undefined for a text without any. */
export function validityOfChain(pem: string | undefined): Validity | undefined {
  const all = certificatesOf(pem ?? '').flatMap(one => parsed(one) ?? [])
  const terms = all.map(one => ({ from: one.validFromDate.getTime(), until: one.validToDate.getTime() }))
  return terms.toSorted((a, b) => a.until - b.until)[0]
}

/** Whether `cert` was signed by the authority with this certificate. */
export const isSignedBy = (cert: X509Certificate, authority: X509Certificate): boolean =>
  cert.checkIssued(authority) && cert.verify(authority.publicKey)

/** The names that a certificate stands for, sorted. */
export const namesOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name = '']) => name).sort()

/** Names as `namesOf` gives them for a certificate that was issued for them. */
export const sortedNames = (names: readonly string[]): string[] =>
  names.map(name => (isIP(name) === 6 ? addressText(name) : name)).sort()

/** An IPv6 address as Node writes it: eight groups, no zeros before them. */
function addressText(address: string): string {
  const bytes = addressBytes(address)
  return Array.from({ length: 8 }, (_, group) =>
    bytes
      .readUInt16BE(group * 2)
      .toString(16)
      .toUpperCase(),
  ).join(':')
}

interface Facts extends Validity {
  readonly issuer: string
  readonly subject: string
  readonly spki: Uint8Array
  readonly extensions: readonly Uint8Array[]
}

function signed({ issuer, subject, spki, extensions, from, until }: Facts, signerKey: string): string {
  const content = der.sequence(
    der.explicit(0, der.integer(Buffer.of(2))),
    der.integer(serialNumber()),
    ECDSA_SHA256,
    distinguished(issuer),
    der.sequence(der.time(from - CLOCK_DIFFERENCE_MS), der.time(until)),
    distinguished(subject),
    spki,
    der.explicit(3, der.sequence(...extensions)),
  )
  const signature = sign('sha256', content, createPrivateKey(signerKey))
  const bytes = der.sequence(content, ECDSA_SHA256, der.bits(signature))
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** Positive, and at most twenty bytes (RFC 5280, 4.1.2.2). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

const distinguished = (commonName: string): Buffer =>
  der.sequence(der.set(der.sequence(der.objectId(COMMON_NAME), der.utf8(commonName))))

const extension = (id: string, content: Uint8Array, isCritical = false): Buffer =>
  der.sequence(der.objectId(id), ...(isCritical ? [der.yes()] : []), der.octets(content))

/** SHA-1 of the key, as RFC 5280 4.2.1.2 has it: a name, no protection. */
const keyId = (spki: Uint8Array): Buffer => createHash('sha1').update(spki).digest()

function alternative(name: string): Buffer {
  const family = isIP(name)
  if (family === 0) return der.implicit(2, Buffer.from(name))
  return der.implicit(7, family === 4 ? Buffer.from(name.split('.').map(Number)) : addressBytes(name))
}

/** Of an IPv6 address. */
function addressBytes(address: string): Buffer {
  const [before = '', after] = address.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const [start, end] = [groups(before), groups(after ?? '')]
  const zeros = after === undefined ? 0 : 8 - start.length - end.length
  const all = [...start, ...Array.from({ length: zeros }, () => '0'), ...end]
  return Buffer.from(all.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]))
}
