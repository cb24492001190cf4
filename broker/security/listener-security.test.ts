import { describe, expect, test } from '@jest/globals'
import { loadSettings, SettingsError } from '../load-settings.ts'

const TLS = { certFile: 'c', keyFile: 'k' }
const load = (security: unknown, more: Record<string, string> = {}) =>
  loadSettings({
    KAFSCALE_DATA_DIR: '/data',
    KAFSCALE_LISTENERS: 'IN://:1,OUT://:2',
    KAFSCALE_LISTENER_SECURITY: JSON.stringify(security),
    ...more,
  })

test('is read from YAML or JSON, by listener', () => {
  const { listenerSecurity } = load({ OUT: { protocol: 'SASL_SSL', ...TLS, mechanisms: ['SCRAM-SHA-512'] } })
  expect(listenerSecurity?.OUT).toMatchObject({ protocol: 'SASL_SSL', clientAuth: 'none', maxReauthMs: 0 })
  const yaml = 'OUT: {protocol: SSL, certFile: c, keyFile: k}'
  expect(load({}, { KAFSCALE_LISTENER_SECURITY: yaml }).listenerSecurity?.OUT?.protocol).toBe('SSL')
})

describe('is refused in one line that names the place', () => {
  test.each([
    ['text', 'KAFSCALE_LISTENER_SECURITY'],
    [{ OUT: {} }, 'OUT.protocol'],
    [{ OUT: { protocol: 'SSL' } }, 'OUT.certFile: is required'],
    [{ OUT: { protocol: 'PLAINTEXT', ...TLS } }, 'OUT.certFile: is only for'],
    [{ OUT: { protocol: 'SSL', ...TLS, clientAuth: 'required' } }, 'OUT.clientCaFile: is required'],
    [{ OUT: { protocol: 'SASL_PLAINTEXT' } }, 'OUT.mechanisms: is required'],
    [{ OUT: { protocol: 'SASL_PLAINTEXT', mechanisms: ['PLAIN'] } }, 'OUT.usersFile: is required'],
    [{ OUT: { protocol: 'SASL_PLAINTEXT', mechanisms: ['OAUTHBEARER'] } }, 'OUT.oauth: is required'],
    [{ OUT: { protocol: 'SASL_PLAINTEXT', mechanisms: ['GSSAPI'] } }, 'OUT.mechanisms.0'],
    [{ OUT: { protocol: 'SSL', ...TLS, principalMappingRules: 'RULE:(/x/' } }, 'OUT.principalMappingRules'],
    [{ OUT: { protocol: 'SSL', ...TLS, wrong: 1 } }, 'OUT'],
    [{ OTHER: { protocol: 'PLAINTEXT' } }, 'there is no listener OTHER'],
  ])('%j', (security, text) => {
    expect(() => load(security)).toThrow(SettingsError)
    expect(() => load(security)).toThrow(text)
    expect(() => load(security)).toThrow(/^[^\n]*$/)
  })

  test('when a listener is called after a protocol that it is not given', () => {
    expect(() => load({}, { KAFSCALE_LISTENERS: 'IN://:1,SASL_SSL://:2' })).toThrow(
      'how the listener SASL_SSL is secured',
    )
  })

  test('when brokers could not trust each other behind a shared listener', () => {
    const security = { IN: { protocol: 'SASL_PLAINTEXT', mechanisms: ['SCRAM-SHA-256'] } }
    expect(() => load(security, { KAFSCALE_SHARED_LISTENERS: 'OUT' })).toThrow('brokers reach each other by IN')
  })
})
