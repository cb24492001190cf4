/**
 * Compiles the referee, two programs over Apache Kafka's own classes, and runs the first of them, `Referee.java`: random
 * messages, to be compared with what our codecs make of them.
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { clients, compiled, jdk } from '../parts/parts.ts'
import type { WireMessage } from './round-trip.ts'

const KAFKA_VERSION = '4.3.1'

/** One message as Kafka wrote it and as Kafka read it back. */
export interface Verdict {
  readonly name: string
  readonly version: number
  readonly bytes: Buffer
  /** As `canonical` makes it from a message of ours. */
  readonly value: unknown
}

export interface Referee {
  readonly java: string
  readonly classPath: string
}

/** The compiled programs. Throws `PartUnavailable` where a JDK or Maven is missing. */
export async function referee(): Promise<Referee> {
  const [{ java }, jars] = await Promise.all([jdk(), clients(KAFKA_VERSION)])
  const sources = ['Referee.java', 'BatchReferee.java'].map(name => join(import.meta.dirname, name))
  return { java, classPath: await compiled(`referee-${KAFKA_VERSION}`, sources, jars) }
}

/** Calls `judge` with `count` messages for every version of every one of `messages`; resolves with their number. */
export async function verdicts(
  { java, classPath }: Referee,
  messages: readonly WireMessage[],
  { seed, count }: { seed: number; count: number },
  judge: (verdict: Verdict) => void,
): Promise<number> {
  const flags = ['-Xmx192m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath]
  const child = spawn(java, [...flags, 'Referee', String(seed)], { stdio: ['pipe', 'pipe', 'pipe'] })
  const complaints: Buffer[] = []
  child.stderr.on('data', (part: Buffer) => complaints.push(part))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  child.stdin.end(messages.map(message => `${workFor(message)} ${count}\n`).join(''))
  let judged = 0
  for await (const line of createInterface({ input: child.stdout })) {
    judge(parse(line))
    judged++
  }
  const code = await ended
  if (code !== 0) throw new Error(`the referee ended with ${code}: ${Buffer.concat(complaints).toString()}`)
  return judged
}

/** Kafka calls the classes of requests, responses and headers `...Data`, but not those of the consumer protocol. */
function workFor({ name, firstVersion, lastVersion }: WireMessage): string {
  return `${name}${name.startsWith('ConsumerProtocol') ? '' : 'Data'} ${firstVersion} ${lastVersion}`
}

function parse(line: string): Verdict {
  const { name, version, bytes, value } = JSON.parse(line)
  return { name, version, bytes: Buffer.from(bytes, 'base64'), value }
}

/** A message in the form in which the referee prints it: bytes and records as `{ hex }`. */
export function canonical(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return { hex: value.toString('hex') }
  if (Array.isArray(value)) {
    const records = value.filter(element => Buffer.isBuffer(element))
    return records.length > 0 ? canonical(Buffer.concat(records)) : value.map(canonical)
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, canonical(field)]))
}
