import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { kubeconfigConnection, podConnection, tokenFrom } from './connection.ts'

let folder: string
const clock = new VirtualClock()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-connection-'))
})

afterEach(async () => rm(folder, { recursive: true, force: true }))

const base64 = (text: string): string => Buffer.from(text).toString('base64')

async function kubeconfig(user: object | null, cluster: object = {}, context: object = {}): Promise<string> {
  const file = join(folder, 'config')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', ...context } }],
    clusters: [{ name: 'k', cluster: { server: 'https://kube.example:6443/', ...cluster } }],
    users: [{ name: 'u', user }],
  }
  await writeFile(file, stringify(config))
  return file
}

describe('a kubeconfig', () => {
  test('with everything inline', async () => {
    const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') }
    const file = await kubeconfig(user, { 'certificate-authority-data': base64('CA') }, { namespace: 'n' })
    expect(await kubeconfigConnection(file, clock)).toMatchObject({
      server: 'https://kube.example:6443',
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      namespace: 'n',
      token: undefined,
    })
  })

  test('with files beside it', async () => {
    for (const name of ['ca.pem', 'token']) await writeFile(join(folder, name), name)
    const file = await kubeconfig({ tokenFile: 'token' }, { 'certificate-authority': 'ca.pem' })
    const { ca, token, namespace } = await kubeconfigConnection(file, clock)
    expect([ca, await token?.(false), namespace]).toEqual(['ca.pem', 'token', 'default'])
  })

  test('with a token', async () => {
    const { token } = await kubeconfigConnection(await kubeconfig({ token: 't' }), clock)
    expect(await token?.(false)).toBe('t')
  })

  test('without credentials', async () => {
    expect((await kubeconfigConnection(await kubeconfig(null), clock)).token).toBeUndefined()
  })

  test.each([
    ['exec', { exec: { command: 'aws' } }, /users with exec are not supported/],
    ['a password', { username: 'a', password: 'b' }, /users with username are not supported/],
  ])('with %s is refused with a sentence', async (_, user, message) => {
    await expect(kubeconfigConnection(await kubeconfig(user), clock)).rejects.toThrow(message)
  })

  test('whose context does not exist is refused', async () => {
    await expect(kubeconfigConnection(await kubeconfig({}), clock, 'other')).rejects.toThrow(/has no context other/)
    await expect(kubeconfigConnection(await kubeconfig({}, {}, { cluster: 'x' }), clock)).rejects.toThrow(
      /has no cluster x/,
    )
  })
})

describe('in a pod', () => {
  test('the service account says who we are', async () => {
    for (const name of ['ca.crt', 'namespace', 'token']) await writeFile(join(folder, name), `${name}\n`)
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
    const connection = await podConnection(environment, clock, folder)
    expect(connection).toMatchObject({ server: 'https://[fd00::1]:443', ca: 'ca.crt\n', namespace: 'namespace' })
    expect(await connection.token?.(false)).toBe('token')
  })

  test('outside of one there is a sentence', async () => {
    await expect(podConnection({}, clock, folder)).rejects.toThrow(/this is no pod/)
  })

  test('a token is read again every minute, and when it is refused', async () => {
    const file = join(folder, 'token')
    await writeFile(file, 'first')
    const token = tokenFrom(file, clock)
    expect(await token(false)).toBe('first')
    await writeFile(file, 'second')
    expect(await token(false)).toBe('first')
    expect(await token(true)).toBe('second')
    await writeFile(file, 'third')
    await clock.advance(60_000)
    expect(await token(false)).toBe('third')
  })
})
