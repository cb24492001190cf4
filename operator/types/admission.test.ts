// The zod schemas and the CRDs are one source: what the API server takes, the operator can read.

import { expect, test } from '@jest/globals'
import { ADMISSION_CASES } from '../../testing/kube-api/admission-cases.ts'
import { definition } from '../../tools/crds/definition.ts'
import { CLUSTER, clusterSchema } from './kaf-scale-cluster.ts'
import { TOPIC, topicSchema } from './kaf-scale-topic.ts'
import { USER, userSchema } from './kaf-scale-user.ts'

const taken = ADMISSION_CASES.filter(({ refusal }) => refusal === undefined)

test.each(taken)('$kind with $name can be read', ({ kind, spec, objectName = 'demo' }) => {
  const object = { apiVersion: 'kafscale.io/v1alpha1', kind, metadata: { name: objectName }, spec }
  const schema = { KafScaleCluster: clusterSchema, KafScaleTopic: topicSchema, KafScaleUser: userSchema }[kind]
  expect(schema.safeParse(object).error).toBeUndefined()
})

/** Every rule of the CRDs, by its sentence. */
function sentences(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = Object.entries(value).flatMap(([name, inner]) => {
    if (name !== 'x-kubernetes-validations' || !Array.isArray(inner)) return sentences(inner)
    return inner.map(({ message }: { message: string }) => message)
  })
  return own
}

test('every rule of the CRDs has a case that breaks it', () => {
  const refusals = ADMISSION_CASES.flatMap(({ refusal }) => refusal ?? [])
  const rules = new Set([CLUSTER, TOPIC, USER].flatMap(kind => sentences(definition(kind))))
  const booleans = /must be one of "true", "false"|message\.timestamp\.type/
  const untested = [...rules].filter(rule => !booleans.test(rule) && !refusals.some(refusal => refusal.test(rule)))
  expect(rules.size).toBeGreaterThan(30)
  expect(untested).toEqual([])
})
