import { expect, test } from '@jest/globals'
import { issue, newAuthority } from '../../operator/certificates/certificate.ts'
import { certificateTerm } from './tls.ts'

const SECOND = 1000
const now = Math.floor(Date.now() / SECOND) * SECOND
const authority = newAuthority('authority', { from: now, until: now + 500 * SECOND })
const until = (seconds: number): string =>
  issue(authority, { commonName: 'leaf', names: [], from: now, until: now + seconds * SECOND }).cert

test('a certificate ends when it says, and with it what stands before others that end sooner', () => {
  const { startsAt, endsAt } = certificateTerm(Buffer.from(until(100)))
  expect([endsAt, startsAt < now]).toEqual([now + 100 * SECOND, true])
  expect(certificateTerm(Buffer.from(`a heading\n${until(900)}${authority.cert}`)).endsAt).toBe(now + 500 * SECOND)
})
