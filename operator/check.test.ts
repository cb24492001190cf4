import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { systemClock } from '../broker/clock.ts'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { runOperator } from '../testing/operator.ts'
import { check } from './check.ts'
import { CLUSTER } from './types/kaf-scale-cluster.ts'

let api: KubeApi

beforeEach(async () => {
  api = await KubeApi.start()
})

afterEach(() => api.stop())

const ask = (limitMs: number) =>
  check({
    client: api.client('check'),
    clock: systemClock,
    namespace: 'shop',
    leaseName: 'kafscale-operator',
    watched: ['shop'],
    limitMs,
  })

test('finds nothing wrong while an operator leads, and that nobody does when it has ended', async () => {
  const { stop } = runOperator(api.client('one'), 'one', () => ({ host: '127.0.0.1', port: 1 }))
  expect(await ask(20_000)).toBeUndefined()
  await stop()
  expect(await ask(600)).toContain('is not renewed')
})

test('says that no operator ever ran', async () => {
  expect(await ask(600)).toContain('no operator runs')
})

test('says that the kinds are not there', async () => {
  await api.stop()
  api = await KubeApi.start({ without: [CLUSTER] })
  expect(await ask(600)).toMatch(/kafscaleclusters cannot be read.*install the CRDs/)
})
