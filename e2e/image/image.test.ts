// The image without a container engine: its layers unpacked, its process run as its own user on a read-only root.

import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { z } from 'zod'
import { type Child, startChild, untilReady } from '../../testing/child.ts'
import { freePorts } from '../../testing/ports.ts'
import { checkedRun } from '../../tools/image/checked-run.ts'
import { PartUnavailable } from '../../tools/parts/parts.ts'
import { WireClient } from '../faults/wire-client.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(180_000)

const root = join(import.meta.dirname, '../..')
const manifestSchema = z.array(
  z.object({ Config: z.string(), Layers: z.array(z.string()), RepoTags: z.array(z.string()) }),
)
const bomSchema = z.object({
  components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string() })),
})
const configSchema = z.object({
  config: z.object({
    User: z.string(),
    Entrypoint: z.array(z.string()),
    Cmd: z.array(z.string()),
    Labels: z.record(z.string(), z.string()),
  }),
})

async function rootRights(): Promise<void> {
  if (process.getuid?.() !== 0) throw new PartUnavailable('changing the root folder of a process needs root')
}

await suiteWith('the image', rootRights(), () => {
  let folder: string
  let rootfs: string
  let config: z.output<typeof configSchema>['config']

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-image-test-'))
    rootfs = join(folder, 'rootfs')
    const archive = join(folder, 'image.tar')
    await checkedRun(process.execPath, [join(root, 'tools/image/main.ts'), archive, 'localhost/kafscale:test'])
    await checkedRun('tar', ['-C', folder, '-xf', archive])
    const [manifest] = manifestSchema.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')))
    if (manifest === undefined) throw new Error('the archive holds no image')
    expect(manifest.RepoTags).toEqual(['localhost/kafscale:test'])
    config = configSchema.parse(JSON.parse(await readFile(join(folder, manifest.Config), 'utf8'))).config
    await mkdir(join(rootfs, 'data'), { recursive: true })
    for (const layer of manifest.Layers) await checkedRun('tar', ['-C', rootfs, '-xf', join(folder, layer)])
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('has no shell, no package manager, nothing that its user may write, and is below 200 MB', async () => {
    const listing = await checkedRun('find', [rootfs, '-type', 'f', '-printf', '%P %m %s\n'])
    const files = listing
      .trim()
      .split('\n')
      .map(line => line.split(' '))
    expect(files.filter(([path]) => /(^|\/)(sh|bash|dash|npm|apt|dpkg)$/.test(path ?? ''))).toEqual([])
    expect(files.filter(([, mode]) => (Number.parseInt(mode ?? '', 8) & 0o022) !== 0)).toEqual([])
    const bytes = files.reduce((sum, [, , size]) => sum + Number(size), 0)
    expect(bytes).toBeLessThan(200_000_000)
  })

  test('says what it is made of', async () => {
    const bom = bomSchema.parse(JSON.parse(await readFile(join(rootfs, 'app/sbom.cdx.json'), 'utf8')))
    const names = bom.components.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['node', 'etcdutl', 'libc6', 'undici', 'etcd3']))
    expect(names.filter(name => name.startsWith('node-linux'))).toEqual([])
    const installed = (await readdir(join(rootfs, 'app/node_modules'))).filter(name => !name.startsWith('@'))
    expect(installed.filter(name => !names.includes(name))).toEqual([])
    expect(config.Labels).toMatchObject({ 'org.opencontainers.image.licenses': 'Apache-2.0' })
  })

  test('has the console with what browsers need of it', async () => {
    const script = `exec chroot --userspec=${config.User} ${rootfs} ${config.Entrypoint.join(' ')} /app/dist/cli/main.js console --listen 127.0.0.1:0`
    const console = await startChild('sh', ['-c', script], {
      env: { PATH: process.env.PATH ?? '' },
      logFile: join(folder, 'console.log'),
    })
    try {
      const address = () => /console: (http:\S+)/.exec(console.output())?.[1]
      await untilReady(console, 60_000, async () => address() !== undefined)
      expect((await fetch(`${address()}/console.js`)).status).toBe(200)
    } finally {
      await console.stop()
    }
  })

  describe('its process', () => {
    let child: Child
    let port: number
    let metricsPort: number

    const start = async (env: Record<string, string>): Promise<Child> => {
      // Mounts are made in a namespace of their own and end with the process.
      const script = [
        `mount --bind ${rootfs} ${rootfs}`,
        `mount -t tmpfs -o mode=1777 tmpfs ${rootfs}/data`,
        `mount -o remount,bind,ro ${rootfs}`,
        `exec chroot --userspec=${config.User} ${rootfs} ${[...config.Entrypoint, ...config.Cmd].join(' ')}`,
      ].join(' && ')
      return startChild('unshare', ['--mount', 'sh', '-c', script], { env, logFile: join(folder, 'broker.log') })
    }

    beforeAll(async () => {
      ;[port = 0, metricsPort = 0] = await freePorts(2)
      child = await start({
        PATH: process.env.PATH ?? '',
        KAFSCALE_BROKER_ADDR: `127.0.0.1:${port}`,
        KAFSCALE_METRICS_ADDR: `127.0.0.1:${metricsPort}`,
        KAFSCALE_DATA_DIR: '/data/broker',
      })
      await untilReady(child, 30_000, async () => {
        const answer = await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined)
        return answer?.ok === true
      })
    })

    afterAll(async () => {
      await child.stop()
    })

    test('runs as a user without rights and answers clients', async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(config.User.split(':')[0])
      const client = await WireClient.open(port)
      const { apiKeys } = await client.call('ApiVersions', 0, { clientSoftwareName: '', clientSoftwareVersion: '' })
      client.close()
      expect(apiKeys.length).toBeGreaterThan(30)
    })

    test('ends in good order on SIGTERM', async () => {
      expect(await child.stop()).toBe(0)
    })
  })
})
