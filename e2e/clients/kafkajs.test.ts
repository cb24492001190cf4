// kafkajs 2: the oldest protocol versions that a current client speaks.

import { join } from 'node:path'
import { jest } from '@jest/globals'
import { clientStories } from './stories.ts'

jest.setTimeout(90_000)

clientStories({
  agent: {
    program: process.execPath,
    args: [join(import.meta.dirname, '../../testing/clients/kafkajs-agent.ts')],
  },
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  // kafkajs throws on a null header value before it sends anything.
  records: { nullHeaders: false },
})
