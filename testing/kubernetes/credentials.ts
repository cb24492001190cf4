// Who is who in a Kubernetes of tests: one authority, certificates for its programs, kubeconfig files by name.

import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Authority, type Certificate } from '../certificates.ts'

/** Of Services, the first is the API server's own, the tenth by custom that of DNS. */
export const SERVICE_RANGE = '10.96.0.0/16'
const API_SERVICE_ADDRESS = '10.96.0.1'

export const NODE_NAME = 'node-1'
const ADMINISTRATORS = 'system:masters'

export interface Credentials {
  /** Files in PEM. */
  readonly ca: string
  readonly apiServer: Certificate
  /** As which the API server asks kubelets. */
  readonly kubeletClient: Certificate
  readonly accountKey: string
  readonly accountPublicKey: string
  /** Writes a kubeconfig of a user with a certificate; answers its path. */
  kubeconfig(name: string, user: string, organization?: string): Promise<string>
  /** The same with a token. */
  tokenKubeconfig(name: string, token: string, namespace: string): Promise<string>
  /** For a server on this address. */
  server(name: string, address: string): Promise<Certificate>
}

/** `address`: where the API server listens. */
export async function createCredentials(folder: string, address: string, port: number): Promise<Credentials> {
  const authority = await Authority.create(folder, 'kubernetes')
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost']
  const alternatives = [...names.map(name => `DNS:${name}`), ...addresses('127.0.0.1', API_SERVICE_ADDRESS, address)]
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const accountKey = join(folder, 'accounts.key')
  const accountPublicKey = join(folder, 'accounts.pub')
  await writeFile(accountKey, privateKey, { mode: 0o600 })
  await writeFile(accountPublicKey, publicKey)
  const ca = (await readFile(authority.cert)).toString('base64')
  const cluster = { server: `https://${address}:${port}`, 'certificate-authority-data': ca }

  const write = async (name: string, user: object, namespace: string): Promise<string> => {
    const file = join(folder, `${name}.kubeconfig`)
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'kafscale', cluster }],
      users: [{ name, user }],
      contexts: [{ name: 'kafscale', context: { cluster: 'kafscale', user: name, namespace } }],
      'current-context': 'kafscale',
    }
    // JSON is YAML.
    await writeFile(file, JSON.stringify(config, undefined, 2), { mode: 0o600 })
    return file
  }

  return {
    ca: authority.cert,
    apiServer: await authority.sign('kube-apiserver', alternatives.join(',')),
    kubeletClient: await authority.sign('kube-apiserver-kubelet-client', 'DNS:localhost', ADMINISTRATORS),
    accountKey,
    accountPublicKey,
    server: (name, at) => authority.sign(name, addresses('127.0.0.1', at).join(',')),
    tokenKubeconfig: (name, token, namespace) => write(name, { token }, namespace),
    kubeconfig: async (name, user, organization) => {
      const { cert, key } = await authority.sign(user, 'DNS:localhost', organization)
      const data = async (path: string): Promise<string> => (await readFile(path)).toString('base64')
      const credentials = { 'client-certificate-data': await data(cert), 'client-key-data': await data(key) }
      return write(name, credentials, 'default')
    },
  }
}

export const administrator = (credentials: Credentials): Promise<string> =>
  credentials.kubeconfig('admin', 'admin', ADMINISTRATORS)

const addresses = (...all: readonly string[]): string[] => [...new Set(all)].map(one => `IP:${one}`)
