// Why pods are replaced: what of their template is another one than before, in a few words. Both lie in annotations of the
// Deployment, written with the template itself, so that a crash in between loses nothing and a settled one stays as it is.

import { createHash } from 'node:crypto'
import type { Manifest } from '../runtime/object.ts'
import { objectAt, textAt } from './fields.ts'

const PARTS = 'kafscale.io/template-parts'
const REASONS = 'kafscale.io/rollout-reasons'

/** Aspects of a template, and what a change of each is called. */
const ASPECTS: readonly { readonly name: string; readonly reason: string; of(template: unknown): unknown }[] = [
  { name: 'image', reason: 'another image', of: template => brokerOf(template)?.image },
  {
    name: 'settings',
    reason: 'settings changed',
    of: template => textAt(template, 'metadata', 'annotations', 'kafscale.io/config-hash'),
  },
  {
    name: 'secrets',
    reason: 'a Secret changed',
    of: template => textAt(template, 'metadata', 'annotations', 'kafscale.io/secrets-version'),
  },
  { name: 'resources', reason: 'resources changed', of: template => brokerOf(template)?.resources },
  { name: 'environment', reason: 'endpoints, listeners or bucket changed', of: template => brokerOf(template)?.env },
  { name: 'pod', reason: 'the pod template changed', of: template => rest(template) },
]

/** The Deployment as it is wanted, with the reasons for which its pods are replaced when it is applied to `live`. */
export function withRolloutReasons(desired: Manifest, live: Manifest | undefined): Manifest {
  const template = objectAt(desired, 'spec', 'template')
  const parts = new Map(ASPECTS.map(({ name, of }) => [name, digest(of(template))]))
  const before = new Map(
    (textAt(live, 'metadata', 'annotations', PARTS) ?? '').split(',').map((part): [string, string] => {
      const [name = '', value = ''] = part.split('=')
      return [name, value]
    }),
  )
  const changed = ASPECTS.filter(({ name }) => before.has(name) && before.get(name) !== parts.get(name))
  const reasons =
    changed.length > 0
      ? changed.map(({ reason }) => reason).join('; ')
      : textAt(live, 'metadata', 'annotations', REASONS)
  const annotations = {
    ...objectAt(desired, 'metadata', 'annotations'),
    [PARTS]: [...parts].map(([name, value]) => `${name}=${value}`).join(','),
    ...(reasons === undefined ? {} : { [REASONS]: reasons }),
  }
  return { ...desired, metadata: { ...desired.metadata, annotations } }
}

/** Why the pods of a Deployment were replaced last. */
export function rolloutReasons(live: Manifest | undefined): readonly string[] {
  const text = textAt(live, 'metadata', 'annotations', REASONS)
  return text === undefined ? [] : text.split('; ').map(reason => reason.slice(0, 200))
}

function brokerOf(template: unknown): Record<string, unknown> | undefined {
  const containers = objectAt(template, 'spec')?.containers
  if (!Array.isArray(containers)) return undefined
  return containers.find(container => textAt(container, 'name') === 'broker')
}

/** All that no other aspect is of. */
function rest(template: unknown): unknown {
  const { image: _, resources: __, env: ___, ...broker } = brokerOf(template) ?? {}
  const { containers: ____, ...spec } = objectAt(template, 'spec') ?? {}
  const { annotations: own, ...metadata } = objectAt(template, 'metadata') ?? {}
  const annotations = Object.entries(objectAt({ own }, 'own') ?? {}).filter(
    ([name]) => !name.startsWith('kafscale.io/'),
  )
  return { broker, spec, metadata, annotations }
}

const digest = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex')
    .slice(0, 8)
