/**
 * Who may do what, by the ACLs of the cluster, as Apache Kafka's StandardAuthorizer decides it: super users may do
 * everything; of the ACLs that fit, one that denies wins over any that allow; what no ACL of the resource speaks of is
 * denied, unless everybody is allowed what no ACL names. A host may also be a network, such as 10.0.0.0/8.
 *
 * Decisions are remembered until ACLs change, so that a request costs a look into a map.
 */
import { BlockList, isIP } from 'node:net'
import type { Acl } from '../state/security.ts'
import { IMPLIED_BY, nameOf, OPERATIONS_OF, operation, patternType, permission, resourceType, WILDCARD } from './acl.ts'
import type { Principal } from './authentication.ts'

/** What one client may do. */
export interface Access {
  may(operation: number, resourceType: number, resourceName: string): boolean
  /** Whether there is any resource of the type with which it may do that (KIP-679). */
  maySome(operation: number, resourceType: number): boolean
  /** The operations that it may do with the resource, as bits by their numbers (KIP-430). */
  operations(resourceType: number, resourceName: string): number
}

/** Without an authorizer. */
export const EVERYTHING: Access = {
  may: () => true,
  maySome: () => true,
  operations: type => bitsOf(OPERATIONS_OF.get(type) ?? []),
}

export interface Denial {
  readonly principal: Principal
  readonly host: string
  readonly operation: string
  readonly resourceType: string
  readonly resourceName: string
}

export interface AuthorizerOptions {
  /** The ACLs of the cluster and a number that changes with them; undefined while nothing is known of them. */
  readonly acls: () => { readonly version: number; readonly all: Iterable<Acl> } | undefined
  readonly superUsers: ReadonlySet<string>
  /** `allow.everyone.if.no.acl.found` */
  readonly allowsUnnamed: boolean
  /** Told once of each denial that is not remembered from before. */
  readonly onDenied: (denial: Denial) => void
}

const MOST_REMEMBERED = 100_000

export class Authorizer {
  readonly #options: AuthorizerOptions
  #version = Number.NaN
  #index = new AclIndex([])
  readonly #remembered = new Map<string, boolean>()

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  accessOf(principal: Principal, host: string): Access {
    const who = `${principal}\0${host}`
    const may: Access['may'] = (wanted, type, name) =>
      this.#remember(`${who}\0${wanted}\0${type}\0${name}`, () => {
        if (this.#decide(principal, host, wanted, type, name)) return true
        this.#tell(principal, host, wanted, type, name)
        return false
      })
    return {
      may,
      maySome: (wanted, type) =>
        this.#remember(`${who}\0${wanted}\0${type}`, () => this.#decideSome(principal, host, wanted, type)),
      operations: (type, name) => {
        this.#refresh()
        const all = OPERATIONS_OF.get(type) ?? []
        return bitsOf(all.filter(wanted => this.#decide(principal, host, wanted, type, name)))
      },
    }
  }

  /** While nothing is known of the ACLs only super users may do anything. */
  #remember(key: string, decide: () => boolean): boolean {
    const isKnown = this.#refresh()
    const known = this.#remembered.get(key)
    if (known !== undefined) return known
    const decision = decide()
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear()
    if (isKnown) this.#remembered.set(key, decision)
    return decision
  }

  /** False while nothing is known of the ACLs. */
  #refresh(): boolean {
    const current = this.#options.acls()
    if (current?.version !== this.#version) {
      this.#version = current?.version ?? Number.NaN
      this.#index = new AclIndex(current?.all ?? [])
      this.#remembered.clear()
    }
    return current !== undefined
  }

  #decide(principal: Principal, host: string, wanted: number, type: number, name: string): boolean {
    if (this.#options.superUsers.has(principal)) return true
    const ofResource = this.#index.of(type, name)
    if (ofResource.length === 0) return this.#options.allowsUnnamed && !Number.isNaN(this.#version)
    const fitting = ofResource.filter(acl => acl.isOf(principal, host))
    if (fitting.some(acl => acl.denies(wanted))) return false
    return fitting.some(acl => acl.allows(wanted))
  }

  #decideSome(principal: Principal, host: string, wanted: number, type: number): boolean {
    if (this.#options.superUsers.has(principal)) return true
    const own = this.#index.ofType(type).filter(acl => acl.isOf(principal, host))
    const denials = own.filter(acl => acl.denies(wanted))
    if (denials.some(({ isForAll }) => isForAll)) return false
    const isOpen = (acl: Rule): boolean => !denials.some(denial => denial.covers(acl))
    if (own.some(acl => acl.allows(wanted) && isOpen(acl))) return true
    return this.#options.allowsUnnamed && !Number.isNaN(this.#version)
  }

  #tell(principal: Principal, host: string, wanted: number, type: number, resourceName: string): void {
    this.#options.onDenied({
      principal,
      host,
      operation: nameOf(operation, wanted),
      resourceType: nameOf(resourceType, type),
      resourceName,
    })
  }
}

