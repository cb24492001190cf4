import { expect, test } from '@jest/globals'
import { ALERT_RULES, isOfOperator, ofPods } from './alert-rules.ts'

test('a rule is narrowed to the pods of a cluster, wherever it asks for a metric', () => {
  expect(ofPods('sum by (a) (rate(kafscale_x_total{v="put"}[5m])) > 0 and kafscale_y == 1', 'p="q"')).toBe(
    'sum by (a) (rate(kafscale_x_total{p="q",v="put"}[5m])) > 0 and kafscale_y{p="q"} == 1',
  )
  expect(ofPods('up{job="kafscale-broker"} == 0', 'p="q"')).toBe('up{p="q"} == 0')
})

test('no rule of brokers escapes it', () => {
  for (const { name, expr } of ALERT_RULES.filter(rule => !isOfOperator(rule)))
    expect([name, ofPods(expr, 'here="1"')]).toEqual([name, expect.stringContaining('here="1"')])
})
