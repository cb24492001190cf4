// A request as the API server understands it: verb, resource, object.

import type { Resource } from '../../operator/runtime/resource.ts'
import { Refusal } from './refusal.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'discover'

export interface Call {
  readonly verb: Verb
  readonly resource: Resource
  readonly namespace: string | undefined
  /** Empty for a call on the whole resource. */
  readonly name: string
  readonly subresource: '' | 'status' | 'scale' | 'log'
  readonly query: URLSearchParams
  /** The `User-Agent` of who calls. */
  readonly caller: string
}

export const isWrite = ({ verb }: Call): boolean => ['create', 'update', 'patch', 'delete'].includes(verb)

const METHODS: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

const PATH =
  /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+)(?=\/))?(?:\/([^/]+))?(?:\/([^/]+))?(?:\/(status|scale|log))?$/

/** Throws Refusal. */
export function parseCall(
  { method, url, caller }: { readonly method: string; readonly url: string; readonly caller: string },
  resources: readonly Resource[],
): Call {
  const { pathname, searchParams: query } = new URL(url, 'http://kube')
  const match = PATH.exec(pathname)
  if (match === null) throw new Refusal(404, `the server could not find ${pathname}`)
  const [, group = '', version = '', namespace, plural, name = '', sub = ''] = match.map(
    part => part && decodeURIComponent(part),
  )
  const subresource = sub === 'status' || sub === 'scale' || sub === 'log' ? sub : ''
  if (plural === undefined) {
    const known = resources.find(resource => resource.group === group && resource.version === version)
    if (known === undefined) throw new Refusal(404, 'the server could not find the requested resource')
    return { verb: 'discover', resource: known, namespace, name, subresource, query, caller }
  }
  const resource = resources.find(
    known => known.group === group && known.version === version && known.plural === plural,
  )
  if (resource === undefined) throw new Refusal(404, 'the server could not find the requested resource')
  return { verb: verbOf(method, name, query), resource, namespace, name, subresource, query, caller }
}

function verbOf(method: string, name: string, query: URLSearchParams): Verb {
  if (method !== 'GET') {
    const verb = METHODS[method]
    if (verb === undefined) throw new Refusal(405, `${method} is not allowed`)
    return verb
  }
  if (query.get('watch') === 'true') return 'watch'
  return name === '' ? 'list' : 'get'
}
