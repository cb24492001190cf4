// What the network layer alone costs: Produce-shaped frames from a client in another process, each answered with 40 bytes.
// Prints frames and megabytes per second and the CPU time of the server's process per frame and per megabyte.
// Run: npx node bench/net.ts [seconds per row]

import { fork } from 'node:child_process'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../broker/clock.ts'
import { Admission } from '../broker/net/admission.ts'
import { ByteBudget } from '../broker/net/byte-budget.ts'
import { defaultConnectionSettings } from '../broker/net/connection.ts'
import { Listener } from '../broker/net/listener.ts'
import { createLogger } from '../broker/observe/logger.ts'

interface Row {
  readonly frameBytes: number
  readonly inFlight: number
  readonly connections: number
}

const rows: readonly Row[] = [
  { frameBytes: 100, inFlight: 1, connections: 1 },
  { frameBytes: 100, inFlight: 1, connections: 50 },
  { frameBytes: 100, inFlight: 5, connections: 10 },
  { frameBytes: 100, inFlight: 50, connections: 10 },
  { frameBytes: 16_384, inFlight: 5, connections: 4 },
  { frameBytes: 1_048_576, inFlight: 5, connections: 4 },
]

/** Keeps `inFlight` frames under way on one connection for as long as the process lives. */
const send = (port: number, { frameBytes, inFlight }: Row): void => {
  const frame = Buffer.alloc(4 + frameBytes)
  frame.writeInt32BE(frameBytes)
  const window = Buffer.concat(Array.from({ length: inFlight }, () => frame))
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let answerBytes = 0
  socket.on('data', chunk => {
    answerBytes += chunk.length
    const answers = Math.floor(answerBytes / 44)
    answerBytes %= 44
    if (answers > 0) socket.write(window.subarray(0, answers * frame.length))
  })
  socket.write(window)
}

const measure = async (row: Row, seconds: number): Promise<string> => {
  let frames = 0
  const answer = [Buffer.alloc(40)]
  const listener = await Listener.open(
    { name: 'BENCH', host: '127.0.0.1', port: 0 },
    {
      service: {
        handle: async () => {
          frames++
          return answer
        },
      },
      clock: systemClock,
      budget: new ByteBudget(256 * 1024 * 1024),
      settings: defaultConnectionSettings,
      admission: new Admission({ maxConnections: 1000, maxConnectionsPerAddress: 1000 }),
      log: createLogger('warn'),
      newContext: () => null,
    },
  )
  const client = fork(fileURLToPath(import.meta.url), ['client', String(listener.port), JSON.stringify(row)])
  await new Promise(resolve => setTimeout(resolve, 700))
  const [began, cpuBefore, framesBefore] = [performance.now(), process.cpuUsage(), frames]
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  const { user, system } = process.cpuUsage(cpuBefore)
  const [elapsed, done, cpu] = [performance.now() - began, frames - framesBefore, user + system]
  client.kill()
  await listener.drain(1000)
  const megabytes = (done * row.frameBytes) / 1e6
  return [
    String(row.frameBytes).padStart(9),
    String(row.connections).padStart(11),
    String(row.inFlight).padStart(9),
    ((done / elapsed) * 1000).toFixed(0).padStart(9),
    ((megabytes / elapsed) * 1000).toFixed(1).padStart(8),
    (cpu / done).toFixed(1).padStart(13),
    (cpu / megabytes).toFixed(0).padStart(11),
  ].join(' | ')
}

const [role, port, row] = process.argv.slice(2)
if (role === 'client') {
  const parsed: Row = JSON.parse(row ?? '')
  for (let i = 0; i < parsed.connections; i++) send(Number(port), parsed)
} else {
  console.log('  frame B | connections | in flight |  frames/s |     MB/s | CPU us/frame | CPU us/MB')
  for (const row of rows) console.log(await measure(row, Number(role ?? 3)))
}
