// Structured logs: one JSON object per line on standard output, for whatever collects them.

import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * The root logger; parts of the broker take children of it (`logger.child({ listener })`). Levels are written by name and
 * times in ISO 8601. `destination` is standard output unless a test wants to read the lines.
 */
export const createLogger = (level: LogLevel, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      // Without it an Error is written as {}: its message is no property of its own to JSON.
      serializers: { error: pino.stdSerializers.err },
      formatters: { level: label => ({ level: label }) },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  )
