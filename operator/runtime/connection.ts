// Where the API server is and who we are to it: from the service account of a pod, or from a kubeconfig file.
//
// A kubeconfig may name a token, a token file, a client certificate, an authority; each inline or as a file beside it.
// Programs that make credentials (`exec`, `auth-provider`) are refused with a sentence, never skipped.

import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Clock } from '../../broker/clock.ts'

export interface Connection {
  /** `https://host:port`, perhaps with a path that all requests begin with. */
  readonly server: string
  /** PEM; by default the authorities that Node trusts. */
  readonly ca?: string | undefined
  /** Client certificate and key, PEM. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly skipTlsVerify?: boolean | undefined
  /** Name that the server's certificate must have, where it is not that in `server`. */
  readonly serverName?: string | undefined
  /** Asked before each request. `isRefused` after a 401: what is kept must be read anew. */
  readonly token?: ((isRefused: boolean) => Promise<string>) | undefined
  /** The namespace of the pod or of the context. */
  readonly namespace: string
}

export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

/** Kubernetes renews the token of a pod in its file, long before the old one ends. */
const TOKEN_AGE_MS = 60_000

/** A token that is read from its file again every minute and after a refusal. */
export function tokenFrom(file: string, clock: Clock): (isRefused: boolean) => Promise<string> {
  let token = ''
  let readAt = Number.NEGATIVE_INFINITY
  return async isRefused => {
    if (isRefused || clock.monotonic() - readAt >= TOKEN_AGE_MS) {
      token = (await readFile(file, 'utf8')).trim()
      readAt = clock.monotonic()
    }
    return token
  }
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface PodEnvironment {
  readonly KUBERNETES_SERVICE_HOST?: string | undefined
  readonly KUBERNETES_SERVICE_PORT?: string | undefined
}

/** The connection of a pod by its service account. Throws ConnectionError outside of a pod. */
export async function podConnection(
  environment: PodEnvironment,
  clock: Clock,
  folder = SERVICE_ACCOUNT,
): Promise<Connection> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment
  if (host === undefined || port === undefined) {
    throw new ConnectionError('this is no pod (KUBERNETES_SERVICE_HOST is not set): name a kubeconfig file')
  }
  const [ca, namespace] = await Promise.all([
    readFile(`${folder}/ca.crt`, 'utf8'),
    readFile(`${folder}/namespace`, 'utf8'),
  ])
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  return { server, ca, token: tokenFrom(`${folder}/token`, clock), namespace: namespace.trim() }
}

const clusterSchema = z.object({
  server: z.string(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
})

const userSchema = z.object({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  username: z.string().optional(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
})

const contextSchema = z.object({ cluster: z.string(), user: z.string().optional(), namespace: z.string().optional() })

const kubeconfigSchema = z.object({
  'current-context': z.string().optional(),
  clusters: z.array(z.object({ name: z.string(), cluster: clusterSchema })).default([]),
  users: z.array(z.object({ name: z.string(), user: userSchema.nullish() })).default([]),
  contexts: z.array(z.object({ name: z.string(), context: contextSchema })).default([]),
})

/** The connection of a kubeconfig file, by its current context or by `contextName`. Throws ConnectionError. */
export async function kubeconfigConnection(file: string, clock: Clock, contextName?: string): Promise<Connection> {
  const parsed = kubeconfigSchema.safeParse(parse(await readFile(file, 'utf8')))
  if (!parsed.success) throw new ConnectionError(`${file} is no kubeconfig file: ${z.prettifyError(parsed.error)}`)
  const config = parsed.data
  const wanted = contextName ?? config['current-context']
  const context = pick(config.contexts, wanted, file, 'context').context
  const cluster = pick(config.clusters, context.cluster, file, 'cluster').cluster
  const user = context.user === undefined ? {} : (pick(config.users, context.user, file, 'user').user ?? {})
  refuseOtherCredentials(user, file)

  const folder = dirname(file)
  const pem = async (data: string | undefined, path: string | undefined): Promise<string | undefined> => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
    return path === undefined ? undefined : readFile(resolve(folder, path), 'utf8')
  }
  const { token, tokenFile } = user
  return {
    server: cluster.server.replace(/\/+$/, ''),
    ca: await pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert: await pem(user['client-certificate-data'], user['client-certificate']),
    key: await pem(user['client-key-data'], user['client-key']),
    skipTlsVerify: cluster['insecure-skip-tls-verify'],
    serverName: cluster['tls-server-name'],
    token: tokenFile === undefined ? always(token) : tokenFrom(resolve(folder, tokenFile), clock),
    namespace: context.namespace ?? 'default',
  }
}

const always = (token: string | undefined) => (token === undefined ? undefined : async () => token)

function pick<Item extends { readonly name: string }>(
  items: readonly Item[],
  name: string | undefined,
  file: string,
  what: string,
): Item {
  const found = items.find(item => item.name === name)
  if (found !== undefined) return found
  throw new ConnectionError(name === undefined ? `${file} has no current-context` : `${file} has no ${what} ${name}`)
}

function refuseOtherCredentials(user: z.output<typeof userSchema>, file: string): void {
  const other = (['exec', 'auth-provider', 'username'] as const).find(field => user[field] !== undefined)
  if (other !== undefined) {
    throw new ConnectionError(`${file}: users with ${other} are not supported; use a token or a client certificate`)
  }
}
