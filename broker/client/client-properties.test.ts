import { describe, expect, test } from '@jest/globals'
import { clientConfig } from '../../cli/client-config.ts'
import { issue, newAuthority } from '../../operator/certificates/certificate.ts'
import { certificateSecret, passwordSecret } from '../../operator/user/connection-secret.ts'
import { ClientPropertiesError, clientProperties, clientSecurity, filesNamed } from './client-properties.ts'

const validity = { from: Date.now(), until: Date.now() + 86_400_000 }
const authority = newAuthority('test', validity)
const { cert, key } = issue(authority, { commonName: 'alice', names: [], ...validity })

const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule'
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule'

const read = (text: string, files: readonly string[] = [], environment = {}) =>
  clientSecurity(
    clientProperties(text, environment),
    files.map(file => Buffer.from(file)),
  )

describe('the text', () => {
  test.each([
    ['a=b', 'a', 'b'],
    [' a : b ', 'a', 'b '],
    ['a b=c', 'a', 'b=c'],
    ['a=b\\\n   c', 'a', 'bc'],
    ['a=b\\\\\nc=d', 'a', 'b\\'],
    ['a=b\\\r\n\t c', 'a', 'bc'],
    ['a=1\\n2\\t\\u00e9', 'a', '1\n2\té'],
    ['a\\=b=c', 'a=b', 'c'],
    ['# a=b\n!a=c\na=d', 'a', 'd'],
    ['a=b\na=c', 'a', 'c'],
    ['a=', 'a', ''],
    ['# in C:\\certs\\\na=b', 'a', 'b'],
    ['! one\\\n  # two\\\na=b', 'a', 'b'],
    ['a=x\\\n\\\ny', 'a', 'xy'],
    ['a=x\\\n  \\\n\t y', 'a', 'xy'],
    ['a=x\\\n\na2=y', 'a', 'x'],
    ['a=x\\\n# y', 'a', 'x# y'],
    ['a=x\\\r\ry', 'a', 'x'],
    ['\\\na=b', 'a', 'b'],
    ['\\\n#a=b', '#a', undefined],
    ['a=b\\', 'a', 'b'],
    ['a=b\\\\\\\n  c', 'a', 'b\\c'],
    ['\\#a=b', '#a', 'b'],
    ['a\u00a0b=c', 'a\u00a0b', 'c'],
    ['=b', '', 'b'],
    ['a = = b', 'a', '= b'],
    ['a=\\q\\\\u0041', 'a', 'q\\u0041'],
  ])('%j is read as Java reads it', (text, name, value) => {
    expect(clientProperties(text, {}).get(name)).toBe(value)
  })

  test('a character by a number that is none is refused, and not quoted', () => {
    const refusal = (): unknown => clientProperties('a=secret\\u12 secret', {})
    expect(refusal).toThrow(ClientPropertiesError)
    expect(refusal).toThrow('four hexadecimal digits')
    expect(refusal).not.toThrow('secret')
  })

  test('values come from the environment where it says so, and nowhere else', () => {
    const provider = 'config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider'
    const properties = clientProperties(`config.providers=env\n${provider}\na=\${env:A}\nb=\${file:/x:y}`, { A: 'x$&' })
    expect([properties.get('a'), properties.get('b')]).toEqual(['x$&', `\${file:/x:y}`])
    expect(clientProperties(`a=\${env:A}`, { A: 'x' }).get('a')).toBe(`\${env:A}`)
    expect(() => clientProperties(`config.providers=env\n${provider}\na=\${env:A}`, {})).toThrow('variable A')
  })
})

