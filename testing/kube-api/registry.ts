// What the API server does with a call other than a watch: reads, writes, status and scale subresources, pages, admission.

import { randomUUID } from 'node:crypto'
import type { Resource } from '../../operator/runtime/resource.ts'
import { apiVersionOf } from '../../operator/runtime/resource.ts'
import type { Call } from './call.ts'
import { isObject, type JsonObject, mergePatch, objectAt, valueAt, withValueAt } from './json.ts'
import { applied, updated, type Writer } from './managers.ts'
import { metaOf, type ObjectTable } from './object-table.ts'
import { Refusal } from './refusal.ts'
import { selector } from './selectors.ts'

/** Looks at an object before it is stored: returns it, perhaps with defaults, or throws Refusal (422). */
export type Admission = (object: JsonObject, old: JsonObject | undefined, resource: Resource) => JsonObject

interface Snapshot {
  readonly items: readonly JsonObject[]
  readonly revision: number
}

const REPLICAS: Readonly<Record<string, readonly string[]>> = { kafscaleclusters: ['brokers', 'replicas'] }

const APPLY = 'application/apply-patch+yaml'
const MERGE = 'application/merge-patch+json'

export class Registry {
  readonly #table: ObjectTable
  readonly #admission: Admission
  readonly #pages = new Map<string, Snapshot>()

  constructor(table: ObjectTable, admission: Admission) {
    this.#table = table
    this.#admission = admission
  }

  /** Lists whose pages were not all read get 410 from now on. */
  expirePages(): void {
    this.#pages.clear()
  }

  /** The body of the answer. Throws Refusal. */
  answer(call: Call, body: unknown, contentType: string): JsonObject {
    switch (call.verb) {
      case 'get':
        return call.subresource === 'scale' ? this.#scaleOf(call, this.#existing(call)) : this.#existing(call)
      case 'list':
        return this.#list(call, this.#matching(call))
      case 'create':
        return this.#create(call, objectOf(body))
      case 'update':
        return this.#update(call, objectOf(body))
      case 'patch':
        return this.#patch(call, objectOf(body), contentType)
      case 'delete':
        return this.#delete(call, isObject(body) ? body : {})
      default:
        throw new Refusal(405, `${call.verb} is not allowed here`)
    }
  }

  #matching({ resource, namespace, query }: Call): Snapshot {
    const matches = selector(query.get('labelSelector'), query.get('fieldSelector'))
    return { items: this.#table.list(resource, namespace).filter(matches), revision: this.#table.revision }
  }

