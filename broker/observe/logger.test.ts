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
