/**
 * The files of the image: Node.js with the shared libraries that it names, etcdutl, and the compiled project with the packages that
 * it needs at run time. No shell, no package manager. Two trees, because the first one changes seldom.
 *
 * `node tools/image/rootfs.ts FOLDER` merges both into one folder: the Dockerfile takes the image from there.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { etcdutl } from '../parts/etcd.ts'
import { available } from '../parts/unavailable.ts'
import { billOfMaterials } from '../supply/bill-of-materials.ts'
import { runtimePackages } from '../supply/packages.ts'
import { checkedRun } from './checked-run.ts'
import { systemParts } from './system-parts.ts'

const root = join(import.meta.dirname, '../..')

/** What runs in the image as this user: no name for it is known outside. */
export const USER_ID = 65532

const APP = 'app'
const NODE = 'usr/local/bin/node'
const BILL_OF_MATERIALS = 'sbom.cdx.json'
/** What browsers get as it stands, and no compiler copies. */
const CONSOLE_ASSETS = 'console/assets'
const ETCDUTL = 'usr/local/bin/etcdutl'
/** Of packages: what only compilers, debuggers and readers want. */
const SUPERFLUOUS = /\.(d\.[cm]?ts|map|md|markdown|flow|tsbuildinfo)$/i
const SUPERFLUOUS_FOLDERS = new Set(['test', 'tests', '__tests__', 'docs', 'example', 'examples', '.github'])
/** The package that brings Node.js itself, which is already there. */
const NODE_PACKAGES = /^node-(linux|bin)-/

export async function buildRuntimeTree(folder: string): Promise<void> {
  await copy(process.execPath, join(folder, NODE))
  for (const library of await librariesOf(process.execPath)) await copy(library, join(folder, library))
  await copyEtcdutl(join(folder, ETCDUTL))
  await writeAccounts(folder)
}

/** What programs expect of any Linux: a user, a folder for temporary files, where names are looked up. */
export async function writeAccounts(folder: string): Promise<void> {
  await mkdir(join(folder, 'tmp'), { recursive: true, mode: 0o1777 })
  await mkdir(join(folder, 'etc'), { recursive: true })
  await writeFile(join(folder, 'etc/passwd'), `kafscale:x:${USER_ID}:${USER_ID}::/:\n`)
  await writeFile(join(folder, 'etc/group'), `kafscale:x:${USER_ID}:\n`)
  await writeFile(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\n')
}

/** The agent of managed etcds checks and restores snapshots with it. Everything else works without. */
async function copyEtcdutl(path: string): Promise<void> {
  const found = await available(etcdutl())
  if (found.have) await copy(found.part, path)
  else console.error(`the image has no etcdutl, so a managed etcd has no snapshots: ${found.why}`)
}

export async function buildAppTree(folder: string): Promise<void> {
  const app = join(folder, APP)
  await mkdir(app, { recursive: true })
  await checkedRun(join(root, 'node_modules/.bin/tsc'), [
    '-p',
    join(root, 'tsconfig.build.json'),
    '--outDir',
    join(app, 'dist'),
  ])
  await cp(join(root, CONSOLE_ASSETS), join(app, 'dist', CONSOLE_ASSETS), { recursive: true })
  for (const name of ['package.json', 'LICENSE']) await cp(join(root, name), join(app, name))
  await installPackages(app)
  await writeFile(join(app, BILL_OF_MATERIALS), `${JSON.stringify(await contents(), null, 2)}\n`)
}

async function contents() {
  const read = (name: string): Promise<string> => readFile(join(root, name), 'utf8')
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await read('package.json')))
  const packages = runtimePackages(await read('package-lock.json')).filter(({ name }) => !NODE_PACKAGES.test(name))
  return billOfMaterials({ version, packages, parts: await systemParts(await librariesOf(process.execPath)) })
}

async function installPackages(app: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-image-'))
  try {
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) await cp(join(root, name), join(folder, name))
    await checkedRun('npm', ['ci', '--omit=dev', '--ignore-scripts', '--loglevel=error'], { cwd: folder })
    await cp(join(folder, 'node_modules'), join(app, 'node_modules'), { recursive: true, filter: isNeeded })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function isNeeded(path: string): boolean {
  const name = basename(path)
  if (dirname(path).endsWith('node_modules')) return !NODE_PACKAGES.test(name) && !name.startsWith('.')
  return !SUPERFLUOUS.test(name) && !SUPERFLUOUS_FOLDERS.has(name)
}

/** Absolute paths of the shared libraries that a program names, the loader included. */
export async function librariesOf(program: string): Promise<string[]> {
  const named = await checkedRun('ldd', [program])
  return [...new Set(named.match(/\/[^\s()]+\.so[^\s()]*/g) ?? [])]
}

export async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await cp(from, to, { dereference: true })
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined || (await readdir(folder).catch(() => [])).length > 0) {
    console.error('usage: rootfs.ts FOLDER (which must be new or empty)')
    process.exit(2)
  }
  await buildRuntimeTree(folder)
  await buildAppTree(folder)
}