  #list({ resource, query }: Call, now: Snapshot): JsonObject {
    const limit = Number(query.get('limit') ?? 0) || Number.POSITIVE_INFINITY
    const token = query.get('continue')
    const snapshot = token === null ? now : this.#pages.get(token)
    if (snapshot === undefined) throw new Refusal(410, 'the provided continue parameter is too old')
    const rest = snapshot.items.slice(limit)
    const metadata: JsonObject = { resourceVersion: String(snapshot.revision) }
    if (rest.length > 0) {
      metadata.continue = randomUUID()
      this.#pages.set(String(metadata.continue), { items: rest, revision: snapshot.revision })
    }
    const items = snapshot.items.slice(0, limit).map(({ apiVersion: _, kind: __, ...item }) => item)
    return { apiVersion: apiVersionOf(resource), kind: `${resource.kind}List`, metadata, items }
  }

  #create(call: Call, body: JsonObject): JsonObject {
    const { resource, namespace, query } = call
    const { status: _, ...rest } = body
    const object = { ...rest, metadata: { ...objectAt(body, 'metadata'), ...(namespace && { namespace }) } }
    const { name } = metaOf(object)
    this.#refuseDeadNamespace(call)
    if (this.#table.get(resource, { namespace, name }) !== undefined) {
      throw new Refusal(409, `${resource.plural} "${name}" already exists`, 'AlreadyExists')
    }
    const admitted = this.#admission(object, undefined, resource)
    return this.#table.insert(resource, updated({}, admitted, writerOf(call, query.get('fieldManager') ?? 'unknown')))
  }

  #update(call: Call, body: JsonObject): JsonObject {
    const live = this.#existing(call)
    const sent = objectAt(body, 'metadata').resourceVersion
    if (sent !== undefined && sent !== metaOf(live).resourceVersion) throw conflict(call)
    return this.#store(call, live, body)
  }

  #patch(call: Call, body: JsonObject, contentType: string): JsonObject {
    if (contentType === APPLY) return this.#apply(call, body)
    if (contentType !== MERGE) throw new Refusal(415, `${contentType} is not supported`)
    const live = this.#existing(call)
    if (call.subresource === 'scale') return this.#scale(call, live, body)
    return this.#store(call, live, objectOf(mergePatch(live, body)))
  }

  #apply(call: Call, body: JsonObject): JsonObject {
    const { resource, namespace, name, subresource, query } = call
    const manager = query.get('fieldManager')
    if (manager === null) throw new Refusal(400, 'fieldManager is required for apply patch')
    const known = this.#table.get(resource, { namespace, name })
    const { uid, resourceVersion } = objectAt(body, 'metadata')
    if (known === undefined && subresource !== '') throw notFound(call)
    if (uid !== undefined && uid !== (known && metaOf(known).uid)) throw conflict(call)
    if (resourceVersion !== undefined && resourceVersion !== (known && metaOf(known).resourceVersion))
      throw conflict(call)
    const metadata = { ...objectAt(body, 'metadata'), name, ...(namespace && { namespace }) }
    const config = inSubresource({ ...body, metadata }, subresource)
    const outcome = applied(known ?? {}, config, { manager, subresource }, query.get('force') === 'true')
    if ('conflicts' in outcome) {
      const said = outcome.conflicts.map(({ manager, field }) => `conflict with "${manager}": ${field}`).join(', ')
      throw new Refusal(409, `Apply failed with ${outcome.conflicts.length} conflicts: ${said}`)
    }
    if (known === undefined) this.#refuseDeadNamespace(call)
    const admitted = this.#admission(outcome.object, known, resource)
    return known === undefined ? this.#table.insert(resource, admitted) : this.#table.replace(resource, known, admitted)
  }

  /** Stores what a writer of whole objects made of the live one; each subresource writes only its own part. */
  #store(call: Call, live: JsonObject, body: JsonObject): JsonObject {
    const { resource, subresource, query } = call
    const next =
      subresource === 'status'
        ? { ...live, status: body.status }
        : {
            ...body,
            ...(live.status === undefined ? {} : { status: live.status }),
            metadata: metadataAfter(live, body),
          }
    const owned = updated(live, next, writerOf(call, query.get('fieldManager') ?? 'unknown'))
    return this.#table.replace(resource, live, this.#admission(owned, live, resource))
  }

  #delete(call: Call, options: JsonObject): JsonObject {
    const live = this.#existing(call)
    const uid = objectAt(options, 'preconditions').uid
    if (uid !== undefined && uid !== metaOf(live).uid) throw conflict(call)
    return this.#table.delete(call.resource, live, options.propagationPolicy === 'Orphan')
  }

  #scaleOf({ resource }: Call, live: JsonObject): JsonObject {
    const { name, namespace, resourceVersion, uid } = metaOf(live)
    const replicas = valueAt(live, ['spec', ...replicasPath(resource)]) ?? 1
    return {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name, namespace, resourceVersion, uid },
      spec: { replicas },
      status: { replicas: valueAt(live, ['status', ...replicasPath(resource)]) ?? 0 },
    }
  }

  #scale(call: Call, live: JsonObject, body: JsonObject): JsonObject {
    const replicas = valueAt(body, ['spec', 'replicas'])
    if (typeof replicas !== 'number' || replicas < 0) throw new Refusal(422, 'spec.replicas must be 0 or more')
    const next = withValueAt(live, ['spec', ...replicasPath(call.resource)], replicas)
    // As Kubernetes 1.36 has it: of a Deployment nobody is told that it was scaled, of a custom resource they are.
    const isTold = call.resource.plural !== 'deployments'
    const owned = isTold ? updated(live, next, writerOf(call, call.query.get('fieldManager') ?? 'unknown')) : next
    return this.#scaleOf(call, this.#table.replace(call.resource, live, this.#admission(owned, live, call.resource)))
  }

  #existing(call: Call): JsonObject {
    const found = this.#table.get(call.resource, call)
    if (found === undefined) throw notFound(call)
    return found
  }

  #refuseDeadNamespace({ namespace }: Call): void {
    const dying = this.#table
      .list({ group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false })
      .some(object => metaOf(object).name === namespace && metaOf(object).isDeleting)
    if (dying) throw new Refusal(403, `namespace ${namespace} is being terminated`)
  }
}

const replicasPath = ({ plural }: Resource): readonly string[] => REPLICAS[plural] ?? ['replicas']

const writerOf = ({ subresource }: Call, manager: string): Writer => ({ manager, subresource })

/** An update without a list of managers leaves it; names and times are the server's. */
function metadataAfter(live: JsonObject, body: JsonObject): JsonObject {
  const { managedFields } = objectAt(live, 'metadata')
  return { ...objectAt(body, 'metadata'), managedFields }
}

/** What an apply on a subresource may say. */
function inSubresource(config: JsonObject, subresource: Call['subresource']): JsonObject {
  const { status, ...rest } = config
  if (subresource === '') return rest
  const { apiVersion, kind, metadata } = config
  const { name, namespace } = isObject(metadata) ? metadata : {}
  return { apiVersion, kind, metadata: { name, namespace }, status }
}

function objectOf(body: unknown): JsonObject {
  if (!isObject(body)) throw new Refusal(400, 'the body is no object')
  return body
}

const notFound = ({ resource, name }: Call): Refusal => new Refusal(404, `${resource.plural} "${name}" not found`)

const conflict = ({ resource, name }: Call): Refusal =>
  new Refusal(409, `Operation cannot be fulfilled on ${resource.plural} "${name}": the object has been modified`)
