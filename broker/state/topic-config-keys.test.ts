import { describe, expect, test } from '@jest/globals'
import { parseConfig, TOPIC_CONFIG_BY_NAME, TOPIC_CONFIG_KEYS } from './topic-config-keys.ts'

function parse(name: string, text: string) {
  const key = TOPIC_CONFIG_BY_NAME.get(name)
  if (key === undefined) throw new Error(`there is no ${name}`)
  return parseConfig(key, text)
}

describe('a value is kept in one form', () => {
  test.each([
    ['retention.ms', ' +0100 ', '100'],
    ['retention.ms', '-1', '-1'],
    ['flush.messages', '9223372036854775807', '9223372036854775807'],
    ['max.message.bytes', '2147483647', '2147483647'],
    ['compression.gzip.level', '-1', '-1'],
    ['preallocate', ' TRUE ', 'true'],
    ['min.cleanable.dirty.ratio', '1', '1.0'],
    ['min.cleanable.dirty.ratio', '.25', '0.25'],
    ['min.cleanable.dirty.ratio', '5e-1', '0.5'],
    ['compression.type', ' zstd ', 'zstd'],
    ['cleanup.policy', ' delete , compact ', 'delete,compact'],
    ['cleanup.policy', 'delete,delete', 'delete'],
    ['cleanup.policy', '', ''],
    ['leader.replication.throttled.replicas', '0:1,1:2', '0:1,1:2'],
    ['leader.replication.throttled.replicas', '*', '*'],
  ])('%s=%j is %j', (name, text, value) => {
    expect(parse(name, text)).toEqual({ value })
  })
})

describe('a value that cannot be is named with its reason', () => {
  test.each([
    ['retention.ms', 'many', 'Not a number of type LONG'],
    ['retention.ms', '', 'Not a number of type LONG'],
    ['retention.ms', '1.5', 'Not a number of type LONG'],
    ['retention.ms', '0x10', 'Not a number of type LONG'],
    ['retention.ms', '9223372036854775808', 'Not a number of type LONG'],
    ['retention.ms', '9'.repeat(10_000), 'Not a number of type LONG'],
    ['retention.ms', '-2', 'Value must be at least -1'],
    ['max.message.bytes', '2147483648', 'Not a number of type INT'],
    ['max.message.bytes', '-1', 'Value must be at least 0'],
    ['segment.bytes', '14', 'Value must be at least 1048576'],
    ['compression.gzip.level', '10', 'Value must be no more than 9'],
    ['compression.gzip.level', '0', 'Value must not be 0'],
    ['min.cleanable.dirty.ratio', '1.5', 'Value must be no more than 1'],
    ['min.cleanable.dirty.ratio', 'Infinity', 'Not a number of type DOUBLE'],
    ['preallocate', 'yes', 'Expected value to be either true or false'],
    ['compression.type', 'brotli', 'String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer'],
    ['message.timestamp.type', 'createtime', 'String must be one of: CreateTime, LogAppendTime'],
    ['cleanup.policy', 'delete,shred', 'String must be one of: compact, delete'],
    ['cleanup.policy', 'delete,', 'String must be one of: compact, delete'],
    ['leader.replication.throttled.replicas', '0-1', 'String has the wrong form'],
  ])('%s=%.20j: %s', (name, text, reason) => {
    const parsed = parse(name, text)
    const problem = 'problem' in parsed ? parsed.problem : 'none'
    expect(problem).toMatch(/^Invalid value /)
    expect(problem.endsWith(`for configuration ${name}: ${reason}`)).toBe(true)
  })
})

test('every default is a value that may be set, in the form in which it is kept', () => {
  for (const key of TOPIC_CONFIG_KEYS)
    expect([key.name, parseConfig(key, key.default)]).toEqual([key.name, { value: key.default }])
})

test('names are in order and unique, and so are those of the brokers', () => {
  const names = TOPIC_CONFIG_KEYS.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)].sort())
  const brokerKeys = TOPIC_CONFIG_KEYS.flatMap(({ brokerKey }) => brokerKey ?? [])
  expect(new Set(brokerKeys).size).toBe(brokerKeys.length)
})
