// The account of the brokers' pods. They do not talk to the API server; the account stands for credentials by identity.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
import { brokersName } from './names.ts'
import { ownedObject } from './object.ts'

export const serviceAccountName = (inputs: Pick<ClusterInputs, 'cluster'>): string =>
  inputs.cluster.spec.s3.serviceAccount?.name ?? brokersName(inputs)

/** Undefined when the spec names an account that exists. */
export function serviceAccount(inputs: ClusterInputs): Manifest | undefined {
  const wanted = inputs.cluster.spec.s3.serviceAccount
  if (wanted?.name !== undefined) return undefined
  const plan = { name: brokersName(inputs), component: 'broker', annotations: wanted?.annotations } as const
  return ownedObject(inputs, RESOURCES.serviceAccounts, plan, { automountServiceAccountToken: false })
}