describe('who comes', () => {
  const login = (mechanism: string, jaas: string) =>
    read(`security.protocol=SASL_PLAINTEXT\nsasl.mechanism=${mechanism}\nsasl.jaas.config=${jaas}`).login

  test('is in the entry of JAAS', () => {
    expect(login('PLAIN', `${PLAIN} required username="a" password="b c;\\\\"d\\\\\\\\";`)).toEqual({
      mechanism: 'PLAIN',
      user: 'a',
      password: 'b c;"d\\',
    })
    expect(login('SCRAM-SHA-256', `${SCRAM} required \\\n  username=a \\\n  password=b ;`)).toEqual({
      mechanism: 'SCRAM-SHA-256',
      user: 'a',
      password: 'b',
    })
  })

  test('is not asked for without SASL, and may be said by somebody else', () => {
    expect(read('sasl.jaas.config=nonsense').login).toBeUndefined()
    expect(read('security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN')).toMatchObject({
      mechanism: 'PLAIN',
      login: undefined,
    })
  })

  test.each([
    ['an unknown protocol', 'security.protocol=TLS', 'security.protocol must be one of PLAINTEXT, SSL'],
    ['no mechanism', 'security.protocol=SASL_SSL', 'sasl.mechanism must be one of PLAIN'],
    ['tickets', 'security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI', 'sasl.mechanism must be one of'],
    ['a store of Java', 'security.protocol=SSL\nssl.truststore.location=/a.jks', 'ssl.truststore.type must be PEM'],
    ['half of a pair', 'security.protocol=SSL\nssl.keystore.key=x', 'go together'],
    ['no certificate', 'security.protocol=SSL\nssl.truststore.certificates=secret', 'ssl.truststore.* holds no'],
    [
      'no pair',
      'security.protocol=SSL\nssl.keystore.key=secret\nssl.keystore.certificate.chain=secret',
      'ssl.keystore.* holds no',
    ],
    [
      'the module of others',
      `security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=${SCRAM} required username=secret password=secret;`,
      'plain.PlainLoginModule',
    ],
    [
      'no password',
      `security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=${PLAIN} required username=secret;`,
      'no username and password',
    ],
  ])('%s is refused with the key that is wrong, and without its value', (_, text, sentence) => {
    const refusal = (): unknown => read(text)
    expect(refusal).toThrow(ClientPropertiesError)
    expect(refusal).toThrow(sentence)
    expect(refusal).not.toThrow('secret')
  })
})

describe('what the Secret of a KafScaleUser holds', () => {
  const facts = { userName: 'a "b" \\', bootstrapServers: 'broker:9093', authority: authority.cert }

  test.each(['p "w" \\', "'", '\\101\\n', 'a\nb\r\t', 'ü ☂', ' a;b=/c//*', '#!', '\\'])(
    'is understood for %j',
    password => {
      const secret = passwordSecret({ ...facts, protocol: 'SASL_SSL' }, 'scram-sha-512', password)
      expect(read(secret['client.properties'] ?? '')).toEqual({
        bootstrap: 'broker:9093',
        tls: { ca: authority.cert.trim() },
        mechanism: 'SCRAM-SHA-512',
        login: { mechanism: 'SCRAM-SHA-512', user: 'a "b" \\', password },
      })
      // Java reads the file as ISO-8859-1.
      expect(secret['client.properties']).toMatch(/^[\n -~]*$/)
    },
  )

  test('is understood for certificates', () => {
    const secret = certificateSecret({ ...facts, protocol: 'SSL' }, cert, key)
    expect(read(secret['client.properties'] ?? '').tls).toEqual({
      ca: authority.cert.trim(),
      cert: cert.trim(),
      key: key.trim(),
    })
  })
})

test('what kafscale client-config prints for Java is understood', () => {
  const printed = clientConfig('java', {
    ...{ bootstrap: 'broker:9093', protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-256', user: 'alice' },
    ...{ ca: '/ca.pem', cert: undefined, key: undefined },
  })
  expect(read(printed, [authority.cert], { KAFKA_PASSWORD: 'hidden' })).toMatchObject({
    bootstrap: 'broker:9093',
    login: { mechanism: 'SCRAM-SHA-256', user: 'alice', password: 'hidden' },
    tls: { ca: Buffer.from(authority.cert) },
  })
})

test('certificates may lie in files, both of a pair in one', () => {
  const pem = 'ssl.truststore.type=PEM\nssl.truststore.location=/ca\nssl.keystore.type=pem\nssl.keystore.location=/own'
  const text = `security.protocol=SSL\nssl.endpoint.identification.algorithm=\n${pem}`
  expect(filesNamed(clientProperties(text, {}))).toEqual(['/ca', '/own'])
  const { tls } = read(text, [authority.cert, key + cert])
  expect([String(tls?.ca), String(tls?.cert), String(tls?.key)]).toEqual([authority.cert, key + cert, key + cert])
  expect(tls?.checkServerIdentity?.('any', Object.create(null))).toBeUndefined()
  expect(filesNamed(clientProperties(pem, {}))).toEqual([])
})
