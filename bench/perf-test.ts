/** Apache's own performance tools, each in a JVM of its own. */
import { join } from 'node:path'
import { run } from '../tools/parts/command.ts'
import { jdk, kafka } from '../tools/parts/parts.ts'

/** What the tool printed; throws when it failed. `name`: a class of org.apache.kafka.tools. */
export async function perfTest(name: string, args: readonly string[]): Promise<string> {
  const [lib, { java }] = await Promise.all([kafka('4.3.1'), jdk()])
  const result = await run(java, ['-Xmx512m', '-cp', join(lib, '*'), `org.apache.kafka.tools.${name}`, ...args])
  if (result.code !== 0) throw new Error(`${name}: ${result.stderr}`)
  return result.stdout
}
