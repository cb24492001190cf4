/** `kafscale doctor`: one line for each thing that a broker needs, and at the end whether all is well. */
import { loadSettings } from '../broker/load-settings.ts'
import { checks, Wrong } from './doctor.ts'
import { UsageError } from './usage.ts'

export const DOCTOR_USAGE = `usage: kafscale doctor

Looks at the KAFSCALE_ settings of the environment, as a broker would get them, and at what they name: addresses,
certificates, the place of the data, clocks. It opens the place of the data as a broker does: a folder that is not there is made, a
bucket is tried with an object that is deleted again. Exit code 1 when something is wrong.
`

type Environment = Readonly<Record<string, string | undefined>>

/** Throws UsageError. Resolves with the exit code. */
export async function doctorCommand(
  args: readonly string[],
  environment: Environment,
  print: (line: string) => void,
): Promise<number> {
  if (args[0] === '--help') {
    print(DOCTOR_USAGE.trimEnd())
    return 0
  }
  if (args.length > 0) throw new UsageError(`there is no option ${args[0]}\n\n${DOCTOR_USAGE}`)
  let wrong = 0
  const tell = async (name: string, check: () => Promise<string>): Promise<void> => {
    try {
      print(`ok     ${name}: ${await check()}`)
    } catch (cause) {
      wrong++
      print(`WRONG  ${name}: ${cause instanceof Wrong ? cause.message : oneLine(cause)}`)
    }
  }
  const settings = () => loadSettings(environment)
  await tell('settings', async () => `${Object.keys(settings()).length} are set or have a default`)
  // Everything else is about what they say.
  if (wrong > 0) return 1
  for (const { name, run } of checks(settings())) await tell(name, run)
  print(wrong === 0 ? 'all is well' : `${wrong} wrong`)
  return wrong === 0 ? 0 : 1
}

const oneLine = (cause: unknown): string => String(cause instanceof Error ? cause.message : cause).split('\n')[0] ?? ''
