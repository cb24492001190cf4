// The npm package as somebody else installs it: packed, installed in an empty folder, and its command line tried there.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { Kafka, logLevel } from 'kafkajs'
import { startChild } from '../../testing/child.ts'
import { checkedRun } from '../../tools/image/checked-run.ts'
import { run } from '../../tools/parts/command.ts'

jest.setTimeout(300_000)

const root = join(import.meta.dirname, '../..')
const READY_MS = 60_000

let folder: string
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-package-'))
  environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$)/.test(name)))
  const packed = await checkedRun('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root })
  await writeFile(join(folder, 'package.json'), '{"private":true}\n')
  const archive = packed.trim().split('\n').at(-1) ?? ''
  await checkedRun('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `./${archive}`], { cwd: folder })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const kafscale = (...args: string[]) =>
  run('npx', ['--no-install', 'kafscale', ...args], { cwd: folder, env: environment })

test('holds no sources, tests or tools', async () => {
  const files = await checkedRun('find', [join(folder, 'node_modules/kafscale'), '-type', 'f'])
  const names = files.split('\n').map(file => file.slice(folder.length))
  expect(names.filter(name => /\.test\.|\.ts$|\/(e2e|testing|tools|bench)\//.test(name))).toEqual([])
  expect(names).toEqual(expect.arrayContaining([expect.stringMatching(/console\/assets\/console\.css$/)]))
})

test('says what it can do', async () => {
  const { code, stdout } = await kafscale('--help')
  expect(code).toBe(0)
  for (const command of ['broker', 'demo', 'console', 'client-config', 'doctor'])
    expect(stdout).toContain(`\n  ${command} `)
  expect((await kafscale('nonsense')).code).toBe(2)
  const config = await kafscale('client-config', '--for', 'java', '--bootstrap', 'localhost:39092')
  expect(config.stdout).toContain('bootstrap.servers=localhost:39092')
})

test('shows a broker, the console and clients at work', async () => {
  // What npx runs, without npx between it and the signal that ends it.
  const bin = join(folder, 'node_modules/.bin')
  const demo = await startChild(join(bin, 'kafscale'), ['demo', '--folder', join(folder, 'data')], {
    cwd: folder,
    env: { ...environment, PATH: `${bin}:${environment.PATH}` },
    logFile: join(folder, 'demo.log'),
  })
  try {
    const deadline = performance.now() + READY_MS
    while (!demo.output().includes('demo-topic-2-0 offset 2: demo-3 = hello 3')) {
      if (!demo.running() || performance.now() > deadline) throw new Error(demo.output())
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect((await fetch('http://127.0.0.1:48080/topics')).status).toBe(200)
    const admin = new Kafka({ brokers: ['127.0.0.1:39092'], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    expect((await admin.listTopics()).toSorted()).toEqual(['demo-topic-1', 'demo-topic-2'])
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).toEqual(['kafscale-demo'])
    await admin.disconnect()
    const second = await kafscale('demo', '--folder', join(folder, 'other'))
    expect([second.code, second.stderr]).toEqual([2, expect.stringContaining('the port is taken by another process')])
  } finally {
    expect(await demo.stop()).toBe(0)
  }
})
