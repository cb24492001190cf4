// What the agent is told by its environment. The operator alone writes it (operator/cluster/desired/etcd-agent.ts).

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Bucket, type BucketTools, credentialsFrom } from '../../bucket/s3.ts'
import type { EtcdTls } from '../etcd-member.ts'

const number = z.coerce.number().int().min(1)
const folder = z.string().min(1)
const flag = z.enum(['true', 'false']).transform(text => text === 'true')

export const agentSettings = z.object({
  KAFSCALE_ETCD_ENDPOINTS: z.string().transform(text => text.split(',')),
  KAFSCALE_ETCD_PREFIX: z.string(),
  KAFSCALE_ETCD_TLS_FOLDER: folder.optional(),
  KAFSCALE_SNAPSHOT_PREFIX: z.string().min(1),
  KAFSCALE_SNAPSHOTS: flag,
  KAFSCALE_WORK_FOLDER: folder,
  KAFSCALE_LAST_WORDS: folder,
  KAFSCALE_S3_BUCKET: z.string().min(1),
  KAFSCALE_S3_REGION: z.string().optional(),
  KAFSCALE_S3_ENDPOINT: z.string().optional(),
  KAFSCALE_S3_PATH_STYLE: flag.optional(),
  KAFSCALE_S3_NAMESPACE: z.string().min(1),
  KAFSCALE_S3_KMS_ARN: z.string().optional(),
  /** Where etcdutl is. */
  KAFSCALE_ETCDUTL: z.string().default('etcdutl'),
})

export const prepareSettings = agentSettings.extend({
  POD_NAME: z.string().min(1),
  KAFSCALE_ETCD_DATA: folder,
  KAFSCALE_ETCD_CONFIG_FOLDER: folder,
  /** `name=url,...`, of all members that there are to be; the endpoints are in the same order. */
  KAFSCALE_ETCD_PEERS: z.string().transform(text =>
    text.split(',').map(part => {
      const [name = '', url = ''] = part.split('=')
      return { name, peerUrls: [url] }
    }),
  ),
  KAFSCALE_ETCD_CONFIG: z.string().transform(text => z.record(z.string(), z.unknown()).parse(JSON.parse(text))),
  KAFSCALE_ETCD_LIFE: number,
  KAFSCALE_ETCD_LIFE_STATE: z.enum(['forming', 'running', 'ending']),
  KAFSCALE_ETCD_TOKEN: z.string().min(1),
  KAFSCALE_ETCD_RESTORE_FROM: z.string(),
})

export const snapshotSettings = agentSettings.extend({ KAFSCALE_SNAPSHOT_KEEP: number })

export type AgentSettings = z.output<typeof agentSettings>
export type PrepareSettings = z.output<typeof prepareSettings>
export type SnapshotSettings = z.output<typeof snapshotSettings>

/** Undefined without TLS. */
export async function tlsOf({ KAFSCALE_ETCD_TLS_FOLDER: from }: AgentSettings): Promise<EtcdTls | undefined> {
  if (from === undefined) return undefined
  const [ca = '', cert = '', key = ''] = await Promise.all(
    ['ca.crt', 'tls.crt', 'tls.key'].map(name => readFile(join(from, name), 'utf8')),
  )
  return { ca, cert, key }
}

export function bucketOf(
  settings: AgentSettings,
  environment: Readonly<Record<string, string | undefined>>,
  tools: BucketTools,
): Bucket {
  const place = {
    bucket: settings.KAFSCALE_S3_BUCKET,
    region: settings.KAFSCALE_S3_REGION,
    endpoint: settings.KAFSCALE_S3_ENDPOINT,
    pathStyle: settings.KAFSCALE_S3_PATH_STYLE,
    kmsKeyArn: settings.KAFSCALE_S3_KMS_ARN,
    credentials: credentialsFrom(environment),
  }
  return new Bucket(place, tools)
}
