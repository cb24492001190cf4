// Security of a cluster through the whole operator on the fake API server: certificates made, asked for and looked at, renewed
// and rolled over, without pods being replaced, and what is said when one is missing.

import { X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../testing/operator.ts'
import { certificatesOf, isSignedBy, issue, newAuthority } from './certificates/certificate.ts'
import type { TrustTimes } from './certificates/trust.ts'
import { secretData } from './cluster/kept-secrets.ts'
import type { Manifest } from './runtime/object.ts'
import { RESOURCES } from './runtime/resource.ts'
import { CLUSTER, type ClusterStatus, clusterSchema } from './types/kaf-scale-cluster.ts'

const person = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

let api: KubeApi
let running: RunningOperator | undefined

beforeEach(async () => {
  api = await KubeApi.start()
})

afterEach(async () => {
  await running?.stop()
  running = undefined
  await api.stop()
})

const start = (listenerTrustTimes?: TrustTimes): void => {
  const times = listenerTrustTimes === undefined ? {} : { listenerTrustTimes }
  running = runOperator(api.client('one'), 'one', () => ({ host: '127.0.0.1', port: 1 }), times)
}

const applyCluster = (spec: object): Promise<Manifest> =>
  api.bystander().apply(
    CLUSTER,
    {
      apiVersion: 'kafscale.io/v1alpha1',
      kind: 'KafScaleCluster',
      metadata: at('orders'),
      spec: { s3: { bucket: 'records', region: 'r' }, etcd: { endpoints: ['http://etcd:2379'] }, ...spec },
    },
    person,
  )
const applySecret = (name: string, data: Record<string, string>): Promise<Manifest> => {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: at(name), data: Object.fromEntries(encoded) }
  return api.bystander().apply(RESOURCES.secrets, manifest, person)
}
const statusOf = (): ClusterStatus | undefined => {
  const found = api.get(CLUSTER, at('orders'))
  return found === undefined ? undefined : clusterSchema.parse(found).status
}
const conditionOf = (type: string) => statusOf()?.conditions?.find(condition => condition.type === type)
const refused = (reason: string) =>
  until(reason, () => (conditionOf('Accepted')?.reason === reason ? conditionOf('Accepted') : undefined))
const secretOf = (name: string): Readonly<Record<string, string>> => {
  const found = api.get(RESOURCES.secrets, at(name))
  return found === undefined ? {} : secretData(found)
}
const deployment = (): Manifest | undefined => api.get(RESOURCES.deployments, at('orders-broker'))
/** As the controllers of Kubernetes would say. */
async function makeReady(): Promise<void> {
  const { apiVersion, kind, metadata } = await until('the size', () =>
    Object(deployment()?.spec).replicas === 1 ? deployment() : undefined,
  )
  const status = {
    observedGeneration: metadata.generation,
    ...{ replicas: 1, readyReplicas: 1, updatedReplicas: 1 },
  }
  const manifest = { apiVersion, kind, metadata: at('orders-broker'), status }
  await api.bystander().applyStatus(RESOURCES.deployments, manifest, { manager: 'controllers', force: true })
}

const template = (): string => JSON.stringify(Object(deployment()?.spec).template)
const bundle = (): string => String(Object(api.get(RESOURCES.configMaps, at('orders-cluster-ca'))?.data)['ca.crt'])
const leaf = (name: string): X509Certificate => new X509Certificate(secretOf(name)['tls.crt'] ?? '')
const secured = { security: { enabled: true }, brokers: { replicas: 1 } }

