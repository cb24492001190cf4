/** Why the broker did not start, in one line that names what to change. */
import { FolderInUse } from './ledger/folder-lock.ts'
import type { Address, Settings } from './settings.ts'

export function startProblem(cause: unknown, settings: Settings): string {
  if (cause instanceof FolderInUse) {
    return `KAFSCALE_DATA_DIR: ${settings.dataDir} is in use by another broker; stop it or name another folder`
  }
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    const port = cause instanceof Error && 'port' in cause ? cause.port : undefined
    const [name, address] =
      port === settings.metrics.port && port !== settings.listen.port
        ? (['KAFSCALE_METRICS_ADDR', settings.metrics] as const)
        : (['KAFSCALE_BROKER_ADDR', settings.listen] as const)
    return `${name}: cannot listen on ${written(address)}: ${REASONS[code]}`
  }
  const message = cause instanceof Error ? cause.message : String(cause)
  return `KAFSCALE_DATA_DIR: ${settings.dataDir} cannot be used: ${message.split('\n')[0]}`
}

const REASONS = {
  EADDRINUSE: 'the port is taken by another process',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
} as const

function written({ host, port }: Address): string {
  return `${host ?? ''}:${port}`
}
