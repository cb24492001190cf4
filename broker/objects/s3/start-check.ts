// Proves at the start that the bucket can be used: it answers, the credentials may do what a broker does, and PUT with
// If-None-Match is honoured.
//
// A store without conditional PUT is refused. Keys are unique (session epoch and number), so a put that is tried again
// would only write the same bytes again. But two clusters that claim one prefix at the same moment would both write the
// cluster's marker and never learn of each other, and an etcd that was lost and made anew hands out old epochs again: in
// both cases one cluster's puts replace what the other acknowledged. Only a PUT that fails on a taken key shows that.

import type { ObjectStore } from '../object-store.ts'
import { ObjectExists, StoreError } from '../object-store.ts'
import { readPage } from './answers.ts'
import type { S3Client } from './client.ts'
import { defaultStartTimeoutMs, type S3Options } from './options.ts'
import { queryString } from './sigv4.ts'
import { S3StartProblem, type Step, startProblem } from './start-problem.ts'

const documentBytes = 16 * 1024 * 1024

/** Rejects with S3StartProblem. Leaves nothing below `<prefix>/probe/` unless the store does. */
export const checkStart = async (store: ObjectStore, client: S3Client, options: S3Options): Promise<void> => {
  const deadline = client.clock.monotonic() + (options.startTimeoutMs ?? defaultStartTimeoutMs)
  const folder = options.prefix === '' ? 'probe' : `${options.prefix}/probe`
  const key = `${folder}/${client.clock.now().toString(36)}-${Math.floor(options.random() * 2 ** 48).toString(36)}`
  const step = stepper(client, options)

  await step('list', async () => {
    await client.demandCredentials()
    const query = queryString({ 'list-type': '2', 'max-keys': '1', prefix: `${folder}/` })
    const request = { operation: 'list', method: 'GET', key: '', query, hedged: false } as const
    readPage(await client.call({ ...request, mostBytes: documentBytes }, deadline))
  })
  await step('put', () => store.put(key, [Buffer.from('first')]))
  try {
    await step('put', () => demandConditionalPut(store, key, client.origin.origin))
    await step('get', () => demandBytes(store, key, client.origin.origin))
  } catch (error) {
    await store.delete([key]).catch(() => {})
    throw error
  }
  await step('delete', () => warnOfVersions(client, key, options))
  await step('delete', () => store.delete([key]))
}

const demandConditionalPut = async (store: ObjectStore, key: string, origin: string): Promise<void> => {
  try {
    await store.put(key, [Buffer.from('other')])
  } catch (error) {
    if (error instanceof ObjectExists) return
    throw error
  }
  throw new S3StartProblem(
    `the S3 server at ${origin} ignores If-None-Match, so one cluster could overwrite the records of another: set KAFSCALE_S3_ENDPOINT to a server with conditional writes`,
  )
}

const demandBytes = async (store: ObjectStore, key: string, origin: string): Promise<void> => {
  const [whole, part] = [await store.get(key), await store.get(key, { position: 1, length: 3 })]
  if (whole.toString() === 'first' && part.toString() === 'irs') return
  throw new S3StartProblem(
    `the S3 server at ${origin} gives back other bytes than it was given: correct KAFSCALE_S3_ENDPOINT`,
  )
}

/** In a bucket with versions a delete hides an object and frees nothing. */
const warnOfVersions = async (client: S3Client, key: string, { bucket, onWarning }: S3Options): Promise<void> => {
  const request = { operation: 'delete', method: 'DELETE', key, hedged: false, mostBytes: documentBytes } as const
  const { headers } = await client.call(request)
  if (headers['x-amz-delete-marker'] === 'true')
    onWarning?.(
      `the S3 bucket ${bucket} keeps old versions: deleted objects go on costing until a lifecycle rule removes them`,
    )
}

const stepper =
  (client: S3Client, { bucket, region, endpoint, kmsKeyId }: S3Options) =>
  async (step: Step, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      const cause = error instanceof StoreError && error.cause !== undefined ? error.cause : error
      const { origin } = client.origin
      const endpointSet = endpoint !== undefined
      throw startProblem(step, cause, { bucket, region, origin, endpointSet, kmsKeyId, now: client.clock.now() })
    }
  }