describe('the authority of a cluster', () => {
  test('is made once, signs for brokers and operator, and is published without its key', async () => {
    await applyCluster(secured)
    start()
    await until('the Deployment', deployment)
    const authority = new X509Certificate(bundle())
    for (const name of ['orders-broker-tls', 'orders-operator-tls'])
      expect(isSignedBy(leaf(name), authority)).toBe(true)
    expect(leaf('orders-broker-tls').checkHost('orders-broker.shop.svc.cluster.local')).toBeDefined()
    expect(Object.keys(secretOf('orders-broker-tls')).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key'])
    expect(api.get(RESOURCES.services, at('orders-broker-operator'))).toBeDefined()
    await until('the word', () => conditionOf('CertificatesReady')?.reason === 'CertificatesValid')
    expect(statusOf()?.endpoints?.[0]).toMatchObject({ protocol: 'SASL_SSL' })
    await pause(400)
    api.forgetCalls()
    await applySecret('somebody-elses', { a: 'b' })
    await pause(400)
    expect(api.writes.filter(({ caller, resource }) => caller === 'one' && resource.plural !== 'leases')).toEqual([])
  })

  test('puts a certificate right that somebody else changed or deleted, and replaces no pod for it', async () => {
    await applyCluster(secured)
    start()
    const before = await until('the template', () => (deployment() === undefined ? undefined : template()))
    const serial = leaf('orders-broker-tls').serialNumber
    await applySecret('orders-broker-tls', { 'tls.crt': 'nonsense' })
    await until('a certificate', () => secretOf('orders-broker-tls')['tls.crt']?.includes('BEGIN CERTIFICATE'))
    expect(leaf('orders-broker-tls').serialNumber).not.toBe(serial)
    await api.bystander().delete(RESOURCES.secrets, at('orders-operator-tls'))
    await until('another one', () => secretOf('orders-operator-tls')['tls.key'])
    expect(template()).toBe(before)
  })

  test('rolls over: at every moment what is shown is trusted by those who read the bundle now or some time ago', async () => {
    await applyCluster(secured)
    start({ authorityMs: 30_000, renewAuthorityMs: 27_000, certificateMs: 20_000, settleMs: 2000 })
    const first = await until('the template', () => (deployment() === undefined ? undefined : template()))
    await makeReady()
    let looks = [{ at: performance.now(), pem: bundle() }]
    const reasons = new Set<string>()
    const signers = new Set<string>()
    await until(
      'another authority',
      () => {
        const [now, shown] = [bundle(), leaf('orders-broker-tls')]
        reasons.add(conditionOf('CertificatesReady')?.reason ?? '')
        looks = [...looks.filter(({ at: time }) => time > performance.now() - 500), { at: performance.now(), pem: now }]
        for (const pem of new Set(looks.map(look => look.pem))) {
          const fitting = certificatesOf(pem).filter(one => isSignedBy(shown, new X509Certificate(one)))
          expect(fitting).toHaveLength(1)
          signers.add(fitting[0] ?? '')
        }
        return signers.size > 1 && certificatesOf(now).length === 1
      },
      60_000,
    )
    expect([...reasons]).toEqual(expect.arrayContaining(['CertificatesValid', 'AuthorityRollingOver']))
    expect(template()).toBe(first)
  }, 90_000)

  test('is not needed any more when the cluster takes everybody again', async () => {
    await applyCluster(secured)
    start()
    await until('the Deployment', deployment)
    await applyCluster({ brokers: { replicas: 1 } })
    await until('the end of the door', () => api.get(RESOURCES.services, at('orders-broker-operator')) === undefined)
    await until('the word', () => conditionOf('CertificatesReady')?.reason === 'NoCertificates')
    expect(template()).not.toContain('LISTENER_SECURITY')
    expect(statusOf()?.certificates).toBeUndefined()
  })
})

describe('a certificate of somebody else', () => {
  const withTls = (tls: object, more: object = {}) => ({ listeners: [{ name: 'a', port: 9092, tls, ...more }] })

  test('is waited for, must be whole, and replaces no pod when it is renewed', async () => {
    await applyCluster(withTls({ secretRef: 'its-own' }))
    start()
    expect((await refused('SecretMissing')).message).toContain('there is no Secret its-own')
    await applySecret('its-own', { 'tls.crt': 'x' })
    await until('the key', () => conditionOf('Accepted')?.message.includes('lacks the key tls.key'))
    expect(deployment()).toBeUndefined()
    await applySecret('its-own', { 'tls.crt': 'x', 'tls.key': 'y' })
    await until('the Deployment', deployment)
    const before = template()
    await applySecret('its-own', { 'tls.crt': 'x2', 'tls.key': 'y2' })
    await pause(400)
    expect(template()).toBe(before)
    // What runs goes on with what it has.
    await api.bystander().delete(RESOURCES.secrets, at('its-own'))
    await refused('SecretMissing')
    expect(template()).toBe(before)
  })

  test('is asked of cert-manager, and waited for', async () => {
    await applyCluster(withTls({ issuerRef: { name: 'corp', kind: 'ClusterIssuer' } }))
    start()
    const asked = await until('the Certificate', () => api.get(RESOURCES.certificates, at('orders-listener-a-tls')))
    expect(asked.spec).toMatchObject({ secretName: 'orders-listener-a-tls', issuerRef: { kind: 'ClusterIssuer' } })
    expect((await refused('SecretMissing')).message).toContain('kubectl describe certificate orders-listener-a-tls')
    expect(conditionOf('CertificatesReady')?.reason).toBe('CertificatesMissing')
    await applySecret('orders-listener-a-tls', { 'tls.crt': 'x', 'tls.key': 'y', 'ca.crt': 'z' })
    await until('the Deployment', deployment)
  })

  test('is told of when it ends soon or has ended, once each, until there is another one', async () => {
    const DAY_MS = 86_400_000
    const authority = newAuthority('corp', { from: Date.now(), until: Date.now() + 900 * DAY_MS })
    const show = (secret: string, sinceDays: number, days: number): Promise<Manifest> => {
      const validity = { from: Date.now() - sinceDays * DAY_MS, until: Date.now() + days * DAY_MS }
      const { cert, key } = issue(authority, { commonName: 'orders', names: ['orders'], ...validity })
      return applySecret(secret, { 'tls.crt': cert + authority.cert, 'tls.key': key })
    }
    const said = (reason: string) =>
      until(reason, () =>
        conditionOf('CertificatesReady')?.reason === reason ? conditionOf('CertificatesReady') : undefined,
      )
    const notes = () => api.list(RESOURCES.events, 'shop').flatMap(({ reason }) => String(reason))
    const issued = { name: 'b', port: 9094, tls: { issuerRef: { name: 'corp' } } }
    // It lives for two days, and cert-manager is not late with it.
    await show('orders-listener-b-tls', 1, 1)
    await show('its-own', 100, 13)
    const its = { name: 'a', port: 9092, tls: { secretRef: 'its-own' } }
    await applyCluster({ listeners: [its, issued] })
    start()
    const ending = await said('CertificateExpiring')
    expect(ending).toMatchObject({
      status: 'True',
      message: expect.stringMatching(/listener a, in Secret its-own, ends at/),
    })
    await show('its-own', 100, -1)
    expect(await said('CertificateExpired')).toMatchObject({ status: 'False' })
    await until('both events', () => ['CertificateExpiring', 'CertificateExpired'].every(one => notes().includes(one)))
    await show('its-own', 0, 90)
    await said('CertificatesValid')
    await show('orders-listener-b-tls', 1.8, 0.2)
    expect((await said('CertificateExpiring')).message).toContain('kubectl describe certificate orders-listener-b-tls')
  })

  test('cannot be asked for where cert-manager is not, and that is said', async () => {
    await api.stop()
    api = await KubeApi.start({ without: [RESOURCES.certificates] })
    await applyCluster(withTls({ issuerRef: { name: 'corp' } }))
    start()
    expect((await refused('CertManagerMissing')).message).toMatch(/install cert-manager, or set tls\.selfSigned/)
    expect(conditionOf('Stalled')?.status).toBe('True')
  })

  test('and users in a Secret that lacks them are told of', async () => {
    await applySecret('users', { 'passwords.txt': 'a:b' })
    await applyCluster(withTls({ selfSigned: true }, { authentication: { type: 'plain', secretRef: 'users' } }))
    start()
    await until('the key', () => conditionOf('Accepted')?.message.includes('lacks the key users.yaml'))
  })
})
