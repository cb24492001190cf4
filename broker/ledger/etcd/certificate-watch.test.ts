import { expect, test } from '@jest/globals'
import { VirtualClock } from '../../../testing/virtual-clock.ts'
import { type Certificates, CertificateWatch } from './certificate-watch.ts'

test('certificates that changed are used, those that do not fit together yet are tried again', async () => {
  const clock = new VirtualClock()
  let files: Certificates = { ca: 'a', cert: '1', key: '1' }
  const used: Certificates[] = []
  const warnings: string[] = []
  const watch = new CertificateWatch({
    clock,
    read: async () => files,
    use: next => {
      if (next.cert !== next.key) throw new Error('the key is not that of the certificate')
      used.push(next)
    },
    onWarning: warning => warnings.push(warning),
    everyMs: 1000,
  })
  await clock.advance(5000)
  expect(used).toEqual([])
  files = { ca: 'a', cert: '2', key: '1' }
  await clock.advance(1000)
  expect(used).toEqual([])
  expect(warnings).toHaveLength(1)
  files = { ca: 'a', cert: '2', key: '2' }
  await clock.advance(3000)
  expect(used).toEqual([files])
  watch.stop()
  files = { ca: 'b' }
  await clock.advance(5000)
  expect(used).toHaveLength(1)
})
