// The arrows between the rooms of the broker point one way (docs/architecture.md); this reads every import and says where
// one does not.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '..')

/** For each room the rooms that it may import from, itself not counted. `.` is the files of the broker folder itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  state: ['wire'],
  observe: ['clock.ts', 'objects', 'wire'],
  ledger: ['clock.ts', 'wire', 'state'],
  objects: ['clock.ts', 'wire'],
  data: ['clock.ts', 'wire', 'state', 'ledger', 'objects'],
  groups: ['clock.ts', 'observe', 'wire', 'state', 'ledger'],
  upkeep: ['clock.ts', 'wire', 'state', 'ledger', 'objects', 'data', 'groups', 'observe'],
  api: ['clock.ts', 'wire', 'state', 'ledger', 'data', 'groups', 'security'],
  net: ['clock.ts', 'observe', 'wire'],
  client: ['clock.ts', 'net', 'wire', 'security'],
  security: ['clock.ts', 'watched-files.ts', 'net', 'wire', 'state'],
}

/** The same for the operator. `runtime` knows nothing of Kafka; of the broker there are only these doors. */
const OPERATOR: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  certificates: [],
  types: ['runtime'],
  bucket: ['runtime', 'types'],
  etcd: ['runtime', 'types', 'certificates', 'bucket'],
  scaling: ['runtime', 'types'],
  signals: ['runtime', 'types', 'scaling'],
  topic: ['runtime', 'types'],
  cluster: ['runtime', 'types', 'certificates', 'bucket', 'etcd', 'scaling', 'signals'],
  user: ['runtime', 'types', 'certificates', 'topic', 'cluster'],
  plugin: ['runtime', 'types', 'scaling', 'signals', 'topic', 'cluster'],
}

const BROKER_DOORS: Readonly<Record<string, RegExp>> = {
  runtime: /^broker\/(clock|observe\/logger)\.ts$/,
  types: /^broker\/(settings|state\/topic-config-keys)\.ts$/,
  certificates: /^$/,
  // Requests to S3 are signed and tried again as the brokers do it.
  bucket: /^broker\/(clock\.ts$|objects\/)/,
}

const ANY_BROKER_DOOR =
  /^broker\/(clock|settings|system-random|version|observe\/logger|state\/topic-config-keys)\.ts$|^broker\/(client|wire)\//

/** What would let a builder of desired objects talk to somebody. */
const CLIENTS =
  /^operator\/runtime\/(kube-client|http-kube-client|applier|reflector|store|event-recorder|controller)\.ts$/

interface Import {
  readonly file: string
  readonly target: string
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .filter(file => !file.endsWith('.test.ts') && !/\.contract\.ts$|\/testing\.ts$/.test(file))
}

function imports(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(match => ({
    file,
    target: relative(root, join(root, dirname(file), match[1] ?? '')),
  }))
}

const all = sources('broker').flatMap(imports)

describe('imports of the broker', () => {
  test('there are some, so that the other tests mean something', () => {
    expect(all.length).toBeGreaterThan(100)
  })

  test.each(Object.keys(ALLOWED))('%s imports only from rooms below it', room => {
    const allowed = new Set([room, ...(ALLOWED[room] ?? [])])
    const wrong = all
      .filter(({ file }) => file.startsWith(`broker/${room}/`))
      .filter(({ target }) => !allowed.has(target.split('/')[1] ?? '') || !target.startsWith('broker/'))
    expect(wrong).toEqual([])
  })

  test('every folder of the broker is a room with rules', () => {
    const folders = readdirSync(join(root, 'broker'), { withFileTypes: true }).filter(entry => entry.isDirectory())
    expect(folders.map(({ name }) => name).filter(name => ALLOWED[name] === undefined)).toEqual([])
  })

  test('only main.ts reads the environment', () => {
    const readers = sources('broker').filter(file => readFileSync(join(root, file), 'utf8').includes('process.env'))
    expect(readers).toEqual(['broker/main.ts'])
  })

  test('a wrong arrow would be noticed', () => {
    const [found] = imports('broker/core.ts').filter(({ target }) => target === 'broker/ledger/replica.ts')
    expect(found).toEqual({ file: 'broker/core.ts', target: 'broker/ledger/replica.ts' })
  })
})

describe('imports of the operator', () => {
  const found = sources('operator').flatMap(imports)

  test('there are some, so that the other tests mean something', () => {
    expect(found.length).toBeGreaterThan(50)
  })

  test.each(Object.keys(OPERATOR))('%s imports only from rooms below it, and from the broker by its doors', room => {
    const rooms = new Set([room, ...(OPERATOR[room] ?? [])])
    const doors = BROKER_DOORS[room] ?? ANY_BROKER_DOOR
    const wrong = found
      .filter(({ file }) => file.startsWith(`operator/${room}/`))
      .filter(({ target }) => !doors.test(target))
      .filter(({ target }) => !target.startsWith('operator/') || !rooms.has(target.split('/')[1] ?? ''))
    expect(wrong).toEqual([])
  })

  test('every folder of the operator is a room with rules', () => {
    const folders = readdirSync(join(root, 'operator'), { withFileTypes: true }).filter(entry => entry.isDirectory())
    expect(folders.map(({ name }) => name).filter(name => OPERATOR[name] === undefined)).toEqual([])
  })

  test('what is desired is built without a client', () => {
    const builders = found.filter(({ file }) => file.includes('/desired/'))
    expect(builders.filter(({ target }) => CLIENTS.test(target))).toEqual([])
  })

  test('only main.ts reads the environment', () => {
    const readers = sources('operator').filter(file => readFileSync(join(root, file), 'utf8').includes('process.env'))
    expect(readers.filter(file => !/^operator\/((etcd|plugin)\/)?main\.ts$/.test(file))).toEqual([])
  })

  test('the broker knows nothing of the operator', () => {
    expect(all.filter(({ target }) => target.startsWith('operator/'))).toEqual([])
  })
})

describe('imports of the console', () => {
  const found = sources('console').flatMap(imports)

  test('it is a client like any other: of broker and operator there are only these doors', () => {
    const doors =
      /^broker\/(clock\.ts$|observe\/logger\.ts$|security\/sasl\.ts$|client\/|wire\/)|^operator\/(signals\/(exposition|scrape)\.ts$|types\/)/
    expect(found.length).toBeGreaterThan(30)
    expect(found.filter(({ target }) => !target.startsWith('console/') && !doors.test(target))).toEqual([])
  })

  test('nobody but the command line begins it', () => {
    const others = ['broker', 'operator'].flatMap(sources).flatMap(imports)
    expect(others.filter(({ target }) => target.startsWith('console/'))).toEqual([])
  })
})
