// spec.console: the web console of a cluster. That it is there turns it on.

import { z } from 'zod'
import { peerSchema } from './listener.ts'
import { dnsLabel, hostName, list, type Rule, resources } from './schema.ts'

export const consoleSchema = z.object({
  listener: dnsLabel(11)
    .optional()
    .describe(
      'Listener by which it reaches the brokers, with whose passwords people sign in; by default the first one that it can use, those with passwords before others, and of these internal ones.',
    ),
  hostNames: list(hostName(), 32)
    .optional()
    .describe('Names by which browsers ask for it, as of an Ingress, beside those of its Service.'),
  allowChanges: z
    .boolean()
    .default(false)
    .describe(
      'Groups may be reset by it; without it nothing can be changed. Not by a listener that takes everybody where the cluster keeps strangers out elsewhere.',
    ),
  resources: resources().optional().describe('CPU and memory of its pod.'),
  allowFrom: list(peerSchema, 32)
    .optional()
    .describe(
      'Who may connect, when networkPolicy is enabled; by default all, and those of allowFrom of its listener where that takes everybody.',
    ),
})

export type ConsoleSpec = z.output<typeof consoleSchema>

/** Of spec, which has the listeners. */
export const CONSOLE_RULES: readonly Rule[] = [
  {
    rule: "!has(self.console) || !has(self.console.listener) || (has(self.listeners) ? self.listeners.exists(listener, listener.name == self.console.listener) : self.console.listener == 'kafka')",
    message: 'console.listener is none of the listeners: name one of them, or leave it out',
  },
  {
    rule: "!has(self.console) || !has(self.listeners) || self.listeners.exists(listener, (!has(self.console.listener) || listener.name == self.console.listener) && (!has(listener.authentication) || !(listener.authentication.type in ['tls', 'oauth'])))",
    message:
      'the console needs a listener where people have passwords, or nobody has to say who they are: one whose authentication.type is neither tls nor oauth',
  },
]
