/** A ledger in etcd and an object store in a bucket: what stands behind the brokers of a cluster. */
import { readFile } from 'node:fs/promises'
import { type Backing, type BackingParts, flushOf } from './backing.ts'
import { type Certificates, CertificateWatch } from './ledger/etcd/certificate-watch.ts'
import { EtcdLedger } from './ledger/etcd/ledger.ts'
import type { RequestReport } from './objects/s3/client.ts'
import type { Credentials } from './objects/s3/sigv4.ts'
import { S3Store } from './objects/s3/store.ts'
import type { Settings } from './settings.ts'
import { bucketRollUpLimits } from './upkeep/roll-up.ts'

/** What S3 services that are not AWS take requests to be signed for. */
const REGION_OF_ENDPOINTS = 'us-east-1'

export async function openCluster(settings: Settings, { clock, log, metrics, opened }: BackingParts): Promise<Backing> {
  const { etcdEndpoints, s3Bucket } = settings
  if (etcdEndpoints === undefined || s3Bucket === undefined) throw new Error('there is no place for the data')
  const onWarning = (line: string): void => log.warn(line)
  const onRequest = (report: RequestReport): void => metrics.storeAsked(report)
  const places = { ...s3Places(settings, s3Bucket), credentials: s3Credentials(settings) }
  const store = await S3Store.open({ ...places, clock, random: Math.random, onWarning, onRequest })
  opened(() => store.close())
  const { etcdUsername: username, etcdPassword: password } = settings
  const tls = await etcdTls(settings)
  const login = username === undefined || password === undefined ? {} : { username, password }
  const etcd = {
    endpoints: etcdEndpoints,
    prefix: settings.etcdPrefix,
    ...login,
    ...(tls === undefined ? {} : { tls }),
  }
  const ledger = await EtcdLedger.open({ ...etcd, clock, onWarning })
  opened(() => ledger.close())
  if (tls !== undefined) {
    const watch = new CertificateWatch({
      clock,
      read: () => etcdTls(settings),
      use: next => ledger.renewTls(next),
      onWarning,
    })
    opened(async () => watch.stop())
  }
  return {
    ledger,
    store,
    logDir: `s3://${s3Bucket}/${settings.prefix}`,
    diskSpace: undefined,
    outlivesBroker: true,
    flush: flushOf(settings, { uploadSlots: 8, putsPerSecond: 20 }),
    rollUp: bucketRollUpLimits,
  }
}

function s3Places(settings: Settings, bucket: string) {
  const { s3Region, s3ReadRegion, prefix } = settings
  return {
    bucket,
    region: s3Region ?? REGION_OF_ENDPOINTS,
    endpoint: settings.s3Endpoint,
    pathStyle: settings.s3PathStyle,
    kmsKeyId: settings.s3KmsArn,
    readBucket: settings.s3ReadBucket,
    readRegion: s3ReadRegion,
    readEndpoint: settings.s3ReadEndpoint,
    concurrency: settings.s3Concurrency,
    prefix,
  }
}

function s3Credentials({ s3AccessKey, s3SecretKey, s3SessionToken }: Settings): Credentials | undefined {
  if (s3AccessKey === undefined || s3SecretKey === undefined) return undefined
  return { accessKeyId: s3AccessKey, secretAccessKey: s3SecretKey, sessionToken: s3SessionToken }
}

async function etcdTls(settings: Settings): Promise<Certificates | undefined> {
  const files = {
    ca: ['KAFSCALE_ETCD_CA_FILE', settings.etcdCaFile],
    cert: ['KAFSCALE_ETCD_CERT_FILE', settings.etcdCertFile],
    key: ['KAFSCALE_ETCD_KEY_FILE', settings.etcdKeyFile],
  } as const
  const tls: { -readonly [Part in keyof Certificates]: Certificates[Part] } = {}
  for (const part of ['ca', 'cert', 'key'] as const) {
    const [setting, path] = files[part]
    if (path !== undefined) tls[part] = await readSecret(setting, path)
  }
  return Object.keys(tls).length === 0 ? undefined : tls
}

async function readSecret(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new UnreadableFile(setting, path, cause)
  }
}

/** A file that a setting names cannot be read. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
  constructor(setting: string, path: string, cause: unknown) {
    super(`${setting}: ${path} cannot be read: ${String(cause).split('\n')[0]}`, { cause })
  }
}
