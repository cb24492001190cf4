// Which lists of objects are maps, by the fields that tell their items apart, and which lists are sets: what the schemas of
// the real API server say of the kinds that the operator writes. Any other list belongs to one manager as a whole.

const MAPS: readonly { readonly path: RegExp; readonly keys: readonly string[]; readonly defaults?: object }[] = [
  { path: /^metadata\.ownerReferences$/, keys: ['uid'] },
  { path: /(^|\.)conditions$/, keys: ['type'] },
  { path: /\.(initContainers|containers|volumes|env|imagePullSecrets)$/, keys: ['name'] },
  { path: /\.(initContainers|containers)\.ports$/, keys: ['containerPort', 'protocol'], defaults: { protocol: 'TCP' } },
  { path: /\.volumeMounts$/, keys: ['mountPath'] },
  { path: /\.topologySpreadConstraints$/, keys: ['topologyKey', 'whenUnsatisfiable'] },
  { path: /^spec\.ports$/, keys: ['port', 'protocol'], defaults: { protocol: 'TCP' } },
  { path: /^spec\.listeners$/, keys: ['name'] },
  { path: /^status\.endpoints$/, keys: ['name'] },
  { path: /^status\.scaling\.signals$/, keys: ['name'] },
  { path: /^status\.groups$/, keys: ['group'] },
  { path: /^status\.orphans$/, keys: ['uid'] },
]

const SETS = /^metadata\.finalizers$|^spec\.etcd\.endpoints$/

export type ListKind =
  | { readonly kind: 'map'; readonly keys: readonly string[]; readonly defaults: object }
  | { readonly kind: 'set' }
  | { readonly kind: 'atomic' }

/** `path` by field names, without items: `spec.template.spec.containers.ports`. */
export function listKind(path: readonly string[]): ListKind {
  const text = path.join('.')
  if (SETS.test(text)) return { kind: 'set' }
  const found = MAPS.find(({ path: pattern }) => pattern.test(text))
  return found === undefined ? { kind: 'atomic' } : { kind: 'map', keys: found.keys, defaults: found.defaults ?? {} }
}
