// What the status of a KafScaleUser says. Nothing in it is secret: of a password not even when it was set.

import type { Refusal } from '../topic/topic-admin.ts'
import { type Finding, mergeConditions, rfc3339 } from '../types/condition.ts'
import { finder, USER_CONDITIONS } from '../types/conditions.ts'
import { type KafScaleUser, type UserStatus, userNameOf } from '../types/kaf-scale-user.ts'
import type { Prepared, Unprepared } from './credentials.ts'
import { principalOf } from './user-admin.ts'

export type UserResult =
  | { readonly kind: 'cluster-missing' }
  | { readonly kind: 'cluster-not-ready'; readonly message: string; readonly prepared?: Prepared }
  /** `holder`: name of the older KafScaleUser. */
  | { readonly kind: 'conflict'; readonly holder: string }
  | { readonly kind: 'unprepared'; readonly problem: Unprepared }
  | { readonly kind: 'paused'; readonly message: string }
  | { readonly kind: 'deleting'; readonly refusal: Refusal | undefined }
  | {
      readonly kind: 'reconciled'
      readonly prepared: Prepared
      readonly refusal: Refusal | undefined
      /** It is to have rights, and the brokers let everybody do everything. */
      readonly lacksAcls: boolean
    }

type Say = ReturnType<typeof finder<typeof USER_CONDITIONS>>

/** `now` in ms since 1970. */
export function userStatus(now: number, user: KafScaleUser, result: UserResult): UserStatus {
  const { generation } = user.metadata
  const say = finder(USER_CONDITIONS, generation)
  const found = findings(say, user, result)
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase: found.find(({ type }) => type === 'Ready')?.reason,
    conditions: [...mergeConditions(user.status?.conditions ?? [], found, now)],
    principal: principalOf(userNameOf(user)),
    ...connection(user, result),
  }
}

function connection(user: KafScaleUser, result: UserResult): Partial<UserStatus> {
  const prepared = 'prepared' in result ? result.prepared : undefined
  if (prepared === undefined) {
    const { secret, listener, bootstrapServers, certificateExpires } = user.status ?? {}
    return present({ secret, listener, bootstrapServers, certificateExpires })
  }
  const { secret, listener, bootstrapServers, certificate } = prepared
  const certificateExpires = certificate === undefined ? undefined : rfc3339(certificate.expiresAt)
  return present({ secret, listener, bootstrapServers, certificateExpires })
}

const present = (entries: Partial<UserStatus>): Partial<UserStatus> =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))

function findings(say: Say, user: KafScaleUser, result: UserResult): Finding[] {
  const isPaused = result.kind === 'paused'
  return [...main(say, user, result), isPaused ? say('Paused', 'Paused', result.message) : say('Paused', 'NotPaused')]
}

function main(say: Say, user: KafScaleUser, result: UserResult): Finding[] {
  const busy = [say('Reconciling', 'Progressing'), say('Stalled', 'NotStalled')]
  const calm = [say('Reconciling', 'Settled'), say('Stalled', 'NotStalled')]
  switch (result.kind) {
    case 'cluster-missing':
      return [say('Ready', 'ClusterMissing'), ...busy]
    case 'cluster-not-ready':
      return [say('Ready', 'ClusterNotReady', result.message), ...busy]
    case 'conflict': {
      const words = `KafScaleUser ${result.holder} is older and has the same name in Kafka: delete one of the two, or give this one another userName.`
      return stalled(say, 'ResourceConflict', words)
    }
    case 'unprepared': {
      const { reason, message } = result.problem
      if (reason === 'ClusterNotReady') return [say('Ready', 'ClusterNotReady', message), ...busy]
      return stalled(say, reason, message)
    }
    case 'paused':
      return [readyBefore(say, user), ...calm]
    case 'deleting': {
      const { refusal } = result
      return [
        refusal === undefined ? say('Ready', 'Deleting') : say('Ready', 'DeletionFailed', refusal.message),
        ...busy,
      ]
    }
    case 'reconciled': {
      const { refusal, lacksAcls } = result
      if (refusal?.retriable === true) return [say('Ready', 'Progressing', refusal.message), ...busy]
      if (refusal !== undefined) return stalled(say, 'InvalidSpec', refusal.message)
      return [say('Ready', lacksAcls ? 'AuthorizationDisabled' : 'Ready'), ...calm]
    }
  }
}

const stalled = (
  say: Say,
  reason:
    | 'ResourceConflict'
    | 'ListenerMissing'
    | 'SecretMissing'
    | 'NameConflict'
    | 'ApiServerRefused'
    | 'InvalidSpec',
  message: string,
): Finding[] => [say('Ready', reason, message), say('Reconciling', 'Settled'), say('Stalled', reason, message)]

/** What is paused stays as it was. */
function readyBefore(say: Say, { status }: KafScaleUser): Finding {
  const wasReady = status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'Ready') === true
  return wasReady ? say('Ready', 'Ready') : say('Ready', 'Progressing', 'It is left as it is while it is paused.')
}
