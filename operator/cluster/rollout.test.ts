import { expect, test } from '@jest/globals'
import type { Manifest } from '../runtime/object.ts'
import { rolloutReasons, withRolloutReasons } from './rollout.ts'

interface Template {
  readonly image?: string
  readonly config?: string
  readonly secrets?: string
  readonly cpu?: string
  readonly endpoint?: string
  readonly label?: string
}

const deployment = (facts: Template): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'orders-broker', namespace: 'shop' },
  spec: {
    template: {
      metadata: {
        labels: { a: facts.label ?? '1' },
        annotations: {
          'kafscale.io/config-hash': facts.config ?? '1',
          'kafscale.io/secrets-version': facts.secrets ?? '1',
        },
      },
      spec: {
        containers: [
          { name: 'sidecar', image: 'x' },
          {
            name: 'broker',
            image: facts.image ?? '1',
            resources: { requests: { cpu: facts.cpu ?? '1' } },
            env: [{ name: 'E', value: facts.endpoint ?? '1' }],
          },
        ],
      },
    },
  },
})
const first = withRolloutReasons(deployment({}), undefined)

test('pods that are made for the first time are not replaced', () => {
  expect(rolloutReasons(first)).toEqual([])
  expect(rolloutReasons(withRolloutReasons(deployment({}), first))).toEqual([])
})

test.each([
  [{ image: '2' }, ['another image']],
  [{ config: '2' }, ['settings changed']],
  [{ secrets: '2' }, ['a Secret changed']],
  [{ cpu: '2' }, ['resources changed']],
  [{ endpoint: '2' }, ['endpoints, listeners or bucket changed']],
  [{ label: '2' }, ['the pod template changed']],
  [{ image: '2', secrets: '2' }, ['another image', 'a Secret changed']],
])('%j is told as %j', (facts, reasons) => {
  expect(rolloutReasons(withRolloutReasons(deployment(facts), first))).toEqual(reasons)
})

test('reasons stay until the next ones, and what is applied again is the same', () => {
  const second = withRolloutReasons(deployment({ image: '2' }), first)
  expect(withRolloutReasons(deployment({ image: '2' }), second)).toEqual(second)
  const third = withRolloutReasons(deployment({ image: '2', cpu: '2' }), second)
  expect(rolloutReasons(third)).toEqual(['resources changed'])
})

test('a Deployment of an older operator, which wrote no reasons, is not replaced for nothing', () => {
  expect(rolloutReasons(withRolloutReasons(deployment({}), deployment({ image: '0' })))).toEqual([])
})
