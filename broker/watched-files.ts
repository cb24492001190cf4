/**
 * Files that are read again when they change, such as certificates that are renewed while the broker runs. They are looked
 * at every few seconds and compared by content: Kubernetes swaps mounted Secrets by links, which file events miss. A change
 * that makes no sense is told of once and left alone; what was read before goes on to count.
 */
import { readFile } from 'node:fs/promises'
import type { Clock, Timer } from './clock.ts'

export const LOOK_EVERY_MS = 5000

export interface WatchedFilesOptions<Value> {
  readonly clock: Clock
  readonly paths: readonly string[]
  /** Throws when the contents make no sense; they come in the order of the paths. */
  readonly parse: (contents: readonly Buffer[]) => Value
  readonly onChange?: (value: Value) => void
  /** The files cannot be read, or not be parsed. */
  readonly onProblem: (message: string) => void
}

export class WatchedFiles<Value> {
  readonly #options: WatchedFilesOptions<Value>
  #contents: readonly Buffer[]
  #value: Value
  #timer: Timer
  #problem = ''
  #closed = false

  /** Rejects with why a file cannot be read, or with what `parse` throws. */
  static async open<Value>(options: WatchedFilesOptions<Value>): Promise<WatchedFiles<Value>> {
    const contents = await read(options.paths)
    return new WatchedFiles(options, contents, options.parse(contents))
  }

  private constructor(options: WatchedFilesOptions<Value>, contents: readonly Buffer[], value: Value) {
    this.#options = options
    this.#contents = contents
    this.#value = value
    this.#timer = this.#later()
  }

  /** As of the last contents that made sense. */
  get value(): Value {
    return this.#value
  }

  close(): void {
    this.#closed = true
    this.#options.clock.clearTimeout(this.#timer)
  }

  #later(): Timer {
    return this.#options.clock.setTimeout(() => void this.#look(), LOOK_EVERY_MS)
  }

  async #look(): Promise<void> {
    const { paths, parse, onChange, onProblem } = this.#options
    try {
      const contents = await read(paths)
      if (contents.some((content, index) => this.#contents[index]?.equals(content) !== true)) {
        this.#contents = contents
        this.#value = parse(contents)
        onChange?.(this.#value)
      }
      this.#problem = ''
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause)
      if (problem !== this.#problem) onProblem(problem)
      this.#problem = problem
    }
    if (!this.#closed) this.#timer = this.#later()
  }
}

function read(paths: readonly string[]): Promise<Buffer[]> {
  return Promise.all(paths.map(path => readFile(path)))
}
