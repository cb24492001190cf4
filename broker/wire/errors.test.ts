import { expect, test } from '@jest/globals'
import { errorCode, errorMessage, errorName, isRetriable, KafkaError } from './errors.ts'

test('codes are dense and have a name, a meaning and a verdict on trying again', () => {
  const codes = Object.values(errorCode).sort((a, b) => a - b)
  expect(codes).toEqual(Array.from({ length: codes.length }, (_, i) => i - 1))
  for (const code of codes) {
    const name = errorName(code)
    expect(name === undefined ? undefined : errorCode[name]).toBe(code)
    expect(errorMessage(code).length).toBeGreaterThan(5)
  }
  expect(isRetriable(errorCode.NOT_LEADER_OR_FOLLOWER)).toBe(true)
  expect(isRetriable(errorCode.MESSAGE_TOO_LARGE)).toBe(false)
})

test('codes of the future have neither', () => {
  expect([errorName(9999), isRetriable(9999), errorMessage(9999)]).toEqual([undefined, false, 'error 9999'])
})

test('a KafkaError carries code, meaning and cause', () => {
  const cause = new Error('disk full')
  const error = new KafkaError(errorCode.KAFKA_STORAGE_ERROR, 'no room', { cause })
  expect([error.code, error.message, error.cause, error.retriable]).toEqual([56, 'no room', cause, true])
  expect(new KafkaError(errorCode.NON_EMPTY_GROUP).message).toBe('the group has members')
})
