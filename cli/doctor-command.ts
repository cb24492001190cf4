/** `kafscale doctor`: one line for each thing that a broker needs, and at the end whether all is well. */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { ClientPropertiesError, readClientSecurity } from '../broker/client/client-properties.ts'
import { loadSettings } from '../broker/load-settings.ts'
import { checks, Wrong } from './doctor.ts'
import { UsageError } from './usage.ts'

export const DOCTOR_USAGE = `usage: kafscale doctor [--command-config FILE]

Looks at the KAFSCALE_ settings of the environment, as a broker would get them, and at what they name: addresses,
certificates, the place of the data, clocks. It opens the place of the data as a broker does: a folder that is not there is made, a
bucket is tried with an object that is deleted again. Exit code 1 when something is wrong.

  --command-config FILE    how a client comes in, as for Kafka's own tools: brokers that do not take everybody are asked for their
                           addresses with it
`

type Environment = Readonly<Record<string, string | undefined>>

/** Throws UsageError. Resolves with the exit code. */
export async function doctorCommand(
  args: readonly string[],
  environment: Environment,
  print: (line: string) => void,
): Promise<number> {
  const { help, 'command-config': file } = parse(args)
  if (help === true) {
    print(DOCTOR_USAGE.trimEnd())
    return 0
  }
  const client = file === undefined ? undefined : await clientIn(file, environment)
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
  for (const { name, run } of checks(settings(), client)) await tell(name, run)
  print(wrong === 0 ? 'all is well' : `${wrong} wrong`)
  return wrong === 0 ? 0 : 1
}

function parse(args: readonly string[]) {
  try {
    const options = { 'command-config': { type: 'string' }, help: { type: 'boolean' } } as const
    return parseArgs({ args: [...args], options }).values
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : cause}\n\n${DOCTOR_USAGE}`)
  }
}

async function clientIn(file: string, environment: Environment) {
  return readClientSecurity(file, { readFile, environment }).catch(cause => {
    if (cause instanceof ClientPropertiesError) throw new UsageError(`--command-config ${file}: ${cause.message}`)
    throw cause
  })
}

const oneLine = (cause: unknown): string => String(cause instanceof Error ? cause.message : cause).split('\n')[0] ?? ''
