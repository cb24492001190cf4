/**
 * The brokers as clients see them, and which of them each client is sent to.
 *
 * Every broker serves every partition, so a client is shown one broker as the leader of everything: one in its zone if its
 * client id names a zone, and always the same one, so that its records travel together. Groups are spread by their id.
 * By a shared listener all brokers are one address and one broker id.
 *
 * A broker that may have been replaced without knowing it (it is cut off from the ledger) sends clients to the others.
 */
import type { Replica } from '../ledger/replica.ts'
import { type Member, members, rendezvous } from '../state/members.ts'
import type { Client } from './handler.ts'
import { zoneOf } from './zone.ts'

export interface BrokerAddress {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The broker id of all brokers together, behind a shared listener. Java clients count down from 2147483647 for coordinators. */
export const SHARED_BROKER_ID = 1_000_000_000

type View = Pick<Replica, 'state' | 'brokerId' | 'isCutOff'>

/** In order of broker id; brokers without such a listener are left out. */
export function liveBrokers({ state }: View, listener: string): BrokerAddress[] {
  const brokers = members(state).flatMap(member => addressOf(member, listener) ?? [])
  const shared = brokers.find(({ nodeId }) => nodeId === SHARED_BROKER_ID)
  return shared === undefined ? brokers : [shared]
}

/** Broker id of who leads every partition for this client. */
export function leaderFor(view: View, client: Client, clientId: string): number {
  const candidates = eligible(view).filter(member => addressOf(member, client.listener) !== undefined)
  const zone = zoneOf(clientId)
  const near = zone === undefined ? [] : candidates.filter(({ rack }) => rack === zone)
  const chosen = rendezvous(`${client.host}/${clientId}`, near.length > 0 ? near : candidates)
  return chosen === undefined ? -1 : (addressOf(chosen, client.listener)?.nodeId ?? -1)
}

/** The broker that coordinates a group, by the listener that the client came in by; undefined when there is none. */
export function coordinatorFor(view: View, listener: string, groupId: string): BrokerAddress | undefined {
  const member = coordinatorOf(view, groupId)
  return member === undefined ? undefined : addressOf(member, listener)
}

export function coordinatorOf(view: View, groupId: string): Member | undefined {
  return rendezvous(groupId, eligible(view))
}

/** Does the listener lead to any broker of the cluster? */
export function isShared({ state, brokerId }: View, listener: string): boolean {
  const own = members(state).find(member => member.brokerId === brokerId)
  return own?.listeners.find(({ name }) => name === listener)?.shared === true
}

/** Is a group this broker's to coordinate? */
export function coordinates(view: View, groupId: string): boolean {
  return coordinatorOf(view, groupId)?.brokerId === view.brokerId
}

/** May other brokers have taken this one's place? Then what it does not know may be known to them. */
export function isSuperseded({ state, isCutOff }: Pick<View, 'state' | 'isCutOff'>): boolean {
  return isCutOff && state.sessions.size > 1
}

/** A broker in the client's zone to fetch from (KIP-392); undefined when this one is as good as any. */
export function preferredReader({ state, brokerId }: View, client: Client, rackId: string): number | undefined {
  if (rackId === '') return undefined
  const near = members(state).filter(
    member => member.rack === rackId && addressOf(member, client.listener)?.nodeId === member.brokerId,
  )
  if (near.some(member => member.brokerId === brokerId)) return undefined
  return rendezvous(client.host, near)?.brokerId
}

/** `leader` first, then others up to the replication factor: replicas are a courtesy, data lives in the object store. */
export function replicasOf(leader: number, brokers: readonly BrokerAddress[], replicationFactor: number): number[] {
  const others = brokers.map(({ nodeId }) => nodeId).filter(nodeId => nodeId !== leader)
  return [leader, ...others.slice(0, Math.max(0, replicationFactor - 1))]
}

/** Who may be sent work: all members, this one only while it is sure to be one. */
function eligible({ state, brokerId, isCutOff }: View): Member[] {
  const all = members(state)
  if (!isCutOff || all.length === 1) return all
  return all.filter(member => member.brokerId !== brokerId)
}

function addressOf(member: Member, listener: string): BrokerAddress | undefined {
  const found = member.listeners.find(({ name }) => name === listener)
  if (found === undefined) return undefined
  const { host, port, shared } = found
  if (shared) return { nodeId: SHARED_BROKER_ID, host, port, rack: null }
  return { nodeId: member.brokerId, host, port, rack: member.rack }
}
