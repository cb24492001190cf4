// Snapshots of etcd in the bucket: `PREFIX/TIME-REVISION.db`, and beside each that was verified a manifest of the same name
// that ends in `.json`. The manifest is written last: a snapshot without one is no snapshot, and is removed in time.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import type { Bucket } from '../../bucket/s3.ts'

export const manifestSchema = z.object({
  version: z.literal(1),
  /** Key of the snapshot. */
  key: z.string(),
  /** When it was begun: what was acknowledged before is in it. RFC 3339. */
  time: z.string(),
  /** Of etcd. */
  revision: z.number(),
  keys: z.number(),
  /** What `etcdutl snapshot status` gives for the file. */
  hash: z.number(),
  bytes: z.number(),
  /** Of the file, hex. */
  sha256: z.string(),
  etcdVersion: z.string(),
})

export type SnapshotManifest = Readonly<z.output<typeof manifestSchema>>

export const snapshotKey = (prefix: string, time: number, revision: number): string =>
  `${prefix}/${new Date(time).toISOString().slice(0, 19).replaceAll(':', '-')}Z-${String(revision).padStart(16, '0')}.db`

export const manifestKey = (snapshot: string): string => snapshot.replace(/\.db$/, '.json')

/** Of those that were verified, oldest first. */
export async function listSnapshots(bucket: Bucket, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of bucket.list(`${prefix}/`))
    if (key.endsWith('.json')) keys.push(key.replace(/json$/, 'db'))
  return keys
}

/** Undefined when there is none of that key. */
export async function readManifest(bucket: Bucket, snapshot: string): Promise<SnapshotManifest | undefined> {
  const text = await bucket.get(manifestKey(snapshot))
  return text === undefined ? undefined : manifestSchema.parse(JSON.parse(text.toString('utf8')))
}

/** Stores a snapshot that was checked on disk, and believes in it only when the bucket gives back the same bytes. */
export async function storeSnapshot(bucket: Bucket, file: string, manifest: SnapshotManifest): Promise<void> {
  await bucket.putFile(manifest.key, file)
  const found = await sha256Of(bucket.pieces(manifest.key))
  if (found !== manifest.sha256) {
    await bucket.delete([manifest.key])
    throw new Error(
      `the bucket gave back other bytes than those of the snapshot: SHA-256 ${found}, not ${manifest.sha256}`,
    )
  }
  await bucket.put(manifestKey(manifest.key), Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`))
}

/** Writes it to `file`. Rejects when it is not what its manifest says. */
export async function fetchSnapshot(bucket: Bucket, manifest: SnapshotManifest, file: string): Promise<void> {
  const target = await open(file, 'w')
  const hash = createHash('sha256')
  try {
    for await (const piece of bucket.pieces(manifest.key)) {
      hash.update(piece)
      await target.write(piece)
    }
    await target.sync()
  } finally {
    await target.close()
  }
  const found = hash.digest('hex')
  if (found !== manifest.sha256)
    throw new Error(`snapshot ${manifest.key} is damaged: SHA-256 ${found}, not ${manifest.sha256}`)
}

/** Those that go when `keep` are to stay, and what was left by snapshots that did not come to their end. */
export async function pruneSnapshots(bucket: Bucket, prefix: string, keep: number, now: number): Promise<number> {
  const good = await listSnapshots(bucket, prefix)
  const passed = good.slice(0, Math.max(0, good.length - keep))
  const known = new Set(good)
  const unfinished: string[] = []
  for await (const { key, modified } of bucket.list(`${prefix}/`)) {
    if (key.endsWith('.db') && !known.has(key) && now - modified > UNFINISHED_MS) unfinished.push(key)
  }
  // The manifest goes first: what is left when this is cut short is no snapshot any more.
  await bucket.delete(passed.map(manifestKey))
  await bucket.delete([...passed, ...unfinished])
  return passed.length
}

/** Longer than a snapshot may take. */
const UNFINISHED_MS = 86_400_000

export const sha256OfFile = (file: string): Promise<string> => sha256Of(createReadStream(file))

async function sha256Of(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}
