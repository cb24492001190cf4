/**
 * `npm run generate`: writes every generated file of the repository. With `-- --check` it writes nothing and fails when a
 * file on disk differs from what it would write.
 *
 * A room with message schemas is one line in `ROOMS`.
 */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { settingFacts, settingsSchema } from '../broker/settings.ts'
import type { Message } from '../broker/wire/schema/notation.ts'
import { chartFiles } from './chart/outputs.ts'
import { claimsOf, claimsPage } from './claims/claims.ts'
import { crdFiles } from './crds/outputs.ts'
import { dashboardFiles } from './dashboards/outputs.ts'
import { conditionsPage } from './docs/conditions-page.ts'
import { kindPage } from './docs/kind-page.ts'
import { settingsPage } from './docs/settings-page.ts'
import { apiTable } from './generate/api-table.ts'
import { messageModel } from './generate/model.ts'
import { protocolPage } from './generate/protocol-page.ts'
import { schemaFiles } from './generate/schema-files.ts'
import { sourceFile } from './generate/source-file.ts'
import { licencesPage } from './supply/licences-page.ts'
import { runtimePackages } from './supply/packages.ts'

interface Room {
  /** Folder of schema files. */
  readonly schema: string
  /** One output file for all of them, or a folder for one output per schema file. */
  readonly output:
    | { readonly file: string }
    | { readonly folder: string; readonly table: string; readonly index: string }
}

const ROOMS: readonly Room[] = [
  {
    schema: 'broker/wire/schema',
    output: { folder: 'broker/wire/gen', table: 'broker/wire/gen/apis.gen.ts', index: 'broker/wire/messages.gen.ts' },
  },
  { schema: 'broker/state/schema', output: { file: 'broker/state/commands.gen.ts' } },
  { schema: 'tools/generate/example', output: { file: 'tools/generate/example.gen.ts' } },
  { schema: 'broker/data/schema', output: { file: 'broker/data/formats.gen.ts' } },
]

const WIRE = 'broker/wire'
const PROTOCOL_PAGE = 'docs/protocol.md'
const SETTINGS_PAGE = 'docs/settings.md'
const CLAIMS_PAGE = 'docs/claims/README.md'
const LICENCES_PAGE = 'docs/licences.md'
const root = join(import.meta.dirname, '..')

async function main(): Promise<void> {
  const outputs = new Map<string, string>()
  const folders: string[] = []
  for (const room of ROOMS) {
    const schemas = await schemaFiles(join(root, room.schema))
    if (schemas.length === 0) continue
    if ('file' in room.output) {
      const messages = schemas.flatMap(schema => schema.messages)
      outputs.set(room.output.file, codecs(messages, room.schema, room.output.file))
      continue
    }
    const { folder, table, index } = room.output
    folders.push(folder)
    const written: string[] = []
    for (const { name, messages } of schemas) {
      const output = `${folder}/${name}.gen.ts`
      outputs.set(output, codecs(messages, `${room.schema}/${name}.ts`, output))
      written.push(output)
    }
    outputs.set(index, `${banner(room.schema)}\n\n${written.map(file => exportLine(file, index)).join('')}`)
    const apis = schemas.flatMap(schema => schema.apis).sort((a, b) => a.key - b.key)
    outputs.set(table, `${banner(room.schema)}\n\n${apiTable(apis, from(table, index), from(table, `${WIRE}/api.ts`))}`)
  }
  outputs.set(SETTINGS_PAGE, settingsPage({ schema: settingsSchema, facts: settingFacts }))
  outputs.set(LICENCES_PAGE, licencesPage(runtimePackages(await readFile(join(root, 'package-lock.json'), 'utf8'))))
  outputs.set(CLAIMS_PAGE, claimsPage(claimsOf(await readFile(join(root, 'docs/claims/claims.yaml'), 'utf8'))))
  for (const [file, text] of crdFiles()) {
    outputs.set(file, text)
    const page = kindPage(text)
    outputs.set(`docs/reference/${page.kind}.md`, page.text)
  }
  outputs.set('docs/conditions.md', conditionsPage())
  for (const [file, text] of [...chartFiles(), ...dashboardFiles()]) outputs.set(file, text)
  const isCheck = process.argv.includes('--check')
  const stale = await staleFiles(folders, outputs)
  const wrong = [...(await bring(outputs, isCheck)), ...stale]
  if (!isCheck) for (const file of stale) await rm(join(root, file))
  // What is advertised hangs on the generated table, so it is imported only now.
  const { advertised } = await import('../broker/api/advertised.ts')
  const page = protocolPage(await schemaFiles(join(root, 'broker/wire/schema')), advertised)
  wrong.push(...(await bring(new Map([[PROTOCOL_PAGE, page]]), isCheck)))
  if (!isCheck) {
    console.log(`${outputs.size + 1} files, ${wrong.length} changed`)
    return
  }
  for (const file of wrong) console.error(`${file} is not what npm run generate writes`)
  process.exitCode = wrong.length > 0 ? 1 : 0
}

/** Writes the outputs that differ from what is on disk, or only finds them; returns their names. */
async function bring(outputs: ReadonlyMap<string, string>, isCheck: boolean): Promise<string[]> {
  const differing: string[] = []
  for (const [file, text] of outputs) {
    const onDisk = await readFile(join(root, file), 'utf8').catch(() => undefined)
    if (onDisk === text) continue
    differing.push(file)
    if (isCheck) continue
    await mkdir(join(root, dirname(file)), { recursive: true })
    await writeFile(join(root, file), text)
  }
  return differing
}

function codecs(messages: readonly Message[], schema: string, output: string): string {
  return sourceFile(messages.map(messageModel), { banner: banner(schema), wire: from(output, WIRE) })
}

function banner(schema: string): string {
  return `// Generated by \`npm run generate\` from ${schema}. Do not edit.`
}

function exportLine(file: string, index: string): string {
  return `export * from '${from(index, file)}'\n`
}

/** The import path from one file of the repository to another. */
function from(file: string, to: string): string {
  const path = relative(dirname(file), to)
  return path.startsWith('.') ? path : `./${path}`
}

/** Generated files whose schema is gone. */
async function staleFiles(folders: readonly string[], outputs: ReadonlyMap<string, string>): Promise<string[]> {
  const stale: string[] = []
  for (const folder of folders) {
    const names = await readdir(join(root, folder)).catch(() => [])
    stale.push(...names.map(name => `${folder}/${name}`).filter(file => !outputs.has(file)))
  }
  return stale
}

await main()
