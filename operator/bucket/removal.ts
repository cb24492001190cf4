// Deletes everything under prefixes of a bucket, as far as it gets before the signal aborts; what is left is found again.

import { childrenOf, childText, parseXml } from '../../broker/objects/s3/xml.ts'
import type { Bucket } from './s3.ts'

const AT_ONCE = 1000

export interface Removal {
  readonly deleted: number
  readonly isDone: boolean
}

/** Prefixes end with a slash. */
export async function removeObjects(
  bucket: Bucket,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<Removal> {
  let deleted = 0
  for (const prefix of prefixes) {
    let keys: string[] = []
    for await (const { key } of bucket.list(prefix)) {
      keys.push(key)
      if (keys.length < AT_ONCE) continue
      await bucket.delete(keys)
      deleted += keys.length
      keys = []
      if (signal.aborted) return { deleted, isDone: false }
    }
    await bucket.delete(keys)
    deleted += keys.length
    await abortUploads(bucket, prefix).catch(() => {})
  }
  return { deleted, isDone: true }
}

/** Parts of uploads that were never completed cost as objects do. Not every S3 service can list them. */
async function abortUploads(bucket: Bucket, prefix: string): Promise<void> {
  const answer = await bucket.call('GET', { query: { uploads: '', prefix } })
  for (const upload of childrenOf(parseXml(answer.body.toString('utf8')), 'Upload')) {
    const [key, uploadId] = [childText(upload, 'Key'), childText(upload, 'UploadId')]
    if (key !== undefined && uploadId !== undefined && key.startsWith(prefix))
      await bucket.call('DELETE', { key, query: { uploadId } })
  }
}
