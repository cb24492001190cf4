#!/usr/bin/env node
/**
 * `kafscale`: the words of the command line.
 *
 *   kafscale broker                      runs a broker, as its settings say
 *   kafscale client-config --for KIND    prints what a client needs to come in
 *   kafscale demo                        a broker, a console and clients at work, with nothing else
 *   kafscale console                     runs the web console
 *   kafscale doctor                      looks at the settings, and at everything that a broker with them would need
 *
 * Exit codes: 0 when all is well, 1 when something is wrong with the world, 2 when something is wrong with the words.
 */
import { clientConfigCommand } from './client-config-command.ts'
import { consoleCommand } from './console-command.ts'
import { demoCommand } from './demo-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { UsageError } from './usage.ts'

const USAGE = `usage: kafscale COMMAND

  broker          runs a broker, as its KAFSCALE_ settings say (docs/settings.md)
  client-config   prints the configuration of a client: kafscale client-config --help
  demo            a broker, the console and clients at work on this machine, with nothing else
  console         runs the web console: kafscale console --help
  doctor          looks at settings, addresses, certificates, etcd, S3 and clocks, and says what is wrong
`

async function main([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'broker':
      await import('../broker/main.ts')
      return 0
    case 'client-config':
      process.stdout.write(clientConfigCommand(args, process.env))
      return 0
    case 'demo':
      return demoCommand(args, line => process.stdout.write(`${line}\n`))
    case 'console':
      return consoleCommand(args, process.env, line => process.stdout.write(`${line}\n`))
    case 'doctor':
      return doctorCommand(args, process.env, line => process.stdout.write(`${line}\n`))
    case undefined:
    case 'help':
    case '--help':
      process.stdout.write(USAGE)
      return command === undefined ? 2 : 0
    default:
      throw new UsageError(`there is no command ${command}\n\n${USAGE}`)
  }
}

try {
  const code = await main(process.argv.slice(2))
  if (code !== 0) process.exitCode = code
} catch (cause) {
  if (!(cause instanceof UsageError)) throw cause
  process.stderr.write(`kafscale: ${cause.message}\n`)
  process.exitCode = 2
}
