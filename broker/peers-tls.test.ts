// Brokers that reach each other by TLS at addresses for which no certificate stands, as pods do.

import { once } from 'node:events'
import { createServer, type Server } from 'node:tls'
import { afterEach, expect, test } from '@jest/globals'
import { type Issued, issue, newAuthority } from '../operator/certificates/certificate.ts'
import { systemClock } from './clock.ts'
import { BrokerPeers } from './peers.ts'
import { newMetadataRequest } from './wire/messages.gen.ts'

const validity = { from: Date.now() - 60_000, until: Date.now() + 3_600_000 }
const authority = newAuthority('peers', validity)
const named = (commonName: string, names: readonly string[] = []): Issued =>
  issue(authority, { commonName, names, ...validity })

const own = named('broker')
let server: Server | undefined
let peers: BrokerPeers | undefined

afterEach(async () => {
  peers?.close()
  server?.close()
})

/** Why a call to whoever shows this certificate failed. It never answers, so that there always is a reason. */
async function outcome(shown: Issued): Promise<string> {
  server = createServer({ ...shown, ca: authority.cert, requestCert: true }, socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const material = { cert: Buffer.from(own.cert), key: Buffer.from(own.key), ca: Buffer.from(authority.cert) }
  peers = new BrokerPeers(systemClock, 'PEERS', () => material)
  const listeners = [{ name: 'PEERS', host: '127.0.0.1', port, shared: false }]
  const peer = { epoch: 1, brokerId: 1, rack: '', software: 'test', featureLevel: 1, listeners }
  const call = peers.ask(peer, 'Metadata', newMetadataRequest({ topics: [] }), { version: 9, clientId: 'test' })
  return call.then(
    () => 'answered',
    (cause: unknown) => String(cause),
  )
}

test('whoever shows the same name as this broker is a peer, whatever its address', async () => {
  expect(await outcome(named('broker'))).toContain('closed the connection')
})

test('somebody else is none, although the same authority signed for them', async () => {
  expect(await outcome(named('alice'))).toMatch(/does not match certificate|altnames|Hostname\/IP/)
})

test('who stands for the address is one', async () => {
  expect(await outcome(named('other', ['127.0.0.1']))).toContain('closed the connection')
})
