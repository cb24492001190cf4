/**
 * `make image` of E20: the application and a Java runtime as an image, without a container engine.
 *
 * The runtime is linked by jlink from this machine's JDK, with the shared libraries that it names; no shell, no package manager.
 *
 * `node tools/examples/image.ts [FILE] [TAG]`
 */
import { cp, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeImage } from '../image/archive.ts'
import { checkedRun } from '../image/checked-run.ts'
import { copy, librariesOf, USER_ID, writeAccounts } from '../image/rootfs.ts'
import { installed, partFolder } from '../parts/cache.ts'
import { jdk } from '../parts/parts.ts'
import { builtExample } from './build.ts'

const EXAMPLE = 'E20_spring-boot-kafscale-demo'
const root = join(import.meta.dirname, '../..')

export const EXAMPLE_IMAGE = 'localhost/e20-spring-boot-kafscale-demo:1.0.0'

const RUNTIME = 'opt/java'
/** All that an application may use, and what of the JDK's own modules Spring and the Kafka client look for. */
const MODULES = 'java.se,jdk.unsupported,jdk.crypto.ec,jdk.management,jdk.naming.dns,jdk.net,jdk.zipfs'
const LINK = ['--strip-java-debug-attributes', '--no-header-files', '--no-man-pages']
/** Windows, fonts and sounds: what a server never loads, and what would bring a desktop's libraries. */
const DESKTOP = /^lib(awt|fontmanager|freetype|javajpeg|jawt|jsound|lcms|mlib_image|splashscreen|prefs)/

/** A folder with a Java runtime below /opt/java and the libraries that it needs. */
async function javaRuntime(): Promise<string> {
  const { java } = await jdk()
  const version = await checkedRun(java, ['--version'])
  return installed(partFolder('java-runtime', version, MODULES, ...LINK, DESKTOP.source), 'jlink', async empty => {
    const runtime = join(empty, RUNTIME)
    await mkdir(join(empty, 'opt'))
    await checkedRun(`${java.slice(0, -'java'.length)}jlink`, ['--add-modules', MODULES, ...LINK, '--output', runtime])
    const files = await readdir(join(runtime, 'lib'), { recursive: true })
    const libraries = files.filter(file => file.endsWith('.so')).map(file => join(runtime, 'lib', file))
    const unwanted = libraries.filter(path => DESKTOP.test(path.slice(path.lastIndexOf('/') + 1)))
    for (const path of unwanted) await rm(path)
    const kept = [join(runtime, 'bin/java'), ...libraries.filter(path => !unwanted.includes(path))]
    const named = new Set((await Promise.all(kept.map(librariesOf))).flat())
    for (const path of named) if (!path.startsWith(runtime)) await copy(path, join(empty, path))
    await writeAccounts(empty)
  })
}

/** Writes the image of E20 to `file`. Resolves with its id, `sha256:...`. */
export async function writeExampleImage(file: string, tag: string = EXAMPLE_IMAGE): Promise<string> {
  const { jar } = await builtExample(EXAMPLE)
  const app = await mkdtemp(join(tmpdir(), 'kafscale-example-image-'))
  try {
    await mkdir(join(app, 'app'))
    await cp(jar, join(app, 'app/app.jar'))
    return await writeImage(file, tag, [await javaRuntime(), app], {
      user: `${USER_ID}:${USER_ID}`,
      workingDir: '/app',
      entrypoint: [`/${RUNTIME}/bin/java`, '-jar', '/app/app.jar'],
      command: [],
      env: { PATH: `/${RUNTIME}/bin` },
      labels: { 'org.opencontainers.image.title': 'e20-spring-boot-kafscale-demo' },
    })
  } finally {
    await rm(app, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const [file = join(root, 'dist-image', 'e20.tar'), tag = EXAMPLE_IMAGE] = process.argv.slice(2)
  const id = await writeExampleImage(file, tag)
  console.log(`${tag} ${id} ${((await stat(file)).size / 1e6).toFixed(0)} MB ${file}`)
}
