import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect as tlsConnect } from 'node:tls'
import { describe, expect, test } from '@jest/globals'
import { certificatesOf, type Issued, isSignedBy, issue, namesOf, newAuthority, parsed } from './certificate.ts'

const DAY_MS = 86_400_000
const now = Date.now()
const validity = { from: now, until: now + 30 * DAY_MS }
const names = ['localhost', 'db-0.db.shop.svc', '127.0.0.1', '0:0:0:0:0:0:0:1']

function leafOf(authority: Issued, more: Partial<Parameters<typeof issue>[1]> = {}): Issued {
  return issue(authority, { commonName: 'db', names, ...validity, ...more })
}

/** The common name that the server saw; rejects when one of the two refuses the other. */
async function handshake(server: Issued, client: Issued, trusted: string, trustedByServer = trusted): Promise<string> {
  const options = {
    cert: server.cert,
    key: server.key,
    ca: trustedByServer,
    requestCert: true,
    rejectUnauthorized: true,
  }
  const listener = createServer(options, socket => {
    socket.on('error', () => {})
    socket.end(String(socket.getPeerCertificate().subject.CN))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  try {
    return await new Promise((resolve, reject) => {
      const socket = tlsConnect({ host: '127.0.0.1', port, cert: client.cert, key: client.key, ca: trusted })
      socket.on('data', data => resolve(data.toString()))
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('closed')))
    })
  } finally {
    listener.close()
  }
}

describe('certificates', () => {
  test('are such that TLS takes them on both sides', async () => {
    const authority = newAuthority('orders etcd', validity)
    const [server, client] = [leafOf(authority), leafOf(authority, { commonName: 'broker', names: [] })]
    expect(await handshake(server, client, authority.cert)).toBe('broker')
  })

  test('of an authority that is not trusted are refused, until it is trusted beside the old one', async () => {
    const [old, next] = [newAuthority('orders etcd', validity), newAuthority('orders etcd', validity)]
    await expect(handshake(leafOf(next), leafOf(next), old.cert)).rejects.toThrow()
    const both = old.cert + next.cert
    expect(await handshake(leafOf(next), leafOf(old), both)).toBe('db')
    expect(certificatesOf(both)).toEqual([old.cert, next.cert])
  })

  test('that are for one side alone are refused on the other', async () => {
    const authority = newAuthority('orders', validity)
    const both = leafOf(authority)
    const server = leafOf(authority, { isServerOnly: true })
    const client = leafOf(authority, { isClientOnly: true })
    expect(await handshake(server, client, authority.cert)).toBe('db')
    await expect(handshake(both, server, authority.cert)).rejects.toThrow()
    await expect(handshake(client, both, authority.cert)).rejects.toThrow()
  })

  test('that have expired are refused', async () => {
    const authority = newAuthority('orders etcd', { from: now - 10 * DAY_MS, until: now + DAY_MS })
    const stale = leafOf(authority, { from: now - 9 * DAY_MS, until: now - DAY_MS })
    await expect(handshake(leafOf(authority), stale, authority.cert)).rejects.toThrow()
    await expect(handshake(stale, leafOf(authority), authority.cert)).rejects.toThrow(/expired/)
  })

  test('say whom they are for, by whom and until when', () => {
    const [authority, other] = [newAuthority('orders etcd', validity), newAuthority('orders etcd', validity)]
    const leaf = new X509Certificate(leafOf(authority).cert)
    expect(namesOf(leaf)).toEqual([...names].sort())
    expect(leaf.validToDate.getTime()).toBe(Math.floor(validity.until / 1000) * 1000)
    expect(leaf.ca).toBe(false)
    expect(new X509Certificate(authority.cert).ca).toBe(true)
    expect(isSignedBy(leaf, new X509Certificate(authority.cert))).toBe(true)
    expect(isSignedBy(leaf, new X509Certificate(other.cert))).toBe(false)
  })

  test('may outlive 2050, where the way in which time is written changes', () => {
    const until = Date.UTC(2055, 1, 3, 4, 5, 6)
    const { validToDate } = new X509Certificate(newAuthority('long', { from: now, until }).cert)
    expect(validToDate.getTime()).toBe(until)
  })

  test('cannot be read from what is none', () => {
    expect(parsed('x')).toBeUndefined()
    expect(parsed(undefined)).toBeUndefined()
  })
})
