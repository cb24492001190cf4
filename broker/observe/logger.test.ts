import { expect, test } from '@jest/globals'
import { createLogger } from './logger.ts'

test('logs one JSON object per line, with level by name and the fields of the part', () => {
  const lines: string[] = []
  const log = createLogger('info', { write: line => void lines.push(line) })
  log.child({ listener: 'PLAINTEXT' }).warn({ peer: '10.0.0.1' }, 'connection refused')
  log.debug('not written')
  expect(lines).toHaveLength(1)
  const { time, ...rest } = JSON.parse(lines[0] ?? '')
  expect(rest).toEqual({ level: 'warn', listener: 'PLAINTEXT', peer: '10.0.0.1', message: 'connection refused' })
  expect(new Date(time).toISOString()).toBe(time)
})

test('says what an error is, and what caused it', () => {
  const lines: string[] = []
  const log = createLogger('info', { write: line => void lines.push(line) })
  log.warn({ error: new TypeError('no such thing', { cause: new Error('gone') }) }, 'upkeep failed')
  log.warn({ error: 'only words' }, 'something failed')
  const [first, second] = lines.map(line => JSON.parse(line).error)
  expect(first).toMatchObject({ type: 'TypeError', message: 'no such thing: gone' })
  expect(first.stack).toContain('logger.test.ts')
  expect(second).toBe('only words')
})
