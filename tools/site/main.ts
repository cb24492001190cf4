/**
 * `npm run site -- [FOLDER]`: writes the documentation as static HTML, by default to dist-site/. Exit code 1 when a link leads
 * nowhere; nothing is written then.
 *
 *   SITE_FILES=URL   where links to other files of the repository lead; by default beside the site
 */
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { framed } from './frame.ts'
import { brokenLinks, readSite, searchIndex } from './site.ts'

const root = join(import.meta.dirname, '../..')
const [folder = join(root, 'dist-site')] = process.argv.slice(2)
const site = await readSite(root, process.env.SITE_FILES ?? '../')
const broken = brokenLinks(site, path => existsSync(join(root, path)))
if (broken.length > 0) {
  for (const line of broken) console.error(line)
  process.exit(1)
}
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
await rm(folder, { recursive: true, force: true })
const write = async (path: string, text: string): Promise<void> => {
  await mkdir(join(folder, dirname(path)), { recursive: true })
  await writeFile(join(folder, path), text)
}
for (const page of site.pages) await write(page.path, framed(page, site.groups, version))
await write('search.json', searchIndex(site))
await cp(join(import.meta.dirname, 'assets'), folder, { recursive: true })
console.log(`${site.pages.length} pages in ${folder}`)
