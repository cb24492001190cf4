/**
 * Image archives without a container engine: layers by tar, put together in the format of `docker save`, which
 * `docker load`, `podman load`, `ctr images import` and `skopeo` take. The same files give the same bytes.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { checkedRun } from './checked-run.ts'

/** Every file gets this time, so that an image depends on nothing but its content. */
const CREATED = '2026-01-01T00:00:00Z'
const TAR = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=${CREATED}`, '--format=gnu']

export interface ImageConfig {
  readonly user: string
  readonly workingDir: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Writes the image of these folders, one layer each, to `file`. Resolves with its id, `sha256:...`. */
export async function writeImage(
  file: string,
  tag: string,
  layers: readonly string[],
  config: ImageConfig,
): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'kafscale-archive-'))
  try {
    const ids: string[] = []
    for (const [index, folder] of layers.entries()) {
      const layer = join(work, `layer-${index}`)
      await checkedRun('tar', [...TAR, '-C', folder, '-cf', layer, '.'])
      const id = await sha256(layer)
      ids.push(id)
      await rename(layer, join(work, `${id}.tar`))
    }
    const image = Buffer.from(JSON.stringify(imageJson(config, ids)))
    const imageId = createHash('sha256').update(image).digest('hex')
    await writeFile(join(work, `${imageId}.json`), image)
    const manifest = [{ Config: `${imageId}.json`, RepoTags: [tag], Layers: ids.map(id => `${id}.tar`) }]
    await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest))
    await mkdir(dirname(file), { recursive: true })
    const names = ['manifest.json', `${imageId}.json`, ...ids.map(id => `${id}.tar`)]
    await checkedRun('tar', [...TAR, '-C', work, '-cf', `${file}.new`, ...names])
    await rename(`${file}.new`, file)
    return `sha256:${imageId}`
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function imageJson(config: ImageConfig, layerIds: readonly string[]) {
  return {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    created: CREATED,
    config: {
      User: config.user,
      WorkingDir: config.workingDir,
      Entrypoint: config.entrypoint,
      Cmd: config.command,
      Env: Object.entries(config.env).map(([name, value]) => `${name}=${value}`),
      Labels: config.labels,
    },
    rootfs: { type: 'layers', diff_ids: layerIds.map(id => `sha256:${id}`) },
    history: layerIds.map(() => ({ created: CREATED, created_by: 'make image' })),
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest('hex')
}
