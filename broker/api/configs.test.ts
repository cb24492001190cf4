/** DescribeConfigs, AlterConfigs, IncrementalAlterConfigs and ListConfigResources against one another. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { MemoryBroker } from '../../testing/memory-broker.ts'
import { noFaults } from '../ledger/memory.ts'
import { topicSettings } from '../state/topic-settings.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newAlterConfigsRequest,
  newCreateTopicsRequest,
  newDescribeConfigsRequest,
  newIncrementalAlterConfigsRequest,
  newListConfigResourcesRequest,
} from '../wire/messages.gen.ts'

const TOPIC = 2
const BROKER = 4
const BROKER_LOGGER = 8
const CLIENT_METRICS = 16
const GROUP = 32

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

let broker: MemoryBroker
let ledgerFails = false
beforeEach(async () => {
  ledgerFails = false
  const brokerConfigs = new Map([
    ['broker.id', '1'],
    ['num.partitions', '1'],
    ['max.connections', '50'],
  ])
  broker = await MemoryBroker.start({
    api: { brokerConfigs },
    faults: { ...noFaults, refusesAppend: () => ledgerFails },
  })
  const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  await broker.ask('CreateTopics', 7, newCreateTopicsRequest({ topics, validateOnly: false }))
})
afterEach(() => broker.stop())

async function describeOne(resourceType: number, resourceName: string, configurationKeys: string[] | null = null) {
  const request = newDescribeConfigsRequest({
    resources: [{ resourceType, resourceName, configurationKeys }],
    includeSynonyms: true,
    includeDocumentation: true,
  })
  const [result] = (await broker.answerTo('DescribeConfigs', 4, request)).results
  if (result === undefined) throw new Error('there is no result')
  return result
}

async function shown(resourceType: number, resourceName: string, name: string) {
  return (await describeOne(resourceType, resourceName)).configs.find(config => config.name === name)
}

type Operation = [name: string, operation: number, value: string | null]

async function change(resourceType: number, resourceName: string, operations: Operation[], validateOnly = false) {
  const configs = operations.map(([name, configOperation, value]) => ({ name, configOperation, value }))
  const request = newIncrementalAlterConfigsRequest({
    resources: [{ resourceType, resourceName, configs }],
    validateOnly,
  })
  const [response] = (await broker.answerTo('IncrementalAlterConfigs', 1, request)).responses
  return response
}

async function replace(
  configs: [string, string | null][],
  { resourceType = TOPIC, name = 't', validateOnly = false } = {},
) {
  const resources = [
    { resourceType, resourceName: name, configs: configs.map(([key, value]) => ({ name: key, value })) },
  ]
  const request = newAlterConfigsRequest({ resources, validateOnly })
  const [response] = (await broker.answerTo('AlterConfigs', 2, request)).responses
  return response
}

const ownConfigs = () => Object.fromEntries(broker.core.replica.state.catalog.configsOf(TOPIC, 't'))
const OK = { errorCode: errorCode.NONE, errorMessage: null }

describe('a topic shows', () => {
  test('every setting with type, source and documentation', async () => {
    const { configs } = await describeOne(TOPIC, 't')
    expect(configs).toHaveLength(33)
    expect(configs.every(({ documentation, configType }) => documentation !== '' && configType > 0)).toBe(true)
    expect(configs.find(({ name }) => name === 'max.message.bytes')).toMatchObject({
      value: '1048588',
      configType: 3,
      configSource: 5,
      readOnly: false,
      isSensitive: false,
      synonyms: [{ name: 'message.max.bytes', value: '1048588', source: 5 }],
    })
  })

  test('no synonym while the broker setting of that name is unset', async () => {
    expect(await shown(TOPIC, 't', 'retention.ms')).toMatchObject({ value: '604800000', configSource: 5, synonyms: [] })
    expect(await shown(TOPIC, 't', 'remote.storage.enable')).toMatchObject({ synonyms: [] })
  })

  test('its own value before that of all brokers and the built-in one', async () => {
    await change(BROKER, '', [['log.retention.ms', SET, '1000']])
    await change(TOPIC, 't', [['retention.ms', SET, '2000']])
    const all = [
      { name: 'retention.ms', value: '2000', source: 1 },
      { name: 'log.retention.ms', value: '1000', source: 3 },
      { name: 'log.retention.hours', value: '168', source: 5 },
    ]
    expect(await shown(TOPIC, 't', 'retention.ms')).toMatchObject({ value: '2000', configSource: 1, synonyms: all })
    await change(TOPIC, 't', [['retention.ms', DELETE, null]])
    expect(await shown(TOPIC, 't', 'retention.ms')).toMatchObject({
      value: '1000',
      configSource: 3,
      synonyms: all.slice(1),
    })
  })

  test('only the settings asked for', async () => {
    const { configs } = await describeOne(TOPIC, 't', ['segment.ms', 'no.such', 'retention.ms'])
    expect(configs.map(({ name }) => name).sort()).toEqual(['retention.ms', 'segment.ms'])
    expect((await describeOne(TOPIC, 't', [])).configs).toHaveLength(33)
  })

  test('neither synonyms nor documentation that nobody asked for', async () => {
    const resources = [{ resourceType: TOPIC, resourceName: 't', configurationKeys: ['cleanup.policy'] }]
    const request = newDescribeConfigsRequest({ resources, includeSynonyms: false })
    const { results } = await broker.answerTo('DescribeConfigs', 4, request)
    expect(results[0]?.configs).toMatchObject([{ synonyms: [], documentation: null }])
  })
})

describe('a broker shows', () => {
  test('what the operator set, as read-only', async () => {
    expect(await shown(BROKER, '1', 'max.connections')).toMatchObject({
      value: '50',
      configSource: 4,
      readOnly: true,
      synonyms: [
        { name: 'max.connections', value: '50', source: 4 },
        { name: 'max.connections', value: '2147483647', source: 5 },
      ],
    })
    expect(await shown(BROKER, '1', 'num.partitions')).toMatchObject({ value: '1', configSource: 5, readOnly: true })
    expect(await shown(BROKER, '1', 'broker.rack')).toMatchObject({ value: null, configSource: 5, synonyms: [] })
  })

  test('the defaults for topics, which can be changed for all brokers', async () => {
    expect(await shown(BROKER, '1', 'log.retention.ms')).toMatchObject({ value: null, readOnly: false })
    expect(await shown(BROKER, '1', 'log.retention.hours')).toMatchObject({ value: '168', readOnly: true })
    await change(BROKER, '', [['log.retention.ms', SET, '1000']])
    expect(await shown(BROKER, '1', 'log.retention.ms')).toMatchObject({ value: '1000', configSource: 3 })
    expect((await describeOne(BROKER, '')).configs).toMatchObject([
      { name: 'log.retention.ms', value: '1000', configSource: 3 },
    ])
  })
})

test('subscriptions to client metrics are kept and shown', async () => {
  expect(await shown(CLIENT_METRICS, 'sub', 'interval.ms')).toMatchObject({ value: '300000', configSource: 5 })
  const operations: Operation[] = [
    ['interval.ms', SET, '1000'],
    ['match', APPEND, 'client_id=.*'],
  ]
  expect(await change(CLIENT_METRICS, 'sub', operations)).toMatchObject(OK)
  expect(await shown(CLIENT_METRICS, 'sub', 'interval.ms')).toMatchObject({ value: '1000', configSource: 7 })
  expect(await shown(CLIENT_METRICS, 'sub', 'match')).toMatchObject({ value: 'client_id=.*', configType: 7 })
})

test('a group of the classic protocol has no settings', async () => {
  expect(await describeOne(GROUP, 'g')).toMatchObject({ ...OK, configs: [] })
})

describe('nothing is shown', () => {
  test.each<[string, number, string, number]>([
    ['of an unknown topic', TOPIC, 'x', errorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['of a topic that cannot be', TOPIC, 'a/b', errorCode.INVALID_TOPIC_EXCEPTION],
    ['of another broker', BROKER, '7', errorCode.INVALID_REQUEST],
    ['of a broker that is no number', BROKER, 'one', errorCode.INVALID_REQUEST],
    ['of the loggers of a broker', BROKER_LOGGER, '1', errorCode.INVALID_REQUEST],
    ['of a group without a name', GROUP, '', errorCode.INVALID_REQUEST],
    ['of a subscription without a name', CLIENT_METRICS, '', errorCode.INVALID_REQUEST],
    ['of a resource type that nobody knows', 99, 'x', errorCode.INVALID_REQUEST],
  ])('%s', async (_, resourceType, name, code) => {
    expect(await describeOne(resourceType, name)).toMatchObject({ errorCode: code, configs: [] })
  })
})

describe('an incremental change', () => {
  test('sets, unsets, appends and subtracts', async () => {
    const first: Operation[] = [
      ['retention.ms', SET, '100'],
      ['cleanup.policy', APPEND, 'compact'],
    ]
    expect(await change(TOPIC, 't', first)).toMatchObject(OK)
    expect(ownConfigs()).toEqual({ 'retention.ms': '100', 'cleanup.policy': 'delete,compact' })
    const second: Operation[] = [
      ['retention.ms', DELETE, null],
      ['cleanup.policy', SUBTRACT, 'delete'],
    ]
    expect(await change(TOPIC, 't', second)).toMatchObject(OK)
    expect(ownConfigs()).toEqual({ 'cleanup.policy': 'compact' })
  })

  test('counts at once', async () => {
    const { catalog } = broker.core.replica.state
    const topic = catalog.byName.get('t')
    if (topic === undefined) throw new Error('there is no topic')
    expect(topicSettings(catalog, topic).maxMessageBytes).toBe(1048588)
    await change(TOPIC, 't', [['max.message.bytes', SET, '500']])
    expect(topicSettings(catalog, topic).maxMessageBytes).toBe(500)
    await change(TOPIC, 't', [['max.message.bytes', DELETE, null]])
    await change(BROKER, '', [['message.max.bytes', SET, '600']])
    expect(topicSettings(catalog, topic).maxMessageBytes).toBe(600)
  })

  test('appends what is there only once, and subtracts what is not there', async () => {
    await change(TOPIC, 't', [['cleanup.policy', APPEND, 'delete, compact,compact']])
    expect(ownConfigs()).toEqual({ 'cleanup.policy': 'delete,compact' })
    expect(await change(TOPIC, 't', [['leader.replication.throttled.replicas', SUBTRACT, '0:1']])).toMatchObject(OK)
  })

  test('unsets what is not set, known or not', async () => {
    const operations: Operation[] = [
      ['segment.ms', DELETE, null],
      ['no.such', DELETE, null],
    ]
    expect(await change(TOPIC, 't', operations)).toMatchObject(OK)
  })

  test('is not made when it is only validated', async () => {
    expect(await change(TOPIC, 't', [['retention.ms', SET, '100']], true)).toMatchObject(OK)
    expect(await change(TOPIC, 't', [['retention.ms', SET, 'x']], true)).toMatchObject({
      errorCode: errorCode.INVALID_CONFIG,
    })
    expect(ownConfigs()).toEqual({})
  })

  test('does not lose what another one appends at the same time', async () => {
    const name = 'leader.replication.throttled.replicas'
    const items = ['0:1', '0:2', '0:3', '0:4']
    await Promise.all(items.map(item => change(TOPIC, 't', [[name, APPEND, item]])))
    expect(ownConfigs()).toEqual({ [name]: items.join(',') })
  })

  test.each<[string, number, string, Operation[], number, RegExp | null]>([
    ['of an unknown setting', TOPIC, 't', [['no.such', SET, '1']], errorCode.INVALID_CONFIG, /no\.such/],
    ['to a wrong value', TOPIC, 't', [['retention.ms', SET, 'x']], errorCode.INVALID_CONFIG, /LONG/],
    ['to null', TOPIC, 't', [['retention.ms', SET, null]], errorCode.INVALID_REQUEST, /Null/],
    ['by appending null', TOPIC, 't', [['cleanup.policy', APPEND, null]], errorCode.INVALID_REQUEST, /Null/],
    ['by appending to a number', TOPIC, 't', [['retention.ms', APPEND, '1']], errorCode.INVALID_CONFIG, /not LIST/],
    ['by subtracting from the unknown', TOPIC, 't', [['no.such', SUBTRACT, '1']], errorCode.INVALID_CONFIG, /not LIST/],
    ['by an unknown operation', TOPIC, 't', [['retention.ms', 9, '1']], errorCode.INVALID_REQUEST, /9/],
    [
      'of one setting twice',
      TOPIC,
      't',
      [
        ['retention.ms', SET, '1'],
        ['retention.ms', SET, '2'],
      ],
      errorCode.INVALID_REQUEST,
      /duplicate/,
    ],
    [
      'of a right and a wrong setting',
      TOPIC,
      't',
      [
        ['retention.ms', SET, '1'],
        ['no.such', SET, '2'],
      ],
      errorCode.INVALID_CONFIG,
      /no\.such/,
    ],
    ['of an unknown topic', TOPIC, 'x', [['retention.ms', SET, '1']], errorCode.UNKNOWN_TOPIC_OR_PARTITION, /'x'/],
    [
      'of an unknown setting of an unknown topic',
      TOPIC,
      'x',
      [['no.such', SET, '1']],
      errorCode.INVALID_CONFIG,
      /no\.such/,
    ],
    [
      'of a topic that cannot be',
      TOPIC,
      'a/b',
      [['retention.ms', SET, '1']],
      errorCode.INVALID_TOPIC_EXCEPTION,
      /a\/b/,
    ],
    ['of all topics', TOPIC, '', [['retention.ms', SET, '1']], errorCode.INVALID_REQUEST, /Default/],
    ['of another broker', BROKER, '7', [['log.retention.ms', SET, '1']], errorCode.INVALID_REQUEST, /7/],
    ['of one broker alone', BROKER, '1', [['log.retention.ms', SET, '1']], errorCode.INVALID_REQUEST, /all brokers/],
    [
      'of what is read-only',
      BROKER,
      '1',
      [['log.dirs', SET, '/x']],
      errorCode.INVALID_REQUEST,
      /dynamically: \[log\.dirs\]/,
    ],
    [
      'of what is read-only for all brokers',
      BROKER,
      '',
      [['log.retention.hours', SET, '1']],
      errorCode.INVALID_REQUEST,
      /dynamically/,
    ],
    ['of an unknown setting of brokers', BROKER, '', [['no.such', SET, '1']], errorCode.INVALID_CONFIG, /no\.such/],
    ['of brokers to a wrong value', BROKER, '', [['log.retention.ms', SET, 'x']], errorCode.INVALID_REQUEST, /LONG/],
    ['of the loggers of a broker', BROKER_LOGGER, '1', [['root', SET, 'INFO']], errorCode.INVALID_REQUEST, /8/],
    ['of a group', GROUP, 'g', [['consumer.session.timeout.ms', SET, '1']], errorCode.INVALID_CONFIG, /consumer/],
    [
      'of a subscription to a wrong interval',
      CLIENT_METRICS,
      's',
      [['interval.ms', SET, '1']],
      errorCode.INVALID_REQUEST,
      /100/,
    ],
    [
      'of a subscription to a wrong match',
      CLIENT_METRICS,
      's',
      [['match', SET, 'colour=.*']],
      errorCode.INVALID_CONFIG,
      /match/,
    ],
  ])('is refused: %s', async (_, resourceType, name, operations, code, message) => {
    const response = await change(resourceType, name, operations)
    expect(response).toMatchObject({ errorCode: code, resourceType, resourceName: name })
    if (message !== null) expect(response?.errorMessage).toMatch(message)
    expect(ownConfigs()).toEqual({})
    expect(broker.core.replica.state.catalog.configs.size).toBe(0)
  })

  test('of a resource named twice is refused, and of the others made', async () => {
    const configs = [{ name: 'retention.ms', configOperation: SET, value: '1' }]
    const brokers = [{ name: 'log.retention.ms', configOperation: SET, value: '1' }]
    const resources = [
      { resourceType: TOPIC, resourceName: 't', configs },
      { resourceType: BROKER, resourceName: '', configs: brokers },
      { resourceType: TOPIC, resourceName: 't', configs },
    ]
    const request = newIncrementalAlterConfigsRequest({ resources, validateOnly: false })
    const { responses } = await broker.answerTo('IncrementalAlterConfigs', 1, request)
    expect(responses.map(response => response.errorCode)).toEqual([
      errorCode.INVALID_REQUEST,
      errorCode.NONE,
      errorCode.INVALID_REQUEST,
    ])
    expect(ownConfigs()).toEqual({})
  })

  test('fails with an error that can be tried again when the ledger takes nothing', async () => {
    ledgerFails = true
    expect(await change(TOPIC, 't', [['retention.ms', SET, '1']])).toMatchObject({
      errorCode: errorCode.KAFKA_STORAGE_ERROR,
    })
  })
})

describe('AlterConfigs', () => {
  test('takes away what it does not name', async () => {
    await change(TOPIC, 't', [['retention.ms', SET, '100']])
    expect(await replace([['segment.ms', '200']])).toMatchObject(OK)
    expect(ownConfigs()).toEqual({ 'segment.ms': '200' })
    expect(await replace([])).toMatchObject(OK)
    expect(ownConfigs()).toEqual({})
  })

  test('changes nothing when it is only validated or wrong', async () => {
    await change(TOPIC, 't', [['retention.ms', SET, '100']])
    expect(await replace([['segment.ms', '200']], { validateOnly: true })).toMatchObject(OK)
    expect(await replace([['no.such', '1']])).toMatchObject({ errorCode: errorCode.INVALID_CONFIG })
    expect(await replace([['segment.ms', null]])).toMatchObject({ errorCode: errorCode.INVALID_REQUEST })
    expect(await replace([['segment.ms', '1']], { name: 'x' })).toMatchObject({
      errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION,
    })
    expect(await replace([['level', 'INFO']], { resourceType: BROKER_LOGGER, name: '1' })).toMatchObject({
      errorCode: errorCode.INVALID_REQUEST,
    })
    expect(ownConfigs()).toEqual({ 'retention.ms': '100' })
  })
})

describe('ListConfigResources', () => {
  const list = async (resourceTypes: number[], version = 1) =>
    await broker.answerTo('ListConfigResources', version, newListConfigResourcesRequest({ resourceTypes }))

  test('lists what there is, of the types asked for', async () => {
    await change(CLIENT_METRICS, 'sub', [['interval.ms', SET, '1000']])
    const all = [
      { resourceName: 't', resourceType: TOPIC },
      { resourceName: '1', resourceType: BROKER },
      { resourceName: 'sub', resourceType: CLIENT_METRICS },
    ]
    expect((await list([])).configResources).toMatchObject(all)
    expect((await list([CLIENT_METRICS, BROKER])).configResources).toMatchObject([all[2], all[1]])
    expect((await list([GROUP, BROKER_LOGGER])).configResources).toEqual([])
  })

  test('in version 0 lists subscriptions to client metrics only', async () => {
    await change(CLIENT_METRICS, 'sub', [['interval.ms', SET, '1000']])
    expect((await list([], 0)).configResources).toMatchObject([{ resourceName: 'sub' }])
  })

  test('refuses types that nobody knows', async () => {
    expect(await list([TOPIC, 99])).toMatchObject({ errorCode: errorCode.UNSUPPORTED_VERSION, configResources: [] })
  })

  test('a subscription without settings is gone', async () => {
    await change(CLIENT_METRICS, 'sub', [['interval.ms', SET, '1000']])
    await change(CLIENT_METRICS, 'sub', [['interval.ms', DELETE, null]])
    expect((await list([CLIENT_METRICS])).configResources).toEqual([])
  })
})
