// kubectl and Helm against one API server, as a person would use them.

import { type Outcome, run } from '../../tools/parts/command.ts'

export class Kubectl {
  readonly kubeconfig: string
  readonly #program: string

  constructor(program: string, kubeconfig: string) {
    this.#program = program
    this.kubeconfig = kubeconfig
  }

  /** What it printed. Rejects with what it complained of when it fails. */
  async run(args: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.outcome(args, input)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} failed with ${code}: ${stderr}${stdout}`)
    return stdout
  }

  outcome(args: readonly string[], input = ''): Promise<Outcome> {
    return run(this.#program, ['--kubeconfig', this.kubeconfig, ...args], { input })
  }

  async succeeds(args: readonly string[]): Promise<boolean> {
    return (await this.outcome(args)).code === 0
  }

  /** Applies objects, or YAML. */
  apply(objects: string | readonly object[], ...args: readonly string[]): Promise<string> {
    return this.run(['apply', ...args, '-f', '-'], typeof objects === 'string' ? objects : listOf(objects))
  }

  /** One field by its JSONPath; empty when it is not there. */
  field(what: readonly string[], path: string): Promise<string> {
    return this.run(['get', ...what, '-o', `jsonpath={${path}}`])
  }
}

const listOf = (items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

/** Helm with the kubeconfig; rejects with what it complained of when it fails. */
export async function runHelm(program: string, kubeconfig: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, ['--kubeconfig', kubeconfig, ...args])
  if (code !== 0) throw new Error(`helm ${args.join(' ')} failed with ${code}: ${stderr}${stdout}`)
  return stdout
}
