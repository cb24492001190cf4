// confluent-kafka for Python, which is librdkafka: old protocol versions, one batch per produce request.

import { jest } from '@jest/globals'
import { suiteWith } from '../suite.ts'
import { pythonAgent } from './python-agent.ts'
import { clientStories } from './stories.ts'

jest.setTimeout(90_000)

await suiteWith('confluent-kafka', pythonAgent('confluent_agent.py'), agent => {
  clientStories({ agent, codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'] })
})
