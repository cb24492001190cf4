/**
 * What the cluster knows of its users: SCRAM credentials (KIP-554), ACLs (KIP-11, KIP-290) and quotas (KIP-546). Only what was
 * written; what it means for a request is decided in `security/`.
 */
import type { AlterAcls, AlterAclsAclBinding, AlterQuotas, AlterScram, AlterScramUpsert } from './commands.gen.ts'
import { DONE, type Outcome } from './outcome.ts'

export type Acl = AlterAclsAclBinding

export type ScramRecord = Omit<AlterScramUpsert, 'user' | 'mechanism'>

export interface QuotaEntity {
  /** `user`, `client-id` or `ip`. */
  readonly type: string
  /** Null for the default of its type. */
  readonly name: string | null
}

export interface QuotaEntry {
  /** In order of their types. */
  readonly entity: readonly QuotaEntity[]
  readonly values: Map<string, number>
}

export class Security {
  /** By user, then by the mechanism's number. */
  readonly scram = new Map<string, Map<number, ScramRecord>>()
  /** By all their fields together. */
  readonly acls = new Map<string, Acl>()
  /** By entity. */
  readonly quotas = new Map<string, QuotaEntry>()
  /** Rise with each change, for what is derived from them. */
  aclsVersion = 0
  quotasVersion = 0

  /** How much there is, for the digest. */
  get sizes(): readonly number[] {
    return [this.scram.size, this.acls.size, this.quotas.size]
  }

  alterScram({ removals, upserts }: AlterScram): Outcome {
    for (const { user, mechanism } of removals) {
      const mechanisms = this.scram.get(user)
      mechanisms?.delete(mechanism)
      if (mechanisms?.size === 0) this.scram.delete(user)
    }
    for (const upsert of upserts) this.putScram(upsert)
    return DONE
  }

  putScram({ user, mechanism, iterations, salt, storedKey, serverKey }: AlterScramUpsert): void {
    const mechanisms = this.scram.get(user) ?? new Map<number, ScramRecord>()
    // What was read is a slice of a whole entry, which must not live as long as the user.
    const own = { salt: Buffer.from(salt), storedKey: Buffer.from(storedKey), serverKey: Buffer.from(serverKey) }
    this.scram.set(user, mechanisms.set(mechanism, { iterations, ...own }))
  }

  alterAcls({ additions, removals }: AlterAcls): Outcome {
    for (const acl of removals) this.acls.delete(textOf(acl))
    for (const acl of additions) this.acls.set(textOf(acl), acl)
    this.aclsVersion++
    return DONE
  }

  alterQuotas({ entries }: AlterQuotas): Outcome {
    for (const { entity, changes } of entries) {
      const values = new Map(this.quotas.get(entityText(entity))?.values)
      for (const { key, value, remove } of changes) {
        if (remove) values.delete(key)
        else values.set(key, value)
      }
      this.putQuotas(entity, values)
    }
    this.quotasVersion++
    return DONE
  }

  putQuotas(entity: readonly QuotaEntity[], values: Map<string, number>): void {
    const sorted = [...entity].sort((a, b) => (a.type < b.type ? -1 : 1))
    if (values.size === 0) this.quotas.delete(entityText(sorted))
    else this.quotas.set(entityText(sorted), { entity: sorted, values })
  }
}

function textOf({ resourceType, patternType, resourceName, principal, host, operation, permission }: Acl): string {
  return JSON.stringify([resourceType, patternType, resourceName, principal, host, operation, permission])
}

/** The same for the same entity in any order. */
export function entityText(entity: readonly QuotaEntity[]): string {
  return JSON.stringify(entity.map(({ type, name }) => [type, name]).sort())
}
