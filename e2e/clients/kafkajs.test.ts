// kafkajs 2: the oldest protocol versions that a current client speaks.

import { jest } from '@jest/globals'
import { nodeAgent } from './node-agent.ts'
import { clientStories } from './stories.ts'

jest.setTimeout(90_000)

clientStories({
  agent: nodeAgent('kafkajs-agent.ts'),
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  // kafkajs throws on a null header value before it sends anything.
  records: { nullHeaders: false },
})
