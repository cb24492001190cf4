// Apache's Java client in a chaos run: a process of its own that produces and consumes with the library's default settings.
// Each of its two sides is a client of the run.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { clients, compiled, jdk } from '../../tools/parts/parts.ts'
import { Progress } from './progress.ts'
import { type ChaosClient, type ClientError, now, type Place } from './workload.ts'

const LONGEST_END_MS = 150_000

export interface JavaProgram {
  readonly java: string
  readonly classPath: string
}

export async function javaProgram(): Promise<JavaProgram> {
  const [{ java }, jars] = await Promise.all([jdk(), clients('4.4.0')])
  const classPath = await compiled('chaos-4.4.0', [join(import.meta.dirname, 'ChaosLoad.java')], jars)
  return { java, classPath }
}

interface Side extends ChaosClient {
  readonly errors: ClientError[]
}

export class JavaLoad {
  /** The producer and the group's member. */
  readonly clients: readonly [Side, Side]
  readonly #place: Place
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<void>
  #stopping: Promise<void> | undefined

  constructor({ java, classPath }: JavaProgram, place: Place) {
    this.#place = place
    const side = (name: string, role: ChaosClient['role']): Side => ({
      name,
      role,
      progress: new Progress(),
      errors: [],
      stop: () => this.#stop(),
    })
    this.clients = [side('java', 'producer'), side('java-group', 'reader')]
    const { NODE_OPTIONS: _forJestOnly, ...env } = process.env
    const bootstrap = place.ports.map(port => `127.0.0.1:${port}`).join(',')
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
    const jvm = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', quiet, '-cp', classPath]
    const args = [...jvm, 'ChaosLoad', bootstrap, place.topic, place.partitions.join(','), 'java']
    this.#child = spawn(java, args, { env })
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.resume()
    createInterface(this.#child.stdout).on('line', line => this.#take(line))
    this.#ended = new Promise(resolve => this.#child.on('close', () => resolve()))
  }

  #stop(): Promise<void> {
    this.#stopping ??= this.#end()
    return this.#stopping
  }

  async #end(): Promise<void> {
    this.#child.stdin.end()
    const limit = setTimeout(() => {
      this.clients[0].errors.push({ at: now(), message: `did not end within ${LONGEST_END_MS} ms` })
      this.#child.kill('SIGKILL')
    }, LONGEST_END_MS)
    await this.#ended
    clearTimeout(limit)
  }

  #take(line: string): void {
    const [producer, member] = this.clients
    const { log } = this.#place
    const [what, ...parts] = line.split(' ')
    const [first = '', second = '', third = '', fourth = ''] = parts
    if (what === 'S') {
      const [partition, sequence] = [Number(second), Number(third)]
      log({ kind: 'send', key: first, producer: producer.name, idempotent: true, partition, sequence })
    } else if (what === 'A') {
      log({ kind: 'ack', key: first, partition: Number(second), offset: Number(third) })
      producer.progress.note(now())
    } else if (what === 'P') {
      log({ kind: 'position', reader: member.name, group: 'java', partition: Number(first), offset: Number(second) })
    } else if (what === 'R') {
      const place = { partition: Number(first), offset: Number(second) }
      log({ kind: 'read', reader: member.name, ...place, key: third, digest: Number(fourth) })
      member.progress.note(now())
    } else if (what === 'E') {
      const side = first === 'producer' ? producer : member
      side.errors.push({ at: now(), message: parts.slice(1).join(' ') })
    }
  }
}
