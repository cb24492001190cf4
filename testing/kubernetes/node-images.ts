// The images of a node for tests: nothing is pulled, each is one static program or a few.

import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { writeImage } from '../../tools/image/archive.ts'
import { installed, partFolder } from '../../tools/parts/cache.ts'
import { coredns, etcd, pause, versitygw } from '../../tools/parts/parts.ts'

interface ProgramImage {
  readonly tag: string
  /** Paths of programs on this machine; the first is what the image runs. */
  readonly programs: readonly string[]
}

export const PAUSE_IMAGE = 'localhost/pause:1'
export const COREDNS_IMAGE = 'localhost/coredns:1'
/** As the chart names it by default. */
export const ETCD_IMAGE = 'localhost/etcd:3.6.14'
export const S3_IMAGE = 'localhost/versitygw:1'

const USER = '65532:65532'

/** Archives of all of them, kept from one run to the next. */
export async function nodeImages(): Promise<string[]> {
  const { etcd: server, etcdctl, etcdutl } = await etcd()
  const images: ProgramImage[] = [
    { tag: PAUSE_IMAGE, programs: [await pause()] },
    { tag: COREDNS_IMAGE, programs: [await coredns()] },
    { tag: ETCD_IMAGE, programs: [server, etcdctl, etcdutl] },
    { tag: S3_IMAGE, programs: [await versitygw()] },
  ]
  const recipe = images.flatMap(({ tag, programs }) => [tag, ...programs])
  const file = ({ programs: [program = ''] }: ProgramImage): string => `${basename(program)}.tar`
  const folder = await installed(partFolder('node-images', USER, ...recipe), 'node-images', async empty => {
    for (const image of images) await writeProgramImage(join(empty, file(image)), image)
  })
  return images.map(image => join(folder, file(image)))
}

async function writeProgramImage(file: string, { tag, programs }: ProgramImage): Promise<void> {
  const layer = await mkdtemp(join(tmpdir(), 'kafscale-layer-'))
  try {
    const bin = join(layer, 'usr/local/bin')
    await mkdir(bin, { recursive: true })
    for (const program of programs) await copyFile(program, join(bin, basename(program)))
    await writeImage(file, tag, [layer], {
      user: USER,
      workingDir: '/',
      entrypoint: [`/usr/local/bin/${basename(programs[0] ?? '')}`],
      command: [],
      env: { PATH: '/usr/local/bin' },
      labels: {},
    })
  } finally {
    await rm(layer, { recursive: true, force: true })
  }
}
