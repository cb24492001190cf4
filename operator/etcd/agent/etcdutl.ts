// etcdutl: what etcd itself says of a snapshot, and the one way to make a data folder of it.

import { spawn } from 'node:child_process'
import { z } from 'zod'

const statusSchema = z.looseObject({ hash: z.number(), revision: z.number(), totalKey: z.number() })

export interface SnapshotStatus {
  readonly revision: number
  readonly keys: number
  /** Over all that is in the database, memberships too. `etcdutl hashkv` would leave them out, but fails on keys with leases. */
  readonly hash: number
}

/** Leaves the file as it is. Rejects for one that is no sound database. */
export async function snapshotStatus(etcdutl: string, file: string): Promise<SnapshotStatus> {
  const said = await run(etcdutl, ['snapshot', 'status', file, '-w', 'json'])
  const { revision, totalKey: keys, hash } = statusSchema.parse(JSON.parse(said))
  return { revision, keys, hash }
}

export interface RestorePlan {
  readonly file: string
  /** Must not exist. */
  readonly dataFolder: string
  readonly name: string
  readonly peerUrl: string
  /** `name=url,...` of all members. */
  readonly cluster: string
  readonly token: string
  /** Added to every revision to come, so that none of those that were lost is used again. */
  readonly bumpRevision: number
}

/** Checks the snapshot's own SHA-256, too. */
export async function restoreSnapshot(etcdutl: string, plan: RestorePlan): Promise<void> {
  const bump = plan.bumpRevision > 0 ? [`--bump-revision=${plan.bumpRevision}`, '--mark-compacted'] : []
  await run(etcdutl, [
    ...['snapshot', 'restore', plan.file, `--data-dir=${plan.dataFolder}`, `--name=${plan.name}`],
    `--initial-cluster=${plan.cluster}`,
    `--initial-cluster-token=${plan.token}`,
    `--initial-advertise-peer-urls=${plan.peerUrl}`,
    ...bump,
  ])
}

/** What it wrote to its standard output. Rejects with the last line of its errors. */
function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => out.push(piece))
    child.stderr.on('data', (piece: Buffer) => errors.push(piece))
    child.on('error', cause => reject(new Error(`${program} cannot be run: ${cause.message}`)))
    child.on('close', code => {
      if (code === 0) return resolve(Buffer.concat(out).toString())
      const said = Buffer.concat(errors).toString().trim().split('\n').at(-1) ?? ''
      reject(new Error(`etcdutl ${args[0]} ${args[1]} failed with ${code}: ${said}`))
    })
  })
}
