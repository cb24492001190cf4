/** Both brokers behind TLS with the same certificate, for the bench of throughput over it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority } from '../testing/certificates.ts'
import { freePorts } from '../testing/ports.ts'
import { type Peer, startApache, startOurs } from './peers.ts'
import { throughput } from './throughput.ts'

export async function tls(gigabytes: number, rounds: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-bench-tls-'))
  const peers: Peer[] = []
  try {
    const authority = await Authority.create(folder)
    const server = await authority.sign('broker')
    const [ours = 0, theirs = 0, controller = 0] = await freePorts(3)
    const security = { SSL: { protocol: 'SSL', certFile: server.cert, keyFile: server.key } }
    const own = await startOurs({
      KAFSCALE_LISTENERS: `SSL://127.0.0.1:${ours}`,
      KAFSCALE_LISTENER_SECURITY: JSON.stringify(security),
    })
    peers.push(own)
    // Java wants the key and its certificate in one file.
    const keyStore = join(folder, 'keystore.pem')
    await writeFile(keyStore, Buffer.concat([await readFile(server.key), await readFile(server.cert)]))
    const apache = await startApache({
      listeners: `SSL://127.0.0.1:${theirs},CONTROLLER://127.0.0.1:${controller}`,
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      'advertised.listeners': `SSL://127.0.0.1:${theirs}`,
      'inter.broker.listener.name': 'SSL',
      'listener.security.protocol.map': 'SSL:SSL,CONTROLLER:PLAINTEXT',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keyStore,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': authority.cert,
    })
    peers.push(apache)
    const config = join(folder, 'client.properties')
    const trust = ['ssl.truststore.type=PEM', `ssl.truststore.location=${authority.cert}`]
    await writeFile(config, ['security.protocol=SSL', ...trust].join('\n'))
    const secured = [
      { ...own, bootstrap: `127.0.0.1:${ours}`, clientConfig: config },
      { ...apache, bootstrap: `127.0.0.1:${theirs}`, clientConfig: config },
    ]
    return await throughput(secured, gigabytes, rounds)
  } finally {
    for (const peer of peers) await peer.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
