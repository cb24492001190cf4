// The S3 store over TLS, with a certificate that only those trust who are told to.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import type { S3Options } from '../../broker/objects/s3/options.ts'
import { S3Store } from '../../broker/objects/s3/store.ts'
import { type S3Server, startVersitygw } from '../../testing/s3/servers.ts'
import { run } from '../../tools/parts/command.ts'
import { debianProgram } from '../../tools/parts/debian.ts'
import { versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

const parts = Promise.all([debianProgram('openssl'), versitygw()])

await suiteWith('versitygw with TLS', parts, ([openssl]) => {
  let folder: string
  let server: S3Server
  let options: S3Options

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-tls-'))
    const tls = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') }
    const files = ['-keyout', tls.key, '-out', tls.certificate]
    const names = ['-subj', '/CN=loopback', '-addext', 'subjectAltName=IP:127.0.0.1']
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const outcome = await run(openssl, ['req', '-x509', ...kind, ...files, ...names])
    if (outcome.code !== 0) throw new Error(outcome.stderr)
    server = await startVersitygw({ tls })
    options = {
      bucket: server.bucket,
      region: server.region,
      endpoint: server.endpoint,
      credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
      prefix: 'c',
      clock: systemClock,
      random: Math.random,
      startTimeoutMs: 1_000,
      ca: await readFile(tls.certificate, 'utf8'),
    }
  }, 90_000)

  afterAll(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })

  test('puts and gets', async () => {
    const store = await S3Store.open(options)
    const body = Buffer.alloc(3_000_000, 'k')
    await store.put('k', [body.subarray(0, 1_000_000), body.subarray(1_000_000)])
    expect((await store.get('k')).equals(body)).toBe(true)
    await store.close()
  })

  test('refuses a certificate that it does not trust, and says how to trust it', async () => {
    await expect(S3Store.open({ ...options, ca: undefined })).rejects.toThrow(
      /TLS connection.*SELF_SIGNED.*KAFSCALE_S3_CA_FILE/,
    )
  })
})
