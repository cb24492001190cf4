// The test's end of a client agent: starts the program, sends calls, collects a group member's assignment and records.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { AgentEvent, CallName, Calls, ReadRecordJson } from './protocol.ts'

/** How to start an agent; the bootstrap address is appended to the arguments. */
export interface AgentProgram {
  program: string
  args: string[]
  env?: NodeJS.ProcessEnv
}

/** What the client library answered with an error; the message has the call and the library's name of the error. */
export class AgentError extends Error {
  override name = 'AgentError'
}

interface Waiting {
  call: string
  /** Takes the line that answers the call. */
  answer(line: string): void
  fail(error: Error): void
}

const CALL_LIMIT_MS = 60_000

export class Agent {
  /** Partitions of this agent's group member, as of the last event. */
  assignment: number[] = []
  /** Records that the group member has received, in order of arrival. */
  received: ReadRecordJson[] = []
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, Waiting>()
  readonly #watchers = new Set<() => void>()
  readonly #ended: Promise<void>
  #lastId = 0
  #errorOutput = ''

  constructor(program: AgentProgram, bootstrap: string) {
    const { NODE_OPTIONS: _forJestOnly, ...inherited } = process.env
    this.#child = spawn(program.program, [...program.args, bootstrap], { env: { ...inherited, ...program.env } })
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.on('data', (text: Buffer) => {
      this.#errorOutput = (this.#errorOutput + text.toString()).slice(-8000)
    })
    createInterface(this.#child.stdout).on('line', line => this.#take(line))
    this.#ended = new Promise<void>(resolve => {
      this.#child.on('close', () => resolve())
      this.#child.on('error', error => {
        this.#errorOutput += String(error)
        resolve()
      })
    }).then(() => this.#failAll())
  }

  call<Name extends CallName>(
    call: Name,
    args: Calls[Name]['args'],
    limitMs = CALL_LIMIT_MS,
  ): Promise<Calls[Name]['result']> {
    const id = ++this.#lastId
    return new Promise<Calls[Name]['result']>((resolve, reject) => {
      const limit = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`${call} was not answered within ${limitMs} ms; the agent's stderr: ${this.#errorOutput}`))
      }, limitMs)
      const settled = () => {
        clearTimeout(limit)
        this.#waiting.delete(id)
      }
      const fail = (error: Error) => {
        settled()
        reject(error)
      }
      const answer = (line: string) => {
        const { result, error } = JSON.parse(line)
        if (error) return fail(new AgentError(`${call}: ${error.name}: ${error.message}`))
        settled()
        resolve(result)
      }
      this.#waiting.set(id, { call, answer, fail })
      this.#child.stdin.write(`${JSON.stringify({ id, call, args })}\n`)
    })
  }

  /** Waits until `holds` is true of this agent's group member. `what` names the wait when it takes too long. */
  until(what: string, holds: (agent: Agent) => boolean, limitMs = CALL_LIMIT_MS): Promise<void> {
    return untilAgents([this], what, () => holds(this), limitMs)
  }

  /** Calls `look` after every event; answers how to stop that. */
  watch(look: () => void): () => void {
    this.#watchers.add(look)
    return () => this.#watchers.delete(look)
  }

  /** What the member has seen, for messages. */
  summary(): string {
    return `assignment [${this.assignment}], ${this.received.length} records, stderr: ${this.#errorOutput}`
  }

  /** SIGKILL: the client gets no chance to say good-bye. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Ends the agent by the end of its input; kills it when it lingers. */
  async stop(patienceMs = 5_000): Promise<void> {
    this.#child.stdin.end()
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs)
    await this.#ended
    clearTimeout(limit)
  }

  #take(line: string): void {
    const id = /^\{"id": ?(\d+)/.exec(line)?.[1]
    if (id !== undefined) this.#waiting.get(Number(id))?.answer(line)
    else if (line.startsWith('{"event"')) this.#takeEvent(JSON.parse(line))
    // Libraries print to stdout now and then.
    else this.#errorOutput = `${this.#errorOutput}${line}\n`.slice(-8000)
  }

  #takeEvent(event: AgentEvent): void {
    if (event.event === 'assigned') this.assignment = event.partitions.toSorted((a, b) => a - b)
    else this.received.push(event.record)
    for (const look of this.#watchers) look()
  }

  #failAll(): void {
    for (const waiting of this.#waiting.values()) {
      waiting.fail(new Error(`the agent ended during ${waiting.call}; its stderr: ${this.#errorOutput}`))
    }
  }
}

/** Waits until `holds` is true, looking again after every event of these agents. */
export function untilAgents(
  agents: Agent[],
  what: string,
  holds: () => boolean,
  limitMs = CALL_LIMIT_MS,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(limit)
      for (const stop of stops) stop()
    }
    const look = () => {
      if (!holds()) return
      finish()
      resolve()
    }
    const limit = setTimeout(() => {
      finish()
      const seen = agents.map(agent => agent.summary()).join('\n')
      reject(new Error(`${what}: not within ${limitMs} ms:\n${seen}`))
    }, limitMs)
    const stops = agents.map(agent => agent.watch(look))
    look()
  })
}
