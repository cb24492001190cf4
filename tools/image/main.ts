/** `make image`: the one image of broker and operator as an archive, `dist-image/kafscale.tar`, without a container engine. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type ImageConfig, writeImage } from './archive.ts'
import { buildAppTree, buildRuntimeTree, USER_ID } from './rootfs.ts'

const root = join(import.meta.dirname, '../..')
const { version, description, license } = z
  .object({ version: z.string(), description: z.string(), license: z.string() })
  .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))

const config: ImageConfig = {
  user: `${USER_ID}:${USER_ID}`,
  workingDir: '/app',
  entrypoint: ['/usr/local/bin/node'],
  command: ['/app/dist/broker/main.js'],
  env: { PATH: '/usr/local/bin', NODE_ENV: 'production' },
  labels: {
    'org.opencontainers.image.title': 'kafscale',
    'org.opencontainers.image.description': description,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': license,
  },
}

const [file = join(root, 'dist-image', 'kafscale.tar'), tag = `localhost/kafscale:${version}`] = process.argv.slice(2)
const work = await mkdtemp(join(tmpdir(), 'kafscale-rootfs-'))
try {
  const [runtime, app] = [join(work, 'runtime'), join(work, 'app')]
  await buildRuntimeTree(runtime)
  await buildAppTree(app)
  const id = await writeImage(file, tag, [runtime, app], config)
  console.log(`${tag} ${id} ${((await stat(file)).size / 1e6).toFixed(0)} MB ${file}`)
} finally {
  await rm(work, { recursive: true, force: true })
}
