// spec.scaling: what the number of brokers follows. The words of `behavior` are those of the HorizontalPodAutoscaler.

import { z } from 'zod'
import { count, list, withRules } from './schema.ts'

const percent = (fallback: number) => z.int32().min(1).max(100).default(fallback)

const target = (what: string, fallback: number) =>
  z
    .object({ targetPercent: percent(fallback).describe('Share to keep below, in percent.') })
    .optional()
    .describe(what)

const traffic = (what: string) =>
  z
    .object({
      bytesPerSecond: z.int().min(1).describe('What one broker can do.'),
      targetPercent: percent(60).describe('Share of it to keep below, in percent.'),
    })
    .optional()
    .describe(what)

const lag = z.object({
  enabled: z.boolean().default(true).describe('Lag may ask for brokers.'),
  targetSeconds: z
    .int32()
    .min(1)
    .max(86_400)
    .default(30)
    .describe('Seconds behind, of all groups, that one broker is for.'),
  attribution: z
    .enum(['Enabled', 'Disabled'])
    .default('Enabled')
    .describe('Enabled: only lag that brokers can cure asks for them. Disabled: all lag does.'),
})

const signals = z.object({
  lag: lag.prefault({}).describe('Records that consumers have not read yet.'),
  eventLoop: target('Use of the thread of a broker.', 60).prefault({}),
  cpu: target('Use of the CPU that a broker is promised.', 65),
  ingress: traffic('Bytes that producers send.'),
  egress: traffic('Bytes that consumers get.'),
  connections: z
    .object({ target: z.int32().min(1).max(1_000_000).default(2000).describe('Connections that one broker is for.') })
    .optional()
    .describe('Connections of clients.'),
})

const policy = z.object({
  type: z.enum(['Pods', 'Percent']).describe('What value counts.'),
  value: z.int32().min(1).max(1000).describe('The most that may come or go in the period.'),
  periodSeconds: z.int32().min(1).max(1800).describe('The period.'),
})

type Policy = z.output<typeof policy>

const rules = (stabilizationWindowSeconds: number, policies: Policy[]) =>
  z.object({
    stabilizationWindowSeconds: count()
      .max(3600)
      .default(stabilizationWindowSeconds)
      .describe('Time for which a recommendation to the contrary counts.'),
    selectPolicy: z.enum(['Max', 'Min', 'Disabled']).default('Max').describe('Which of the policies holds.'),
    policies: list(policy, 8).min(1).default(policies).describe('How fast it may go.'),
    tolerancePercent: count().max(100).default(10).describe('Differences up to this are none.'),
  })

const behavior = z.object({
  scaleUp: rules(30, [
    { type: 'Pods', value: 2, periodSeconds: 60 },
    { type: 'Percent', value: 50, periodSeconds: 60 },
  ])
    .prefault({})
    .describe('How brokers come.'),
  scaleDown: rules(600, [{ type: 'Pods', value: 1, periodSeconds: 120 }])
    .prefault({})
    .describe('How brokers go.'),
})

const fallback = z.object({
  failureThreshold: z.int32().min(1).max(100).default(3).describe('Looks without signals in a row.'),
  replicas: z.int32().min(1).max(1000).describe('Brokers that there are at least after that.'),
})

export const scalingSchema = withRules(
  z.object({
    mode: z
      .enum(['Manual', 'Auto', 'External', 'Recommend'])
      .default('Manual')
      .describe(
        'Manual: brokers.replicas. Auto: the signals. External: an autoscaler of yours sets brokers.replicas. Recommend: as Auto, but nothing is written.',
      ),
    min: z.int32().min(1).max(1000).default(1).describe('The fewest brokers.'),
    max: z.int32().min(1).max(1000).optional().describe('The most brokers.'),
    signals: signals.prefault({}).describe('What is looked at.'),
    behavior: behavior.prefault({}).describe('How fast brokers come and go.'),
    fallback: fallback.optional().describe('What holds when signals are missing.'),
  }),
  {
    rule: '!has(self.max) || !has(self.min) || self.min <= self.max',
    message: 'scaling.min is above scaling.max: lower min or raise max',
  },
  {
    rule: "has(self.max) || !has(self.mode) || !(self.mode in ['Auto', 'Recommend'])",
    message: 'scaling.max is missing: modes Auto and Recommend need to know the most brokers that may run',
  },
)

export type ScalingSpec = z.output<typeof scalingSchema>
