// Brokers of a cluster that must not start: one line says what to change, and the process ends with a code.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Authority } from '../../testing/certificates.ts'
import { Cluster } from '../../testing/cluster/cluster.ts'
import { freePorts } from '../../testing/ports.ts'
import { etcd, versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(120_000)

await suiteWith('a broker of a cluster', Promise.all([etcd(), versitygw()]), () => {
  let cluster: Cluster
  let nowhere: number

  beforeAll(async () => {
    cluster = await Cluster.start({ brokers: 1 })
    ;[nowhere = 0] = await freePorts(1)
  })

  afterAll(() => cluster.stop())

  /** What a broker says last that is started with these settings beside those of the cluster, and its exit code. */
  async function refusal(settings: Record<string, string>): Promise<{ line: string; code: number | null }> {
    const broker = await cluster.newBroker(settings)
    const child = await broker.spawn()
    const code = await child.ended
    const lines = child.output().trim().split('\n')
    await broker.close()
    return { line: lines.at(-1) ?? '', code }
  }

  describe('does not start', () => {
    test.each([
      ['without its bucket', { KAFSCALE_S3_BUCKET: 'no-such-bucket' }, 'KAFSCALE_S3_BUCKET'],
      ['with a wrong secret', { KAFSCALE_S3_SECRET_KEY: 'wrong' }, 'KAFSCALE_S3_SECRET_KEY'],
      ['with a wrong region', { KAFSCALE_S3_REGION: 'eu-north-9' }, 'KAFSCALE_S3_REGION'],
      [
        'on a prefix of another cluster',
        { KAFSCALE_ETCD_PREFIX: '/other' },
        'KAFSCALE_S3_NAMESPACE or KAFSCALE_ETCD_PREFIX',
      ],
      ['on an etcd prefix of another cluster', { KAFSCALE_S3_NAMESPACE: 'other' }, 'KAFSCALE_S3_NAMESPACE'],
      ['with an authority that is not there', { KAFSCALE_S3_CA_FILE: '/no/such/file' }, 'KAFSCALE_S3_CA_FILE'],
      ['with a file that is not there', { KAFSCALE_ETCD_CA_FILE: '/no/such/file' }, 'KAFSCALE_ETCD_CA_FILE'],
    ])('%s', async (_, settings, named) => {
      const { line, code } = await refusal(settings)
      expect(line).toMatch(/^kafscale-broker: /)
      expect(line).toContain(named)
      expect(code).toBe(1)
    })

    test('without its S3 service or its etcd', async () => {
      const s3 = await refusal({ KAFSCALE_S3_ENDPOINT: `http://127.0.0.1:${nowhere}` })
      expect(s3).toEqual({ line: expect.stringContaining('KAFSCALE_S3_ENDPOINT'), code: 1 })
      const metadata = await refusal({ KAFSCALE_ETCD_ENDPOINTS: `http://127.0.0.1:${nowhere}` })
      expect(metadata).toEqual({ line: expect.stringContaining('KAFSCALE_ETCD_ENDPOINTS'), code: 1 })
    })

    test('with settings that contradict each other, with code 2', async () => {
      const { line, code } = await refusal({ KAFSCALE_DATA_DIR: '/tmp/x' })
      expect(line).toContain('KAFSCALE_DATA_DIR and KAFSCALE_ETCD_ENDPOINTS exclude each other')
      expect(code).toBe(2)
    })

    test('under the id of a broker that runs, which goes on unharmed', async () => {
      const { line, code } = await refusal({ KAFSCALE_BROKER_ID: '0' })
      expect(line).toContain('KAFSCALE_BROKER_ID: another broker with id 0 is running')
      expect(code).toBe(1)
      expect(await cluster.brokers[0]?.isReady()).toBe(true)
    })
  })

  describe('with an S3 service behind TLS', () => {
    let folder: string
    let authority: Authority
    let front: Server
    let endpoint: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kafscale-s3-tls-'))
      authority = await Authority.create(folder)
      const { cert, key } = await authority.sign('s3')
      const { hostname, port } = new URL(cluster.s3.endpoint)
      const options = { cert: await readFile(cert), key: await readFile(key) }
      front = createServer(options, socket => {
        const behind = connect(Number(port), hostname)
        socket.on('error', () => behind.destroy()).pipe(behind)
        behind.on('error', () => socket.destroy()).pipe(socket)
      })
      await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve))
      const address = front.address()
      endpoint = `https://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`
    })

    afterAll(async () => {
      front?.close()
      await rm(folder, { recursive: true, force: true })
    })

    test('does not start while its authority is not trusted, and starts when it is', async () => {
      const { line, code } = await refusal({ KAFSCALE_S3_ENDPOINT: endpoint })
      expect([line, code]).toEqual([expect.stringContaining('KAFSCALE_S3_CA_FILE'), 1])
      const broker = await cluster.newBroker({ KAFSCALE_S3_ENDPOINT: endpoint, KAFSCALE_S3_CA_FILE: authority.cert })
      await broker.start()
      expect(await broker.isReady()).toBe(true)
      await broker.close()
    })
  })
})
