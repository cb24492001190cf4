import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { loadSettings } from '../../broker/load-settings.ts'
import { settingFacts, settingsSchema } from '../../broker/settings.ts'
import { settingsPage } from './settings-page.ts'

const page = settingsPage({ schema: settingsSchema, facts: settingFacts })

function row(key: string): string {
  return page.split('\n').find(line => line.includes(`\`${key}\` |`)) ?? ''
}

describe('the page of settings', () => {
  test('has one row for each setting, five cells each', () => {
    for (const { key } of settingFacts) expect(row(key).split(' | ')).toHaveLength(5)
    expect(page.split('\n').filter(line => line.startsWith('| `'))).toHaveLength(settingFacts.length)
  })

  test('names the defaults that the broker uses', () => {
    const settings = Object.entries(loadSettings({ KAFSCALE_DATA_DIR: '/data' }))
    const plain = settings.filter(([key, value]) => typeof value !== 'object' && key !== 'dataDir')
    expect(plain.length).toBeGreaterThan(20)
    for (const [key, value] of plain) expect(row(key)).toContain(`| \`${value}\` |`)
  })

  test('names addresses as they are written, not as they are parsed', () => {
    expect(row('listen')).toContain('| `:19092` | an address |')
  })

  test('says of what may be left out that it has no default', () => {
    expect(row('rack')).toContain('| none |')
  })

  test('names bounds, and leaves out the bound of whole numbers as such', () => {
    expect(row('advertisedPort')).toContain('| whole, 1 to 65535 |')
    expect(row('cacheBytes')).toContain('| whole, 1048576 or more |')
    expect(row('logLevel')).toContain('`debug`')
  })

  test('keeps a bar inside its cell', () => {
    const schema = z.object({ kind: z.string().regex(/a|b/) })
    const text = settingsPage({ schema, facts: [{ key: 'kind', env: 'KIND', description: 'a | b' }] })
    expect(text).toContain('| text like `a\\|b` | a \\| b |')
  })
})
