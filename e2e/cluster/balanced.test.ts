// librdkafka against three brokers behind a load balancer: their shared listener, which passes requests on.

import { jest } from '@jest/globals'
import { etcd, versitygw } from '../../tools/parts/parts.ts'
import { pythonAgent } from '../clients/python-agent.ts'
import { clientStories } from '../clients/stories.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(120_000)

const parts = Promise.all([pythonAgent('confluent_agent.py'), etcd(), versitygw()])
await suiteWith('confluent-kafka and a load balancer', parts, ([agent]) => {
  clientStories({ agent, codecs: ['none', 'zstd'] }, 'balanced')
})
