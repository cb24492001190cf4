// libfaketime from Debian: a library that, preloaded, gives one process a wall clock of its own.

import { run } from './command.ts'
import { debianProgram } from './debian.ts'
import { PartUnavailable } from './unavailable.ts'

/** Path of the library, to be named in LD_PRELOAD. */
export async function faketime(): Promise<string> {
  const program = await debianProgram('faketime')
  const { stdout } = await run(program, ['-m', '-f', '+0', 'printenv', 'LD_PRELOAD'])
  const library = stdout.trim().split(':').at(-1)
  if (library === undefined || !library.endsWith('.so.1'))
    throw new PartUnavailable('faketime does not say where it is')
  return library
}
