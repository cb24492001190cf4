// What a managed etcd needs from time to time: space that it freed is given back (defragmentation), and when it is full and
// takes no writes (alarm NOSPACE) its history is dropped, space given back, and the alarm cleared.
//
// A member answers nobody while it is defragmented, so it is done to one at a time, only while all are well, and to the
// leader last: clients and elections hardly notice. Each step is chosen anew from what the members say then.

import type { Alarm, MemberStatus } from './etcd-member.ts'

export interface SeenMember {
  readonly name: string
  /** Undefined when it does not answer. */
  readonly status: MemberStatus | undefined
}

export interface MaintenanceView {
  readonly members: readonly SeenMember[]
  readonly alarms: readonly { readonly member: string; readonly alarm: Alarm }[]
  readonly quotaBytes: number
}

export type MaintenanceStep =
  | { readonly kind: 'none' }
  /** Drop the history up to the revision, then look again. */
  | { readonly kind: 'compact'; readonly revision: number }
  | { readonly kind: 'defragment'; readonly name: string; readonly freedBytes: number }
  | { readonly kind: 'disarm'; readonly members: readonly string[] }
  /** Nothing more can be freed: more quota is needed, or less data. */
  | { readonly kind: 'full' }

const MiB = 1024 * 1024
/** Below this it is not worth the pause. */
const WORTH_BYTES = 100 * MiB
const WORTH_SHARE = 0.5
/** After an alarm every bit counts. */
const URGENT_SHARE = 0.1
/** An alarm that is cleared with less room than this would be back at once. */
const ROOM_SHARE = 0.9

/** `compacted`: this was done already for the present alarm. */
export function nextStep({ members, alarms, quotaBytes }: MaintenanceView, compacted: boolean): MaintenanceStep {
  const known = members.flatMap(({ name, status }) => (status === undefined ? [] : [{ name, ...status }]))
  const areWell = known.length === members.length && known.every(({ leader }) => leader !== '0')
  const full = alarms.filter(({ alarm }) => alarm === 'NOSPACE').map(({ member }) => member)
  const isUrgent = full.length > 0
  // An alarm is raised by one member and counts for all.
  if (isUrgent && !compacted && known.length > 0) {
    return { kind: 'compact', revision: Math.max(...known.map(({ revision }) => revision)) }
  }
  if (!areWell) return { kind: 'none' }
  const due = known
    .map(({ name, id, leader, fileBytes, usedBytes }) => ({
      name,
      isLeader: id === leader,
      fileBytes,
      freedBytes: fileBytes - usedBytes,
    }))
    .filter(({ fileBytes, freedBytes }) =>
      isUrgent
        ? freedBytes > fileBytes * URGENT_SHARE
        : freedBytes > WORTH_BYTES && freedBytes > fileBytes * WORTH_SHARE,
    )
    .sort((a, b) => Number(a.isLeader) - Number(b.isLeader))[0]
  if (due !== undefined) return { kind: 'defragment', name: due.name, freedBytes: due.freedBytes }
  if (!isUrgent) return { kind: 'none' }
  const hasRoom = known.every(({ fileBytes }) => fileBytes < quotaBytes * ROOM_SHARE)
  return hasRoom ? { kind: 'disarm', members: full } : { kind: 'full' }
}
