/**
 * Writes `crds/*.yaml` from operator/types: `node tools/crds/main.ts`. With `--check` it writes nothing and fails when a file
 * differs. `npm run generate` does the same among other things.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crdFiles } from './outputs.ts'

const root = join(import.meta.dirname, '../..')
const isCheck = process.argv.includes('--check')

for (const [file, text] of crdFiles()) {
  const path = join(root, file)
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) continue
  if (isCheck) {
    console.error(`${file} is not what tools/crds/main.ts writes`)
    process.exitCode = 1
    continue
  }
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  console.log(`${file} written`)
}
