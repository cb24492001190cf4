// What a command of the plug-in is, and what it may use.

import type { Clock } from '../../broker/clock.ts'
import type { KubeClient } from '../runtime/kube-client.ts'

/** Options that every command understands; further ones are its own. */
export type Values = Readonly<Record<string, string | boolean | undefined>>

export interface Session {
  readonly client: KubeClient
  readonly clock: Clock
  /** Undefined for all namespaces. */
  readonly namespace: string | undefined
  readonly print: (text: string) => void
  readonly writeFile: (file: string, text: string) => Promise<void>
  /** Rejects as Node's readFile does. */
  readonly readFile: (file: string) => Promise<Buffer>
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface Invocation {
  /** After the words of the command. */
  readonly names: readonly string[]
  readonly values: Values
}

export interface Command {
  /** `topic diff`. */
  readonly words: string
  /** What comes after the words. */
  readonly usage: string
  /** One line. */
  readonly summary: string
  /** Further lines of --help. */
  readonly details?: string
  readonly options?: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly about: string }>>
  /** Names that must be given, and names that may be. */
  readonly names: { readonly least: number; readonly most: number }
  /** Resolves with the exit code. Rejects with CommandFailed for what the user can mend. */
  run(session: Session, invocation: Invocation): Promise<number>
}

/** What the user reads, without a stack. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

/** The text of an option, if it was given. */
export function textOf(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
