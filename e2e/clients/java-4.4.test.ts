// Apache's Java client 4.4.0, all settings at their defaults: producer (idempotent, acks=all), consumer, admin.

import { jest } from '@jest/globals'
import { suiteWith } from '../suite.ts'
import { javaAgent } from './java-agent.ts'
import { clientStories } from './stories.ts'

jest.setTimeout(90_000)

await suiteWith('kafka-clients 4.4.0', javaAgent('4.4.0'), agent => {
  clientStories({ agent, codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'] })
})
