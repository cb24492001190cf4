import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { billOfMaterials } from './bill-of-materials.ts'
import { ALLOWED_LICENCES, runtimePackages } from './packages.ts'

const lockOf = (packages: Readonly<Record<string, object>>) => JSON.stringify({ packages: { '': {}, ...packages } })

describe('runtime packages', () => {
  test('those for development are left out, those inside others are named as they are', () => {
    const found = runtimePackages(
      lockOf({
        'node_modules/b': {
          version: '2.0.0',
          license: 'MIT',
          integrity: `sha512-${Buffer.from('x').toString('base64')}`,
        },
        'node_modules/b/node_modules/@s/a': { version: '1.0.0', license: 'ISC', optional: true },
        'node_modules/c': { version: '3.0.0', license: 'MIT', dev: true },
      }),
    )
    expect(found).toEqual([
      { name: '@s/a', version: '1.0.0', licence: 'ISC', sha512: undefined, isOptional: true },
      { name: 'b', version: '2.0.0', licence: 'MIT', sha512: '78', isOptional: false },
    ])
  })

  test('one without a licence is refused', () => {
    expect(() => runtimePackages(lockOf({ 'node_modules/a': { version: '1.0.0' } }))).toThrow(
      'a has no version or no licence',
    )
  })
})

describe('of this repository', () => {
  const own = runtimePackages(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'))

  test('every licence is one that goes with ours', () => {
    expect(own.length).toBeGreaterThan(20)
    expect(own.filter(({ licence }) => !ALLOWED_LICENCES.has(licence))).toEqual([])
  })

  test('the bill of materials names every package by its URL and checksum', () => {
    const bom = billOfMaterials({
      version: '1.2.3',
      packages: own,
      parts: [{ name: 'node', version: '24.0.0', licence: 'MIT' }],
    })
    const urls = bom.components.map(({ purl }) => purl)
    expect(urls).toContain('pkg:generic/node@24.0.0')
    expect(urls.some(url => url.startsWith('pkg:npm/%40aws-sdk/credential-provider-node@3.'))).toBe(true)
    expect(new Set(urls).size).toBe(own.length + 1)
    expect(bom.components.filter(({ hashes }) => hashes !== undefined).length).toBe(own.length)
  })
})