function bitsOf(operations: readonly number[]): number {
  return operations.reduce((bits, one) => bits | (1 << one), 0)
}

/** An ACL, prepared for being asked. */
class Rule {
  readonly #acl: Acl
  readonly #network: BlockList | undefined

  constructor(acl: Acl) {
    this.#acl = acl
    this.#network = networkOf(acl.host)
  }

  get isForAll(): boolean {
    return this.#acl.patternType === patternType.LITERAL && this.#acl.resourceName === WILDCARD
  }

  isOf(principal: Principal, host: string): boolean {
    const { principal: whom, host: where } = this.#acl
    if (whom !== principal && whom !== `User:${WILDCARD}`) return false
    if (where === WILDCARD || where === host) return true
    return this.#network?.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4') === true
  }

  denies(wanted: number): boolean {
    const { permission: kind, operation: own } = this.#acl
    return kind === permission.DENY && (own === wanted || own === operation.ALL)
  }

  allows(wanted: number): boolean {
    const { permission: kind, operation: own } = this.#acl
    if (kind !== permission.ALLOW) return false
    return own === wanted || own === operation.ALL || IMPLIED_BY.get(wanted)?.includes(own) === true
  }

  /** Whether it speaks of every resource that the other one speaks of. */
  covers(other: Rule): boolean {
    const { patternType: pattern, resourceName } = this.#acl
    if (pattern === patternType.PREFIXED) return other.#acl.resourceName.startsWith(resourceName)
    return other.#acl.patternType === pattern && other.#acl.resourceName === resourceName
  }
}

/** `10.0.0.0/8` or `fd00::/8`; undefined for anything else. */
export function networkOf(host: string): BlockList | undefined {
  const [address = '', prefix, more] = host.split('/')
  const family = isIP(address)
  if (family === 0 || prefix === undefined || more !== undefined || !/^\d{1,3}$/.test(prefix)) return undefined
  if (Number(prefix) > (family === 6 ? 128 : 32)) return undefined
  const network = new BlockList()
  network.addSubnet(address, Number(prefix), family === 6 ? 'ipv6' : 'ipv4')
  return network
}

/** ACLs by the resources that they speak of. */
class AclIndex {
  readonly #literal = new Map<string, Rule[]>()
  readonly #prefixed = new Map<number, { readonly prefix: string; readonly rule: Rule }[]>()
  readonly #byType = new Map<number, Rule[]>()

  constructor(acls: Iterable<Acl>) {
    for (const acl of acls) {
      const rule = new Rule(acl)
      add(this.#byType, acl.resourceType, rule)
      if (acl.patternType === patternType.PREFIXED) {
        add(this.#prefixed, acl.resourceType, { prefix: acl.resourceName, rule })
      } else add(this.#literal, `${acl.resourceType}/${acl.resourceName}`, rule)
    }
  }

  of(type: number, name: string): readonly Rule[] {
    return [
      ...(this.#literal.get(`${type}/${name}`) ?? []),
      ...(name === WILDCARD ? [] : (this.#literal.get(`${type}/${WILDCARD}`) ?? [])),
      ...(this.#prefixed.get(type) ?? []).filter(({ prefix }) => name.startsWith(prefix)).map(({ rule }) => rule),
    ]
  }

  ofType(type: number): readonly Rule[] {
    return this.#byType.get(type) ?? []
  }
}

function add<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
