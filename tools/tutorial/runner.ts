/**
 * Carries out the steps of a chapter in a copy of the repository, as a reader in a terminal would: each command begins in the
 * folder where the last one ended, with what it exported.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingLine, type Step } from './chapter.ts'

export interface RunnerOptions {
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  /** For each command, ms. */
  readonly limitMs: number
}

/** The step did not do what the chapter says. The message has the line, the command and the end of what it printed. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed'
}

const LOOK_EVERY_MS = 100
const MOST_SHOWN = 4000

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  output: string
}

export class ChapterRunner {
  readonly #options: RunnerOptions
  #folder: string
  /** Of the shell: what the commands so far have exported. */
  #exported = ''
  #background: Running[] = []

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#folder = options.folder
  }

  /** Rejects with StepFailed. */
  async run(step: Step): Promise<void> {
    if (step.kind === 'run') await this.#foreground(step)
    if (step.kind === 'background') await this.#begin(step)
    if (step.kind === 'stop') await this.#stopLast()
  }

  /** Ends what goes on in the background, the last one first. */
  async stop(): Promise<void> {
    for (const running of this.#background.splice(0).reverse()) await end(running, this.#options.limitMs)
  }

  async #stopLast(): Promise<void> {
    const last = this.#background.pop()
    if (last !== undefined) await end(last, this.#options.limitMs)
  }

  async #foreground(step: Extract<Step, { kind: 'run' }>): Promise<void> {
    const scratch = await mkdtemp(join(tmpdir(), 'tutorial-'))
    try {
      const place = join(scratch, 'pwd')
      const exported = join(scratch, 'exported')
      const running = this.#start(`trap 'pwd > ${place}; export -p > ${exported}' EXIT\n${step.script}`)
      const code = await Promise.race([running.ended, late(this.#options.limitMs)])
      if (code === 'late') {
        await end(running, 0)
        throw failure(step, 'it did not end in time', running.output)
      }
      if ((code === 0) === step.fails) throw failure(step, `exit code ${code}`, running.output)
      const missing = missingLine(step.prints, running.output)
      if (missing !== undefined) throw failure(step, `it did not print "${missing}"`, running.output)
      this.#folder = (await readFile(place, 'utf8')).trim()
      this.#exported = await readFile(exported, 'utf8')
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  async #begin(step: Extract<Step, { kind: 'background' }>): Promise<void> {
    const running = this.#start(step.script)
    this.#background.push(running)
    const deadline = performance.now() + this.#options.limitMs
    for (;;) {
      const missing = missingLine(step.prints, running.output)
      if (missing === undefined) return
      if (running.child.exitCode !== null)
        throw failure(step, `it ended before it printed "${missing}"`, running.output)
      if (performance.now() > deadline) throw failure(step, `it did not print "${missing}"`, running.output)
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  /** In a process group of its own, as a terminal would have it. */
  #start(script: string): Running {
    const { environment: env } = this.#options
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', `${this.#exported}\n${script}`], {
      cwd: this.#folder,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
    const running: Running = { child, ended, output: '' }
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        running.output += text
      })
    }
    return running
  }
}

/** As Ctrl-C does; what does not listen to it is killed. */
async function end({ child, ended }: Running, limitMs: number): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  signal(child.pid, 'SIGINT')
  if ((await Promise.race([ended, late(limitMs)])) !== 'late') return
  signal(child.pid, 'SIGKILL')
  await ended
}

function signal(group: number, name: 'SIGINT' | 'SIGKILL'): void {
  try {
    process.kill(-group, name)
  } catch {
    // It has just ended by itself.
  }
}

const late = (ms: number): Promise<'late'> => new Promise(resolve => setTimeout(resolve, ms, 'late').unref())

const failure = ({ line, script }: { line: number; script: string }, why: string, output: string): StepFailed =>
  new StepFailed(`line ${line}: ${why}\n$ ${script}\n${output.slice(-MOST_SHOWN)}`)
