import { type RunOptions, run } from '../parts/command.ts'

/** What the program wrote to stdout. Rejects with what it wrote to stderr when it fails. */
export async function checkedRun(program: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed with ${code}:\n${stderr}${stdout}`)
  return stdout
}
