// Free TCP ports on loopback, for programs that must be told their port.

import { createServer } from 'node:net'

/**
 * `count` different ports that were free a moment ago. Another program may take one before it is used;
 * prefer port 0 wherever the program under test can say which port it got.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen))
  const ports = servers.map(({ port }) => port)
  await Promise.all(servers.map(({ close }) => close()))
  return ports
}

function listen(): Promise<{ port: number; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') return reject(new Error('no port was given'))
      resolve({ port: address.port, close: () => new Promise(done => server.close(() => done())) })
    })
  })
}
