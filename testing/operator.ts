// The operator of one namespace, `shop`, in this process, with short times so that a test sees many rounds.

import { systemClock } from '../broker/clock.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { Operator } from '../operator/operator.ts'
import type { OperatorOptions } from '../operator/options.ts'
import type { KubeClient } from '../operator/runtime/kube-client.ts'
import { EngineMetrics } from '../operator/runtime/metrics.ts'
import type { Address } from '../operator/topic/reconcile.ts'

export interface RunningOperator {
  readonly operator: Operator
  stop(): Promise<void>
}

export function runOperator(
  client: KubeClient,
  identity: string,
  brokers: () => Address,
  more: Partial<OperatorOptions> = {},
): RunningOperator {
  const operator = new Operator({
    client,
    clock: systemClock,
    random: Math.random,
    log: createLogger('silent'),
    defaults: { image: 'kafscale:1', etcdImage: 'etcd:3', clusterDomain: 'cluster.local' },
    namespace: 'shop',
    watched: ['shop'],
    leaseName: 'kafscale-operator',
    identity,
    metrics: new EngineMetrics(),
    addressOf: brokers,
    usesBuckets: false,
    lookEveryMs: 200,
    // Long enough for a machine under load: a lead that is lost ends the operator. Who ends in order gives it back at once.
    leaseTimes: { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 50 },
    reflectorTimes: { watchSeconds: 60, idleMs: 120_000, backoff: { baseMs: 5, capMs: 50 }, healthyMs: 1000 },
    ...more,
  })
  const stopping = new AbortController()
  const running = operator.run(stopping.signal)
  return {
    operator,
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

/** Polls; rejects when nothing was found in time. */
export async function until<Found>(
  what: string,
  look: () => Found | undefined | false | Promise<Found | undefined | false>,
  limitMs = 20_000,
): Promise<Found> {
  for (const end = Date.now() + limitMs; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 10))) {
    const found = await look()
    if (found !== undefined && found !== false) return found
  }
  throw new Error(`${what} did not come true`)
}
