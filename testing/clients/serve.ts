// The agent's end of the protocol, for client libraries that run on Node.

import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { AgentEvent, Calls, ReadRecordJson } from './protocol.ts'

export type Handlers = {
  [Name in keyof Calls]?: (args: Calls[Name]['args']) => Promise<Calls[Name]['result']>
}

/** The addresses given on the command line, separated by commas. */
export function bootstrapArgument(): string[] {
  const bootstrap = process.argv[2]
  if (!bootstrap) throw new Error('usage: agent HOST:PORT,...')
  return bootstrap.split(',')
}

/** What the module that the environment variable CLIENT_CONFIG names exports as `config`; nothing without one. */
export async function clientConfig<Config extends object>(): Promise<Partial<Config>> {
  const path = process.env.CLIENT_CONFIG
  if (path === undefined) return {}
  const { config } = z.object({ config: z.custom<Config>() }).parse(await import(path))
  return config
}

/** Serves calls until stdin ends, then ends the process. Calls run at once, not one after another. */
export function serve(handlers: Handlers): void {
  const input = createInterface(process.stdin)
  input.on('line', async line => {
    const { id, call, args } = JSON.parse(line)
    try {
      const handler = Object.entries(handlers).find(([name]) => name === call)?.[1]
      if (!handler) throw new Error(`this agent has no call ${call}`)
      send({ id, result: (await handler(args)) ?? null })
    } catch (error) {
      send({ id, error: { name: nameOf(error), message: messageOf(error) } })
    }
  })
  input.on('close', () => process.exit(0))
}

export function emit(event: AgentEvent): void {
  send(event)
}

export function emitRecord(record: ReadRecordJson): void {
  send({ event: 'record', record })
}

export function base64(bytes: Buffer | null | undefined): string | null {
  return bytes ? bytes.toString('base64') : null
}

export function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64')
}

function send(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Error'
  return 'type' in error && typeof error.type === 'string' ? error.type : error.name
}

/** With the causes: libraries hide the broker's error deep inside their own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error instanceof AggregateError ? error.errors.map(messageOf) : []
  const cause = error.cause === undefined ? [] : [messageOf(error.cause)]
  const perGroup =
    'groups' in error && Array.isArray(error.groups) ? error.groups.map(group => messageOf(group.error)) : []
  const apiId = 'apiId' in error && typeof error.apiId === 'string' ? [error.apiId] : []
  return [error.message, ...apiId, ...perGroup, ...inner, ...cause].join(': ')
}
