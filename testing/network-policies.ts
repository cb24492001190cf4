// Whether a connection would be let in by network policies: a small evaluator of networking.k8s.io/v1 ingress rules, for
// tests without a network that enforces them. As Kubernetes has it: a pod that no policy selects takes everything; one that
// is selected takes what a rule of one of its policies allows; a rule without `from` allows everybody, one without `ports`
// every port; `namespaceSelector` and `podSelector` of one peer hold together; without `namespaceSelector` it is the
// policy's own namespace; an empty list of peers is no restriction.

import { isIPv4 } from 'node:net'
import { z } from 'zod'

const selector = z.object({ matchLabels: z.record(z.string(), z.string()).default({}) }).strict()
const peer = z
  .object({
    podSelector: selector.optional(),
    namespaceSelector: selector.optional(),
    ipBlock: z
      .object({ cidr: z.string(), except: z.array(z.string()).default([]) })
      .strict()
      .optional(),
  })
  .strict()
const rule = z
  .object({
    from: z.array(peer).default([]),
    ports: z.array(z.object({ port: z.number(), protocol: z.literal('TCP') }).strict()).default([]),
  })
  .strict()
const policySchema = z.looseObject({
  metadata: z.looseObject({ namespace: z.string() }),
  spec: z
    .object({ podSelector: selector, policyTypes: z.array(z.literal('Ingress')), ingress: z.array(rule).default([]) })
    .strict(),
})

type Policy = z.output<typeof policySchema>
type Labels = Readonly<Record<string, string>>

export interface PolicyPod {
  readonly namespace: string
  readonly labels: Labels
  readonly ip: string
}

export interface PolicyWorld {
  readonly policies: readonly unknown[]
  /** Labels of namespaces, by name. The name itself is a label of each. */
  readonly namespaces?: Readonly<Record<string, Labels>>
}

/** Throws for a policy that has something that is not known here. */
export function isLetIn(world: PolicyWorld, from: PolicyPod, to: PolicyPod, port: number): boolean {
  const selecting = world.policies
    .map(policy => policySchema.parse(policy))
    .filter(
      ({ metadata, spec }) => metadata.namespace === to.namespace && matches(spec.podSelector.matchLabels, to.labels),
    )
  if (selecting.length === 0) return true
  return selecting.some(policy => policy.spec.ingress.some(one => allows(world, policy, one, from, port)))
}

function allows(
  { namespaces = {} }: PolicyWorld,
  { metadata }: Policy,
  { from: peers, ports }: z.output<typeof rule>,
  from: PolicyPod,
  port: number,
): boolean {
  if (ports.length > 0 && !ports.some(one => one.port === port)) return false
  if (peers.length === 0) return true
  const ofNamespace = { 'kubernetes.io/metadata.name': from.namespace, ...namespaces[from.namespace] }
  return peers.some(({ podSelector, namespaceSelector, ipBlock }) => {
    if (ipBlock !== undefined) {
      return isWithin(from.ip, ipBlock.cidr) && !ipBlock.except.some(cidr => isWithin(from.ip, cidr))
    }
    const isThere =
      namespaceSelector === undefined
        ? from.namespace === metadata.namespace
        : matches(namespaceSelector.matchLabels, ofNamespace)
    return isThere && (podSelector === undefined || matches(podSelector.matchLabels, from.labels))
  })
}

const matches = (wanted: Labels, labels: Labels): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value)

function isWithin(ip: string, cidr: string): boolean {
  const [network = '', bits = '32'] = cidr.split('/')
  if (!isIPv4(ip) || !isIPv4(network)) throw new RangeError(`only IPv4 is known here: ${ip}, ${cidr}`)
  const shift = 32 - Number(bits)
  return Math.floor(number(ip) / 2 ** shift) === Math.floor(number(network) / 2 ** shift)
}

const number = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
