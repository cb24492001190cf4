// Vectors: "Signature calculations: examples" of the S3 API reference, and the SigV4 test suite of AWS.

import { hash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { queryString, type Signable, Signer } from './sigv4.ts'

const s3Example = {
  credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  now: Date.UTC(2013, 4, 24),
  host: 'examplebucket.s3.amazonaws.com',
}
const suite = {
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
  now: Date.UTC(2015, 7, 30, 12, 36),
  host: 'example.amazonaws.com',
}
const empty = hash('sha256', '')

const s3Request = (
  method: string,
  path: string,
  query: string,
  more: Record<string, string>,
  payload = '',
): Signable => {
  const payloadHash = hash('sha256', payload)
  const headers = { host: s3Example.host, 'x-amz-content-sha256': payloadHash, ...more }
  return { method, path, query, headers, payloadHash }
}

const signatureOf = (headers: Record<string, string>): string | undefined =>
  /Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? '')?.[1]

describe('signature version 4', () => {
  test.each([
    [
      'GET Object with a range',
      s3Request('GET', '/test.txt', '', { range: 'bytes=0-9' }),
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'PUT Object',
      s3Request(
        'PUT',
        '/test%24file.text',
        '',
        { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
        'Welcome to Amazon S3.',
      ),
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    [
      'GET Bucket Lifecycle',
      s3Request('GET', '/', queryString({ lifecycle: '' }), {}),
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    ],
    [
      'List Objects',
      s3Request('GET', '/', queryString({ prefix: 'J', 'max-keys': '2' }), {}),
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('signs the example %s', (_, request, signature) => {
    const signed = new Signer('us-east-1').sign(request, s3Example.credentials, s3Example.now)
    expect(signatureOf(signed)).toBe(signature)
  })

  test('signs get-vanilla', () => {
    const request: Signable = {
      ...{ method: 'GET', path: '/', query: '', headers: { host: suite.host }, payloadHash: empty },
    }
    const signed = new Signer('us-east-1', 'service').sign(request, suite.credentials, suite.now)
    expect(signed).toEqual({
      host: suite.host,
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    })
  })

  test('signs get-vanilla-query-order-key-case', () => {
    const query = queryString({ Param2: 'value2', Param1: 'value1' })
    const request: Signable = {
      ...{ method: 'GET', path: '/', query, headers: { host: suite.host }, payloadHash: empty },
    }
    const signed = new Signer('us-east-1', 'service').sign(request, suite.credentials, suite.now)
    expect(signatureOf(signed)).toBe('b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500')
  })

  test('takes a new key for a new day and for new credentials', () => {
    const signer = new Signer('us-east-1')
    const request = s3Request('GET', '/test.txt', '', { range: 'bytes=0-9' })
    const other = { ...s3Example.credentials, secretAccessKey: 'another' }
    const sign = (credentials: typeof other, now: number): string | undefined =>
      signatureOf(signer.sign(request, credentials, now))
    const first = sign(s3Example.credentials, s3Example.now)
    const changed = [sign(other, s3Example.now), sign(s3Example.credentials, s3Example.now + 86_400_000)]
    expect(new Set([first, ...changed]).size).toBe(3)
    expect(sign(s3Example.credentials, s3Example.now)).toBe(first)
  })

  test('sends and signs a session token', () => {
    const request = s3Request('GET', '/k', '', {})
    const signed = new Signer('us-east-1').sign(request, { ...s3Example.credentials, sessionToken: 'tok' }, 0)
    expect(signed['x-amz-security-token']).toBe('tok')
    expect(signed.authorization).toContain('x-amz-date;x-amz-security-token')
  })

  test('orders and escapes a query', () => {
    expect(queryString({ b: "a b+c/!'()*~", a: 'ä', 'b-c': '' })).toBe('a=%C3%A4&b-c=&b=a%20b%2Bc%2F%21%27%28%29%2A~')
  })
})
