// @platformatic/kafka 2: flexible protocol versions only, idempotence when asked for.

import { jest } from '@jest/globals'
import { nodeAgent } from './node-agent.ts'
import { clientStories } from './stories.ts'

jest.setTimeout(90_000)

clientStories({
  agent: nodeAgent('platformatic-agent.ts'),
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  // A fetch that waits while partitions move still delivers what arrives in them.
  rereadsOnRebalance: true,
  // Its types have no null header values.
  records: { nullHeaders: false },
})
