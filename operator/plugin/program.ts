// The plug-in without its process: words to command, options, help, errors as sentences, exit code.
//
// Exit codes: what the command says, 1 for what went wrong, 2 for words that are none.

import { parseArgs } from 'node:util'
import { BadAddress } from '../../broker/client/address.ts'
import { BrokerUnreachable } from '../../broker/client/connection.ts'
import { AuthenticationFailed } from '../../broker/client/login.ts'
import { ConnectionError } from '../runtime/connection.ts'
import { KubeError } from '../runtime/errors.ts'
import { type Command, CommandFailed, type Session, type Values } from './command.ts'
import { explainScaling } from './explain.ts'
import { lag } from './lag.ts'
import { orphans } from './orphans.ts'
import { hibernate, pause, resume, wake } from './pausing.ts'
import { report } from './report.ts'
import { status } from './status.ts'
import { table } from './text.ts'
import { topicAdopt, topicDiff } from './topic.ts'

export const COMMANDS: readonly Command[] = [
  status,
  explainScaling,
  lag,
  topicDiff,
  topicAdopt,
  report,
  pause,
  resume,
  hibernate,
  wake,
  orphans,
]

/** Where the cluster is, as options say it. */
export interface Place {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly namespace: string | undefined
  readonly allNamespaces: boolean
}

export interface ProgramOptions {
  /** Rejects with ConnectionError. */
  readonly connect: (place: Place) => Promise<{ readonly session: Session; close(): Promise<void> }>
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
}

const COMMON = {
  namespace: { type: 'string', short: 'n' },
  'all-namespaces': { type: 'boolean', short: 'A' },
  context: { type: 'string' },
  kubeconfig: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Resolves with the exit code. Never rejects. */
export async function runProgram(
  words: readonly string[],
  { connect, print, complain }: ProgramOptions,
): Promise<number> {
  const command = commandOf(words)
  const wantsHelp = words.length === 0 || words.includes('--help') || words.includes('-h') || words[0] === 'help'
  if (command === undefined) {
    if (wantsHelp) print(overview())
    else complain(`kubectl kafscale: there is no command "${words.join(' ')}"; kubectl kafscale --help lists them`)
    return wantsHelp ? 0 : 2
  }
  if (wantsHelp) {
    print(helpOf(command))
    return 0
  }
  const parsed = parse(command, words.slice(command.words.split(' ').length))
  if (typeof parsed === 'string') {
    complain(`kubectl kafscale ${command.words}: ${parsed}\nusage: kubectl kafscale ${command.words} ${command.usage}`)
    return 2
  }
  try {
    const { session, close } = await connect(parsed.place)
    try {
      return await command.run(session, parsed)
    } finally {
      await close()
    }
  } catch (cause) {
    complain(`kubectl kafscale ${command.words}: ${sentence(cause)}${hint(cause, command, parsed.values)}`)
    return 1
  }
}

function commandOf(words: readonly string[]): Command | undefined {
  const text = `${words.filter(word => word !== 'help').join(' ')} `
  return COMMANDS.find(command => text.startsWith(`${command.words} `))
}

function parse(command: Command, args: readonly string[]) {
  const own = Object.entries(command.options ?? {}).map(([name, { type }]) => [name, { type }] as const)
  try {
    const options = { ...Object.fromEntries(own), ...COMMON }
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    const { least, most } = command.names
    if (positionals.length < least) return 'a name is missing'
    if (positionals.length > most) return `"${positionals[most]}" is one name too many`
    const given = Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) => (Array.isArray(value) ? [] : [[name, value] as const])),
    )
    const place: Place = {
      kubeconfig: values.kubeconfig,
      context: values.context,
      namespace: values.namespace,
      allNamespaces: values['all-namespaces'] === true,
    }
    return { names: positionals, values: given, place }
  } catch (cause) {
    // node:util says what is wrong in its first sentence, and then how its own users could mend it.
    return cause instanceof Error ? (cause.message.split('. ')[0] ?? cause.message) : String(cause)
  }
}

function sentence(cause: unknown): string {
  if (cause instanceof CommandFailed || cause instanceof ConnectionError) return cause.message
  if (cause instanceof BadAddress) return `a bootstrap server ${cause.message}`
  if (cause instanceof BrokerUnreachable) return `the brokers cannot be reached: ${cause.message}`
  if (cause instanceof AuthenticationFailed) return `the brokers refuse the login: ${cause.message}`
  if (cause instanceof KubeError) return kubeSentence(cause)
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
}

/** Brokers that want TLS or a login do not say so: they close the connection. */
function hint(cause: unknown, { options = {} }: Command, values: Values): string {
  const isMissing = 'command-config' in options && values['command-config'] === undefined
  return cause instanceof BrokerUnreachable && isMissing
    ? '; if they want TLS or a login, give --command-config FILE'
    : ''
}

function kubeSentence({ kind, message }: KubeError): string {
  switch (kind) {
    case 'Forbidden':
      return `you may not do this: ${message}`
    case 'Unauthorized':
      return `the API server does not know you: ${message}`
    case 'NotFound':
      return `${message}; are the custom resource definitions of KafScale installed?`
    case 'NoConnection':
    case 'Timeout':
      return `the API server cannot be reached: ${message}`
    case 'Invalid':
      return `the API server refused it: ${message}`
    default:
      return message
  }
}

function overview(): string {
  const rows = COMMANDS.map(({ words, usage, summary }) => [`  ${words} ${usage}`.trimEnd(), summary])
  return `Looks after KafScaleClusters and KafScaleTopics.

usage: kubectl kafscale COMMAND [options]

${table(['Commands:', ''], rows)}

${OPTIONS}
kubectl kafscale COMMAND --help tells more.`
}

const OPTIONS = `Options of all commands:
  -n, --namespace NAMESPACE   by default that of the context
  -A, --all-namespaces        for status and orphans
      --context CONTEXT       of the kubeconfig file
      --kubeconfig FILE       by default $KUBECONFIG or ~/.kube/config
  -h, --help
`

function helpOf({ words, usage, summary, details, options = {} }: Command): string {
  const rows = Object.entries(options).map(([name, { type, about }]) => [
    `  --${name}${type === 'string' ? ' VALUE' : ''}`,
    about,
  ])
  const own = rows.length === 0 ? '' : `${table(['Options:', ''], rows)}\n\n`
  const more = details === undefined ? '' : `${details}\n\n`
  return `${summary}\n\nusage: kubectl kafscale ${words} ${usage}\n\n${more}${own}${OPTIONS.trimEnd()}`
}
