// aiokafka: a pure Python client with its own protocol code. Its admin client cannot delete groups.

import { jest } from '@jest/globals'
import { suiteWith } from '../suite.ts'
import { pythonAgent } from './python-agent.ts'
import { clientStories } from './stories.ts'

jest.setTimeout(90_000)

await suiteWith('aiokafka', pythonAgent('aiokafka_agent.py'), agent => {
  clientStories({
    agent,
    codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    // Its producer refuses such a record.
    records: { nothingAtAll: false },
    lacks: ['deleteGroup'],
  })
})
