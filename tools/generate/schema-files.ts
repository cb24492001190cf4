/** Reads a folder of schema files. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiSchema, Message } from '../../broker/wire/schema/notation.ts'

export interface SchemaFile {
  /** File name without `.ts`. */
  readonly name: string
  readonly apis: readonly ApiSchema[]
  /** Requests and responses of the APIs, and all other messages. */
  readonly messages: readonly Message[]
  /** What the comment at the top says after the colon. */
  readonly about: string
}

/** The files of a folder that hold messages, by name; none when there is no such folder. */
export async function schemaFiles(folder: string): Promise<SchemaFile[]> {
  const names = await readdir(folder).catch(() => [])
  const files: SchemaFile[] = []
  for (const name of names.sort()) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue
    const exported: unknown[] = Object.values(await import(join(folder, name)))
    const apis = exported.filter(value => value instanceof ApiSchema)
    const messages = exported.flatMap(value => {
      if (value instanceof ApiSchema) return [value.request, value.response]
      return value instanceof Message ? [value] : []
    })
    if (messages.length === 0) continue
    const text = await readFile(join(folder, name), 'utf8')
    const about = /^\/\*\* [^:]*: (.*) \*\/$/m.exec(text)?.[1] ?? ''
    files.push({ name: name.slice(0, -'.ts'.length), apis, messages, about })
  }
  return files
}
