// Amounts as Kubernetes writes them (`resource.Quantity`): 500m, 2, 1.5Gi, 3e6. Read into plain numbers; exact for all that
// a number can hold.

import { QUANTITY } from './schema.ts'

const SCALE: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

const pattern = new RegExp(QUANTITY)

/** The amount in the unit without a suffix: bytes, cores. Undefined for text that is no quantity. */
export function parseQuantity(quantity: string | number): number | undefined {
  if (typeof quantity === 'number') return Number.isFinite(quantity) ? quantity : undefined
  if (!pattern.test(quantity)) return undefined
  const parts = /^(.*?)([KMGTPE]i|[numkMGTPE])?$/.exec(quantity)
  const [, digits = '', suffix = ''] = parts ?? []
  const value = Number(digits) * (SCALE[suffix] ?? Number.NaN)
  // 0.1 * 1e3 and the like: a milli, micro or nano amount is right to nine places, as in Kubernetes.
  return suffix in { n: 0, u: 0, m: 0 } ? Number(value.toFixed(9)) : value
}
