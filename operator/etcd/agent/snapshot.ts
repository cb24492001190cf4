// One snapshot: the bucket takes it (asked before anything else), etcd gives it, it is sound and can be restored, the bucket
// has it byte by byte; only then it counts, and the oldest go.

import { createHash } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../broker/clock.ts'
import type { Bucket } from '../../bucket/s3.ts'
import { EtcdMember, type EtcdTls } from '../etcd-member.ts'
import { restoreSnapshot, type SnapshotStatus, snapshotStatus } from './etcdutl.ts'
import type { SnapshotSettings } from './settings.ts'
import { pruneSnapshots, type SnapshotManifest, sha256OfFile, snapshotKey, storeSnapshot } from './snapshots.ts'

export interface SnapshotTools {
  readonly bucket: Bucket
  readonly tls: EtcdTls | undefined
  readonly clock: Clock
}

const HASH_BYTES = 32

export async function takeSnapshot(settings: SnapshotSettings, tools: SnapshotTools): Promise<SnapshotManifest> {
  const { bucket, clock } = tools
  const { KAFSCALE_SNAPSHOT_PREFIX: prefix, KAFSCALE_ETCDUTL: etcdutl } = settings
  await demandBucket(bucket, prefix)
  const folder = await mkdtemp(join(settings.KAFSCALE_WORK_FOLDER, 'snapshot-'))
  try {
    const file = join(folder, 'snapshot.db')
    const time = clock.now()
    const { bytes, etcdVersion } = await download(settings.KAFSCALE_ETCD_ENDPOINTS, tools.tls, file)
    const sha256 = await sha256OfFile(file)
    const { revision, keys, hash } = await verify(etcdutl, file, folder)
    const manifest: SnapshotManifest = {
      version: 1,
      key: snapshotKey(prefix, time, revision),
      time: new Date(time).toISOString(),
      revision,
      keys,
      hash,
      bytes,
      sha256,
      etcdVersion,
    }
    await storeSnapshot(bucket, file, manifest)
    await pruneSnapshots(bucket, prefix, settings.KAFSCALE_SNAPSHOT_KEEP, clock.now())
    return manifest
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Whether the bucket takes, gives and deletes objects there, before etcd is burdened. */
async function demandBucket(bucket: Bucket, prefix: string): Promise<void> {
  const key = `${prefix}/probe`
  const text = Buffer.from('may this be written, read and deleted?\n')
  await bucket.put(key, text)
  const found = await bucket.get(key)
  if (found?.equals(text) !== true) throw new Error(`the bucket did not give back what was written to ${key}`)
  await bucket.delete([key])
}

/** From a member that does not lead, if there is one that works. */
async function download(
  endpoints: readonly string[],
  tls: EtcdTls | undefined,
  file: string,
): Promise<{ readonly bytes: number; readonly etcdVersion: string }> {
  const members = endpoints.map(endpoint => new EtcdMember(endpoint, tls))
  try {
    const found = await Promise.allSettled(members.map(member => member.status()))
    const working = found.flatMap((outcome, index) => {
      const member = members[index]
      return outcome.status === 'fulfilled' && member !== undefined ? [{ member, status: outcome.value }] : []
    })
    const usable = working.filter(({ status }) => status.leader !== '0')
    const chosen = usable.find(({ status }) => status.leader !== status.id) ?? usable[0]
    if (chosen === undefined)
      throw new Error(`no member of etcd at ${endpoints.join(', ')} answers that there is a leader`)
    // A member may lag behind: this read makes it catch up with what was acknowledged before.
    await chosen.member.value('snapshot')
    return { bytes: await write(chosen.member, file), etcdVersion: chosen.status.version }
  } finally {
    for (const member of members) member.close()
  }
}

/** Rejects unless the bytes are those that etcd says they are. */
async function write(member: EtcdMember, file: string): Promise<number> {
  const target = await open(file, 'w')
  const hash = createHash('sha256')
  let tail = Buffer.alloc(0)
  let bytes = 0
  try {
    for await (const piece of member.snapshot()) {
      await target.write(piece)
      bytes += piece.length
      const known = Buffer.concat([tail, piece])
      const end = Math.max(0, known.length - HASH_BYTES)
      hash.update(known.subarray(0, end))
      tail = known.subarray(end)
    }
    await target.sync()
  } finally {
    await target.close()
  }
  if (!hash.digest().equals(tail)) throw new Error('the snapshot that etcd gave is cut short or damaged')
  return bytes
}

/** Restores it beside, and compares: what cannot be restored now could not be restored when it is needed. */
async function verify(etcdutl: string, file: string, folder: string): Promise<SnapshotStatus> {
  const status = await snapshotStatus(etcdutl, file)
  const dataFolder = join(folder, 'restored')
  const peerUrl = 'http://127.0.0.1:2380'
  const probe = { name: 'probe', peerUrl, cluster: `probe=${peerUrl}`, token: 'probe', bumpRevision: 0 }
  await restoreSnapshot(etcdutl, { file, dataFolder, ...probe })
  const restored = await snapshotStatus(etcdutl, join(dataFolder, 'member', 'snap', 'db'))
  if (restored.keys !== status.keys || restored.revision !== status.revision) {
    const [found, wanted] = [restored, status].map(({ keys, revision }) => `${keys} keys at revision ${revision}`)
    throw new Error(`restored for a test, the snapshot has ${found} instead of ${wanted}`)
  }
  return status
}
