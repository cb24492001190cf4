// The Java client's agent, compiled against one release of kafka-clients.

import { join } from 'node:path'
import type { AgentProgram } from '../../testing/clients/agent.ts'
import { type ClientsVersion, clients, compiled, jdk } from '../../tools/parts/parts.ts'

const SOURCES = ['Agent', 'AdminCalls', 'Json', 'Member', 'RecordCalls'].map(name =>
  join(import.meta.dirname, '..', 'java', 'agent', `${name}.java`),
)

/** The agent's command. A small heap and quick compiling: the agent lives for seconds. */
export async function javaAgent(version: ClientsVersion): Promise<AgentProgram> {
  const [{ java }, jars] = await Promise.all([jdk(), clients(version)])
  const classPath = await compiled(`agent-${version}`, SOURCES, jars)
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
  return {
    program: java,
    args: ['-Xmx192m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', quiet, '-cp', classPath, 'Agent'],
  }
}
