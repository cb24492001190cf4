import { expect, test } from '@jest/globals'
import { certificateSecret, passwordSecret } from './connection-secret.ts'

const facts = {
  userName: 'alice',
  bootstrapServers: 'orders-broker.shop.svc:9093',
  protocol: 'SASL_SSL',
  authority: '-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n',
}

test('a password comes with all that a client asks for, and a configuration of Java’s', () => {
  const data = passwordSecret(facts, 'scram-sha-512', 'top-secret')
  expect(data).toMatchObject({
    username: 'alice',
    password: 'top-secret',
    'bootstrap.servers': 'orders-broker.shop.svc:9093',
    'security.protocol': 'SASL_SSL',
    'sasl.mechanism': 'SCRAM-SHA-512',
    'sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="top-secret";',
    'ca.crt': facts.authority,
  })
  expect(data['client.properties']?.split('\n')).toEqual([
    'bootstrap.servers=orders-broker.shop.svc:9093',
    'security.protocol=SASL_SSL',
    'ssl.truststore.type=PEM',
    'ssl.truststore.certificates=-----BEGIN CERTIFICATE-----\\nYQ==\\n-----END CERTIFICATE-----\\n',
    'sasl.mechanism=SCRAM-SHA-512',
    `sasl.jaas.config=${data['sasl.jaas.config']}`,
    '',
  ])
})

test('a password of somebody else’s may have any character', () => {
  const data = passwordSecret(facts, 'scram-sha-256', 'a"b\\c')
  expect(data['sasl.jaas.config']).toContain('password="a\\"b\\\\c"')
  expect(data['client.properties']).toContain('password="a\\\\"b\\\\\\\\c"')
})

test('a certificate comes in the two forms that clients want', () => {
  const data = certificateSecret({ ...facts, protocol: 'SSL' }, 'CERT\n', 'KEY\n')
  expect(data).toMatchObject({ 'tls.crt': 'CERT\n', 'tls.key': 'KEY\n', 'user.pem': 'KEY\nCERT\n' })
  expect(data['client.properties']).toContain('ssl.keystore.key=KEY\\n')
  expect(Object.keys(data)).not.toContain('password')
})

test('without TLS there is nothing to trust', () => {
  const data = passwordSecret({ ...facts, protocol: 'SASL_PLAINTEXT', authority: undefined }, 'scram-sha-512', 'x')
  expect(Object.keys(data)).not.toContain('ca.crt')
  expect(data['client.properties']).not.toContain('truststore')
})
