import { expect, test } from '@jest/globals'
import { crdFiles } from '../crds/outputs.ts'
import { kindPage } from './kind-page.ts'

const page = (name: string): string => {
  const [, yaml = ''] = [...crdFiles()].find(([file]) => file.includes(name)) ?? []
  return kindPage(yaml).text
}

test('a field has its type, default and meaning', () => {
  expect(page('kafscaletopics')).toMatch(/\| \*\*`spec\.clusterRef`\*\* \| string \| {2}\| \S/)
  expect(page('kafscaleclusters')).toMatch(
    /\| `spec\.s3\.provision\.lifecycle\.mode` \| `Ignore`, `Preview`, `Managed` \| `"Ignore"` \| /,
  )
})

test('items of lists and what is refused are there too', () => {
  const text = page('kafscaleclusters')
  expect(text).toContain('`spec.listeners[].')
  expect(text).toContain('s3.region is missing')
})

test.each(['kafscaleclusters', 'kafscaletopics', 'kafscaleusers'])(
  'every field of the spec of %s says what it means',
  name => {
    expect(page(name).match(/^\| \**`spec.*\| {2}\|$/gm) ?? []).toEqual([])
  },
)
