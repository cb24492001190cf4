// The agents of client libraries that run on Node.

import { join } from 'node:path'
import type { AgentProgram } from '../../testing/clients/agent.ts'

export function nodeAgent(script: 'kafkajs-agent.ts' | 'platformatic-agent.ts'): AgentProgram {
  return { program: process.execPath, args: [join(import.meta.dirname, '..', '..', 'testing', 'clients', script)] }
}
