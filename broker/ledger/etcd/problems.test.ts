import { describe, expect, test } from '@jest/globals'
import { EventsGone, NameTaken } from '../ledger.ts'
import { OtherCluster, problemOf, settingsProblem, startProblem } from './problems.ts'
import { judgeVersion } from './start.ts'

const attempt = { endpoints: ['http://a:2379', 'http://b:2379'], prefix: 'kafscale', username: 'u' }
const line = (text: string, more = {}): string => startProblem(new Error(text), { ...attempt, ...more }).message

describe('an error of etcd', () => {
  test.each([
    ['14 UNAVAILABLE: No connection established', 'unclear'],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded after 3s', 'unclear'],
    ['etcdserver: request timed out', 'unclear'],
    ['etcdserver: leader changed', 'unclear'],
    ['8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded', 'no-space'],
    ['8 RESOURCE_EXHAUSTED: etcdserver: too many requests', 'busy'],
    ['3 INVALID_ARGUMENT: etcdserver: request is too large', 'too-large'],
    ['8 RESOURCE_EXHAUSTED: grpc: received message larger than max (2097300 vs. 2097152)', 'too-large'],
    ['etcdserver: requested lease not found', 'no-lease'],
    ['11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted', 'compacted'],
    ['16 UNAUTHENTICATED: etcdserver: invalid auth token', 'stale-login'],
    ['3 INVALID_ARGUMENT: etcdserver: revision of auth store is old', 'stale-login'],
    ['3 INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password', 'refused-login'],
    ['7 PERMISSION_DENIED: etcdserver: permission denied', 'denied'],
  ])('%s is %s', (text, problem) => {
    expect(problemOf(new Error(text))).toBe(problem)
  })

  test('is told apart from what the ledger itself answers', () => {
    for (const verdict of [new NameTaken('1'), new EventsGone('gone'), new OtherCluster('other')]) {
      expect(problemOf(verdict)).toBe('final')
    }
  })
})

describe('a start that fails', () => {
  test.each([
    ['connect ECONNREFUSED 127.0.0.1:1', /http:\/\/a:2379, http:\/\/b:2379 .*check KAFSCALE_ETCD_ENDPOINTS/],
    ['etcdserver: user name is empty', /set KAFSCALE_ETCD_USERNAME and KAFSCALE_ETCD_PASSWORD/],
    ['etcdserver: authentication failed, invalid user ID or password', /login as u: check KAFSCALE_ETCD_USERNAME/],
    ['etcdserver: authentication is not enabled', /KAFSCALE_ETCD_USERNAME is set/],
    ['etcdserver: permission denied', /under kafscale\/: .*KAFSCALE_ETCD_PREFIX/],
    ['unable to verify the first certificate', /KAFSCALE_ETCD_CA_FILE/],
    ['self-signed certificate in certificate chain', /KAFSCALE_ETCD_CA_FILE/],
    ["Hostname/IP does not match certificate's altnames: a", /KAFSCALE_ETCD_ENDPOINTS/],
    ['tlsv13 alert certificate required', /KAFSCALE_ETCD_CERT_FILE and KAFSCALE_ETCD_KEY_FILE/],
  ])('with %s names the setting', (text, expected) => {
    expect(line(text)).toMatch(expected)
  })

  test('says so in one line', () => {
    expect(line('first\nsecond\n  third')).not.toMatch(/\n/)
  })
})

describe('settings of etcd', () => {
  test('that can be tried are', () => {
    expect(settingsProblem(attempt)).toBeUndefined()
    const tls = { ca: 'x', cert: 'y', key: 'z' }
    expect(settingsProblem({ endpoints: ['https://10.0.0.1:2379'], prefix: '/a/b-1', tls })).toBeUndefined()
  })

  test.each([
    [{ endpoints: [] }, /KAFSCALE_ETCD_ENDPOINTS names no endpoint/],
    [{ endpoints: ['a:2379'] }, /KAFSCALE_ETCD_ENDPOINTS: a:2379 is not/],
    [{ endpoints: ['http://a:1', 'https://b:1'] }, /all endpoints/],
    [{ prefix: '' }, /KAFSCALE_ETCD_PREFIX/],
    [{ prefix: '//' }, /KAFSCALE_ETCD_PREFIX/],
    [{ prefix: 'a b' }, /KAFSCALE_ETCD_PREFIX/],
    [{ tls: { ca: 'x' } }, /KAFSCALE_ETCD_CA_FILE.*http:/],
    [{ endpoints: ['https://a:1'], tls: { cert: 'x' } }, /KAFSCALE_ETCD_CERT_FILE and KAFSCALE_ETCD_KEY_FILE/],
  ])('%j are refused', (change, expected) => {
    expect(settingsProblem({ ...attempt, ...change })?.message).toMatch(expected)
  })
})

describe("etcd's version", () => {
  test('is fine from 3.5 on, tolerated at 3.4, refused below', () => {
    expect(judgeVersion('3.6.14', 'e')).toBeUndefined()
    expect(judgeVersion('3.5.0', 'e')).toBeUndefined()
    expect(judgeVersion('4.0.0', 'e')).toBeUndefined()
    expect(judgeVersion('3.4.23', 'e')).toMatch(/recommended/)
    expect(() => judgeVersion('3.3.27', 'e')).toThrow(/KAFSCALE_ETCD_ENDPOINTS.*3\.3\.27/)
    expect(() => judgeVersion('2.3.0', 'e')).toThrow(/version 2\.3\.0/)
  })
})
