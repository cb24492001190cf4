// The API server's audit log: who asked for what, and what came of it.

import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const eventSchema = z.object({
  verb: z.string(),
  user: z.object({ username: z.string() }),
  userAgent: z.string().optional(),
  requestURI: z.string(),
  requestReceivedTimestamp: z.string(),
  objectRef: z
    .object({
      resource: z.string().default(''),
      namespace: z.string().optional(),
      name: z.string().optional(),
      subresource: z.string().optional(),
    })
    .optional(),
  responseStatus: z.object({ code: z.number().optional() }).optional(),
})

export interface AuditedCall {
  readonly user: string
  readonly verb: string
  /** `deployments` or `deployments/scale`; empty for what is no resource, as discovery is. */
  readonly resource: string
  readonly name: string
  readonly uri: string
  /** HTTP status; 0 for what has none. */
  readonly code: number
  /** When it came, ms since 1970. */
  readonly at: number
}

/** Calls that have ended, in the order of their ends. A line that is still being written is left out. */
export async function auditedCalls(file: string): Promise<AuditedCall[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => auditedCall(eventSchema.parse(JSON.parse(line))))
}

function auditedCall(event: z.output<typeof eventSchema>): AuditedCall {
  const { resource = '', subresource, name = '' } = event.objectRef ?? {}
  return {
    user: event.user.username,
    verb: event.verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    name,
    uri: event.requestURI,
    code: event.responseStatus?.code ?? 0,
    at: Date.parse(event.requestReceivedTimestamp),
  }
}

const READING = new Set(['get', 'list', 'watch'])

export const isWrite = ({ verb }: AuditedCall): boolean => !READING.has(verb)
