// The agents of Python's client libraries.

import { join } from 'node:path'
import type { AgentProgram } from '../../testing/clients/agent.ts'
import { python } from '../../tools/parts/parts.ts'

export async function pythonAgent(script: 'confluent_agent.py' | 'aiokafka_agent.py'): Promise<AgentProgram> {
  const { program, packages } = await python()
  const path = join(import.meta.dirname, '..', '..', 'testing', 'clients', 'python', script)
  // No byte code in the source tree.
  return { program, args: [path], env: { PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' } }
}
