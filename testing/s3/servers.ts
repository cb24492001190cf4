// Real S3 servers on loopback, each with one empty bucket, for tests, demos and benches. Stopping one removes its data.

import { hash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { type Credentials, Signer } from '../../broker/objects/s3/sigv4.ts'
import { moto, s3rver, versitygw } from '../../tools/parts/s3-servers.ts'
import { type Child, startChild, untilReady } from '../child.ts'
import { freePorts } from '../ports.ts'

export interface S3Server {
  /** `http://127.0.0.1:port`, or `https://` with TLS. */
  readonly endpoint: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  readonly bucket: string
  /** The server's process, for tests that stop or kill it. */
  readonly process: Child
  /** Ends the process and removes the data. */
  stop(): Promise<void>
}

export interface S3ServerOptions {
  /** Default `kafscale`. */
  readonly bucket?: string
  /** Default: any free one. */
  readonly port?: number
  /** Where the objects live; default: a temporary folder, removed at the end. */
  readonly folder?: string
  /** Files with certificate and key, PEM, for TLS; versitygw only. */
  readonly tls?: { readonly certificate: string; readonly key: string }
}

const region = 'us-east-1'
const readyMs = 60_000

/**
 * versitygw: honours conditional writes, though not between puts of one key at the same moment, and checks signatures and
 * checksums.
 */
export async function startVersitygw(options: S3ServerOptions = {}): Promise<S3Server> {
  const program = await versitygw()
  const { tls } = options
  const secure = tls === undefined ? [] : ['--cert', tls.certificate, '--key', tls.key]
  return start(options, { accessKey: 'versity', secretKey: 'versity-secret' }, (port, folder, keys) => ({
    program,
    args: [...secure, '--port', `127.0.0.1:${port}`, '--region', region, '--quiet', 'posix', folder],
    env: { ROOT_ACCESS_KEY: keys.accessKey, ROOT_SECRET_KEY: keys.secretKey },
  }))
}

/** moto: S3 in the memory of a Python process; takes any credentials. */
export async function startMoto(options: S3ServerOptions = {}): Promise<S3Server> {
  const { program, packages } = await moto()
  return start(options, { accessKey: 'moto', secretKey: 'moto-secret' }, port => ({
    program,
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    env: { PYTHONPATH: packages },
  }))
}

/** s3rver: ignores If-None-Match. */
export async function startS3rver(options: S3ServerOptions = {}): Promise<S3Server> {
  const script = await s3rver()
  return start(options, { accessKey: 'S3RVER', secretKey: 'S3RVER' }, (port, folder) => ({
    program: process.execPath,
    args: ['--no-deprecation', script, '-a', '127.0.0.1', '-p', String(port), '-d', folder, '--silent'],
    env: {},
  }))
}

interface Keys {
  readonly accessKey: string
  readonly secretKey: string
}

interface Launch {
  readonly program: string
  readonly args: string[]
  readonly env: Readonly<Record<string, string>>
}

async function start(
  options: S3ServerOptions,
  keys: Keys,
  launch: (port: number, folder: string, keys: Keys) => Launch,
): Promise<S3Server> {
  const own = await mkdtemp(join(tmpdir(), 'kafscale-s3-'))
  const [port = 0] = options.port === undefined ? await freePorts(1) : [options.port]
  const bucket = options.bucket ?? 'kafscale'
  const endpoint = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const folder = options.folder ?? join(own, 'data')
  await mkdir(folder, { recursive: true })
  const { program, args, env } = launch(port, folder, keys)
  const child = await startChild(program, args, { env: { ...process.env, ...env }, logFile: join(own, 'log') })
  const ca = options.tls && (await readFile(options.tls.certificate, 'utf8'))
  const stop = async (): Promise<void> => {
    await child.stop()
    await rm(own, { recursive: true, force: true })
  }
  await untilReady(child, readyMs, () => makeBucket(endpoint, keys, bucket, ca)).catch(async error => {
    await stop()
    throw error
  })
  return {
    endpoint,
    region,
    bucket,
    process: child,
    ...keys,
    stop,
  }
}

/** Makes a bucket, or finds that it is there. False while the server does not answer. `ca`: PEM, for TLS. */
export async function makeBucket(endpoint: string, keys: Keys, bucket: string, ca?: string): Promise<boolean> {
  const credentials: Credentials = { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey }
  const headers = new Signer(region).sign(
    {
      method: 'PUT',
      path: `/${bucket}`,
      query: '',
      headers: { host: new URL(endpoint).host, 'x-amz-content-sha256': emptyHash },
      payloadHash: emptyHash,
    },
    credentials,
    Date.now(),
  )
  const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } })
  try {
    const answer = await request(`${endpoint}/${bucket}`, { method: 'PUT', headers, dispatcher }).catch(() => undefined)
    if (answer === undefined) return false
    const text = await answer.body.text()
    if (answer.statusCode < 300 || /BucketAlreadyOwnedByYou|BucketAlreadyExists/.test(text)) return true
    throw new Error(`the bucket ${bucket} was refused: ${answer.statusCode} ${text.slice(0, 500)}`)
  } finally {
    await dispatcher.destroy()
  }
}

const emptyHash = hash('sha256', '')
