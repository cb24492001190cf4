// A reader of the tutorial: a copy of the repository as a clone would have it, and a chapter carried out in it line by line.

import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { checkedRun } from '../../tools/image/checked-run.ts'
import { stepsOf } from '../../tools/tutorial/chapter.ts'
import { ChapterRunner } from '../../tools/tutorial/runner.ts'

export const repository = join(import.meta.dirname, '../..')
const STEP_LIMIT_MS = 300_000

export class Reader {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** What git knows, and what it would take if it were added; without what is installed or built. */
  static async withFreshCopy(): Promise<Reader> {
    const folder = await mkdtemp(join(tmpdir(), 'kafscale-tutorial-'))
    const listed = await checkedRun('git', [
      '-C',
      repository,
      'ls-files',
      '-z',
      '--cached',
      '--others',
      '--exclude-standard',
    ])
    for (const path of listed.split('\0').filter(name => name !== '')) {
      await mkdir(join(folder, dirname(path)), { recursive: true })
      // A file that was deleted and not yet committed is none.
      await cp(join(repository, path), join(folder, path)).catch(() => {})
    }
    return new Reader(folder)
  }

  /** Rejects with StepFailed. Whatever the chapter began has ended then. */
  async read(chapter: string): Promise<void> {
    const steps = stepsOf(await readFile(join(this.#folder, 'docs/tutorial', chapter), 'utf8'))
    const runner = new ChapterRunner({
      folder: this.#folder,
      environment: readersEnvironment(),
      limitMs: STEP_LIMIT_MS,
    })
    try {
      for (const step of steps) await runner.run(step)
    } finally {
      await runner.stop()
    }
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Of a terminal: without what npm and jest have put there for us. */
function readersEnvironment(): NodeJS.ProcessEnv {
  const own = join(repository, 'node_modules')
  const path = (process.env.PATH ?? '').split(':').filter(part => !part.startsWith(own))
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_OPTIONS$|JEST|INIT_CWD$|KAFSCALE_)/.test(name),
  )
  return { ...Object.fromEntries(kept), PATH: path.join(':') }
}
