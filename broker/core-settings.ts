/** From the settings to what a Core takes: pure. */

import type { ApiSettings } from './api/parts.ts'
import type { Backing } from './backing.ts'
import { addressText } from './client/address.ts'
import { advertised, type OpenListener } from './listeners.ts'
import type { Settings } from './settings.ts'
import { FEATURE_LEVEL } from './state/commands.ts'
import { VERSION } from './version.ts'

const SWEEP_EVERY_MS = 30_000
const ROLL_UP_EVERY_MS = 30_000

export function coreSettings(
  settings: Settings,
  listeners: readonly OpenListener[],
  { flush, rollUp, logDir }: Backing,
) {
  return {
    prefix: settings.prefix,
    brokerId: settings.brokerId,
    info: {
      featureLevel: FEATURE_LEVEL,
      software: VERSION,
      rack: settings.rack ?? null,
      listeners: listeners.map(advertised),
    },
    api: (brokerId: number): ApiSettings => ({
      brokerId,
      autoCreateTopics: settings.autoCreateTopics,
      usesAcls: settings.authorizer === 'acl',
      autoCreatePartitions: settings.autoCreatePartitions,
      maxPartitionsPerTopic: settings.maxPartitionsPerTopic,
      maxPartitions: settings.maxPartitions,
      logDir,
      brokerConfigs: brokerConfigs(settings, { brokerId, listeners, logDir }),
    }),
    flush: {
      windowBytes: settings.windowBytes,
      maxWaitMs: settings.flushIntervalMs,
      ...flush,
      memoryBytes: settings.produceMemoryBytes,
    },
    cacheBytes: settings.cacheBytes,
    fetchMemoryBytes: settings.fetchMemoryBytes,
    groups: {
      initialRebalanceDelayMs: settings.groupInitialRebalanceDelayMs,
      minSessionTimeoutMs: settings.groupMinSessionTimeoutMs,
      maxSessionTimeoutMs: settings.groupMaxSessionTimeoutMs,
      maxSize: settings.groupMaxSize,
      offsetsRetentionMs: settings.offsetsRetentionMinutes * 60_000,
    },
    upkeep: {
      checkpointEveryMs: settings.checkpointIntervalMs,
      retentionEveryMs: settings.retentionCheckIntervalMs,
      rollUpEveryMs: ROLL_UP_EVERY_MS,
      sweepEveryMs: SWEEP_EVERY_MS,
      rollUp,
    },
  }
}

/** What DescribeConfigs shows of the settings, under the names that Kafka has for them. */
function brokerConfigs(
  settings: Settings,
  { brokerId, listeners, logDir }: { brokerId: number; listeners: readonly OpenListener[]; logDir: string },
): ReadonlyMap<string, string> {
  const told = listeners.map(open => advertised(open))
  const values: Readonly<Record<string, string | number | boolean | undefined>> = {
    'advertised.listeners': told.map(({ name, host, port }) => `${name}://${addressText({ host, port })}`).join(','),
    'auto.create.topics.enable': settings.autoCreateTopics,
    'broker.id': brokerId,
    'broker.rack': settings.rack,
    'connections.max.idle.ms': settings.connectionsMaxIdleMs,
    'group.initial.rebalance.delay.ms': settings.groupInitialRebalanceDelayMs,
    'group.max.session.timeout.ms': settings.groupMaxSessionTimeoutMs,
    'group.max.size': settings.groupMaxSize,
    'group.min.session.timeout.ms': settings.groupMinSessionTimeoutMs,
    listeners: listeners
      .map(
        ({ plan: { bind }, listener }) =>
          `${bind.name}://${addressText({ host: bind.host ?? '', port: listener.port })}`,
      )
      .join(','),
    'log.dirs': logDir,
    'log.retention.check.interval.ms': settings.retentionCheckIntervalMs,
    'max.connections': settings.maxConnections,
    'max.connections.per.ip': settings.maxConnectionsPerIp,
    'node.id': brokerId,
    'num.partitions': settings.autoCreatePartitions,
    'offsets.retention.check.interval.ms': settings.retentionCheckIntervalMs,
    'offsets.retention.minutes': settings.offsetsRetentionMinutes,
    'process.roles': 'broker',
    'socket.request.max.bytes': settings.maxRequestBytes,
  }
  return new Map(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}
