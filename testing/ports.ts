// Free TCP ports on loopback, for programs that must be told their port.

import { createServer } from 'node:net'

/** Below those that the kernel gives to connections that go out, which would take a port between this and its use. */
const FIRST = 20_000
/** Suites that run side by side, as workers of one jest or as two of them, do not offer the same ones. */
const OF_EACH_WORKER = 500
const WORKERS = 10

const { JEST_WORKER_ID: worker = '0', KAFSCALE_TEST_LANE: lane = '0' } = process.env
const first = FIRST + ((Number(lane) % 2) * WORKERS + (Number(worker) % WORKERS)) * OF_EACH_WORKER
let next = Math.floor(Math.random() * OF_EACH_WORKER)

/**
 * `count` different ports that were free a moment ago. Another program may take one before it is used;
 * prefer port 0 wherever the program under test can say which port it got.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries++) {
    if (tries === OF_EACH_WORKER) throw new Error(`no ${count} ports are free from ${first} on`)
    const port = first + (next++ % OF_EACH_WORKER)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
