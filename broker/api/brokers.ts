/** The live brokers as clients see them: one per open session, by the address that suits the listener they came in by. */

import type { ClusterState } from '../state/cluster-state.ts'
import { type BrokerInfo, readBrokerInfo } from '../state/commands.gen.ts'
import { Reader } from '../wire/reader.ts'

export interface BrokerAddress {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

const parsed = new WeakMap<Buffer, BrokerInfo>()

/** In order of node id; brokers without such a listener are left out. */
export function liveBrokers(state: ClusterState, listener: string): BrokerAddress[] {
  const brokers: BrokerAddress[] = []
  for (const { info } of state.sessions.values()) {
    const { brokerId, rack, listeners } = brokerInfo(info)
    const address = listeners.find(({ name }) => name === listener)
    if (address !== undefined) brokers.push({ nodeId: brokerId, host: address.host, port: address.port, rack })
  }
  return brokers.sort((a, b) => a.nodeId - b.nodeId)
}

function brokerInfo(info: Buffer): BrokerInfo {
  const known = parsed.get(info)
  if (known !== undefined) return known
  const read = readBrokerInfo(new Reader(info), 0)
  parsed.set(info, read)
  return read
}

/** `leader` first, then others up to the replication factor: replicas are a courtesy, data lives in the object store. */
export function replicasOf(leader: number, brokers: readonly BrokerAddress[], replicationFactor: number): number[] {
  const others = brokers.map(({ nodeId }) => nodeId).filter(nodeId => nodeId !== leader)
  return [leader, ...others.slice(0, Math.max(0, replicationFactor - 1))]
}
