/** A ledger in etcd and an object store in a bucket: what stands behind the brokers of a cluster. */
import { access, constants, readFile } from 'node:fs/promises'
import { type Backing, type BackingParts, flushOf } from './backing.ts'
import { EtcdLedger, type EtcdLedgerOptions } from './ledger/etcd/ledger.ts'
import type { RequestReport } from './objects/s3/client.ts'
import type { Credentials } from './objects/s3/sigv4.ts'
import { S3Store } from './objects/s3/store.ts'
import type { Settings } from './settings.ts'
import { bucketRollUpLimits } from './upkeep/roll-up.ts'
import { WatchedFiles, type WatchedFilesOptions } from './watched-files.ts'

/** What S3 services that are not AWS take requests to be signed for. */
const REGION_OF_ENDPOINTS = 'us-east-1'

export async function openCluster(settings: Settings, { clock, log, metrics, opened }: BackingParts): Promise<Backing> {
  const { etcdEndpoints, s3Bucket } = settings
  if (etcdEndpoints === undefined || s3Bucket === undefined) throw new Error('there is no place for the data')
  const onWarning = (line: string): void => log.warn(line)
  const onRequest = (report: RequestReport): void => metrics.storeAsked(report)
  const ca = await s3Authority(settings)
  const places = { ...s3Places(settings, s3Bucket), credentials: s3Credentials(settings), ca }
  const store = await S3Store.open({ ...places, clock, random: Math.random, onWarning, onRequest })
  opened(() => store.close())
  const { etcdUsername: username, etcdPassword: password } = settings
  let known: EtcdLedger | undefined
  const tls = await etcdTls(settings, {
    clock,
    onChange: next => known?.renewTls(next),
    onProblem: why => onWarning(`etcd's new certificates cannot be used yet, the old ones go on: ${why}`),
  })
  if (tls !== undefined) opened(async () => tls.close())
  const login = username === undefined || password === undefined ? {} : { username, password }
  const etcd = {
    endpoints: etcdEndpoints,
    prefix: settings.etcdPrefix,
    ...login,
    ...(tls === undefined ? {} : { tls: tls.value }),
  }
  const ledger = await EtcdLedger.open({ ...etcd, clock, onWarning })
  known = ledger
  opened(() => ledger.close())
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

async function s3Authority({ s3CaFile: path }: Settings): Promise<string | undefined> {
  if (path === undefined) return undefined
  return readFile(path, 'utf8').catch(cause => {
    throw new UnreadableFile('KAFSCALE_S3_CA_FILE', path, cause)
  })
}

type EtcdTls = NonNullable<EtcdLedgerOptions['tls']>

/** Read again when they change, as they do when a Secret is renewed, so that no broker has to be started anew for it. */
async function etcdTls(
  settings: Settings,
  watch: Pick<WatchedFilesOptions<EtcdTls>, 'clock' | 'onChange' | 'onProblem'>,
): Promise<WatchedFiles<EtcdTls> | undefined> {
  const files = [
    { part: 'ca', setting: 'KAFSCALE_ETCD_CA_FILE', path: settings.etcdCaFile },
    { part: 'cert', setting: 'KAFSCALE_ETCD_CERT_FILE', path: settings.etcdCertFile },
    { part: 'key', setting: 'KAFSCALE_ETCD_KEY_FILE', path: settings.etcdKeyFile },
  ].flatMap(({ path, ...file }) => (path === undefined ? [] : [{ ...file, path }]))
  if (files.length === 0) return undefined
  for (const { setting, path } of files) {
    await access(path, constants.R_OK).catch(cause => {
      throw new UnreadableFile(setting, path, cause)
    })
  }
  return WatchedFiles.open({
    ...watch,
    paths: files.map(({ path }) => path),
    parse: contents => Object.fromEntries(files.map(({ part }, index) => [part, String(contents[index])])),
  })
}

/** A file that a setting names cannot be read. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
  constructor(setting: string, path: string, cause: unknown) {
    super(`${setting}: ${path} cannot be read: ${String(cause).split('\n')[0]}`, { cause })
  }
}
