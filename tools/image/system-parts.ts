/** What of the image comes from neither npm nor this repository: Node.js, its shared libraries, etcdutl. */
import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { run } from '../parts/command.ts'
import { ETCD_VERSION } from '../parts/etcd.ts'
import type { Part } from '../supply/bill-of-materials.ts'

/** `libraries` are paths of files of this machine, which go into the image. */
export async function systemParts(libraries: readonly string[]): Promise<readonly Part[]> {
  const packages = new Map<string, Part>()
  for (const library of libraries) {
    const part = await debianPart(library)
    packages.set(part.name, part)
  }
  const { version } = process
  return [
    { name: 'node', version: version.slice(1), licence: 'MIT' },
    {
      name: 'etcdutl',
      version: ETCD_VERSION.slice(1),
      licence: 'Apache-2.0',
      url: `pkg:golang/go.etcd.io/etcd/etcdutl/v3@${ETCD_VERSION}`,
    },
    ...[...packages.values()].sort((a, b) => a.name.localeCompare(b.name)),
  ]
}

/** The Debian package of a file; where there is none, the file itself, of a version that nobody knows. */
async function debianPart(library: string): Promise<Part> {
  const file = await realpath(library)
  for (const path of [file, file.replace(/^\/usr/, '')]) {
    const found = await run('dpkg-query', ['-S', path]).catch(() => undefined)
    const name = found?.code === 0 ? found.stdout.split(':', 1)[0] : undefined
    if (name === undefined) continue
    const { stdout } = await run('dpkg-query', ['-s', name])
    const version = /^Version: (\S+)$/m.exec(stdout)?.[1] ?? 'unknown'
    return { name, version, url: `pkg:deb/debian/${name}@${encodeURIComponent(version)}` }
  }
  return { name: basename(file), version: 'unknown' }
}
