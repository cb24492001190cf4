/**
 * The software bill of materials: what the image is made of, in CycloneDX (https://cyclonedx.org/docs/1.6/json/). The same
 * sources give the same bytes: there is no time and no random number in it.
 */
import type { RuntimePackage } from './packages.ts'

/** What comes from elsewhere than npm. */
export interface Part {
  readonly name: string
  readonly version: string
  readonly licence?: string
  /** Package URL; by default a generic one. */
  readonly url?: string
}

interface Component {
  readonly type: 'library' | 'application'
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly scope?: 'optional'
  readonly licenses?: readonly { readonly license: { readonly id: string } }[]
  readonly hashes?: readonly { readonly alg: 'SHA-512'; readonly content: string }[]
}

export interface BillOfMaterials {
  readonly bomFormat: 'CycloneDX'
  readonly specVersion: '1.6'
  readonly version: 1
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
}

export function billOfMaterials({
  version,
  packages,
  parts,
}: {
  /** Of KafScale. */
  readonly version: string
  readonly packages: readonly RuntimePackage[]
  readonly parts: readonly Part[]
}): BillOfMaterials {
  const own = { name: 'kafscale', version, purl: `pkg:npm/kafscale@${version}`, ...licensed('Apache-2.0') }
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', ...own } },
    components: [...parts.map(partComponent), ...packages.map(packageComponent)],
  }
}

const licensed = (id: string) => ({ licenses: [{ license: { id } }] })

function partComponent({ name, version, licence, url }: Part): Component {
  return {
    type: 'application',
    name,
    version,
    purl: url ?? `pkg:generic/${name}@${version}`,
    ...(licence === undefined ? {} : licensed(licence)),
  }
}

function packageComponent({ name, version, licence, sha512, isOptional }: RuntimePackage): Component {
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(isOptional ? { scope: 'optional' as const } : {}),
    ...licensed(licence),
    ...(sha512 === undefined ? {} : { hashes: [{ alg: 'SHA-512' as const, content: sha512 }] }),
  }
}
