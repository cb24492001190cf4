// Apache's Java client with its default settings against three brokers on a real etcd and a real S3 server.

import { jest } from '@jest/globals'
import { etcd, versitygw } from '../../tools/parts/parts.ts'
import { javaAgent } from '../clients/java-agent.ts'
import { clientStories } from '../clients/stories.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(120_000)

const parts = Promise.all([javaAgent('4.4.0'), etcd(), versitygw()])
await suiteWith('kafka-clients 4.4.0 and a cluster', parts, ([agent]) => {
  clientStories({ agent, codecs: ['none', 'zstd'] }, 'cluster')
})
