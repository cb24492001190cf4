// Brokers come and go by the lag of a real group: the operator reads it from real brokers, writes /scale, and processes on
// real etcd and S3 follow. A producer goes on all the while, and every record that it was promised is there at the end.

import { expect, jest, test } from '@jest/globals'
import { BrokerUnreachable } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { newMetadataRequest } from '../../broker/wire/messages.gen.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { readLag } from '../../operator/signals/lag-reader.ts'
import { CLUSTER, type ClusterStatus, clusterSchema } from '../../operator/types/kaf-scale-cluster.ts'
import { Cluster } from '../../testing/cluster/cluster.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { runOperator, until } from '../../testing/operator.ts'
import { SmallClient } from '../../testing/small-client.ts'
import { etcd, versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { metricsAddressOf, ProcessPods } from './process-pods.ts'

jest.setTimeout(240_000)

const LIMIT_MS = 120_000
const PARTITIONS = 4
const at = { namespace: 'shop', name: 'orders' }

const SPEC = {
  s3: { bucket: 'records', region: 'r' },
  etcd: { endpoints: ['http://etcd:2379'] },
  scaling: {
    mode: 'Auto',
    min: 1,
    max: 2,
    // All lag counts: on a machine of a test the brokers are not what holds the group up.
    signals: { lag: { targetSeconds: 2, attribution: 'Disabled' }, eventLoop: { targetPercent: 100 } },
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 1, policies: [{ type: 'Pods', value: 2, periodSeconds: 1 }] },
      scaleDown: { stabilizationWindowSeconds: 1, policies: [{ type: 'Pods', value: 2, periodSeconds: 1 }] },
    },
  },
}

/** Produces until it is stopped, over a new connection whenever one is lost. A record may be there twice, none may be missing. */
class Producer {
  readonly #port: number
  #isStopped = false
  acknowledged = 0

  constructor(port: number) {
    this.#port = port
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const client = await SmallClient.open(this.#port).catch(() => undefined)
      try {
        for (let batch = 0; client !== undefined && !this.#isStopped; batch++) {
          await client.produce('orders', batch % PARTITIONS, 50)
          this.acknowledged += 50
          await new Promise(resolve => setTimeout(resolve, 50))
        }
      } catch (cause) {
        if (!(cause instanceof BrokerUnreachable)) throw cause
      } finally {
        client?.close()
      }
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  stop(): void {
    this.#isStopped = true
  }
}

await suiteWith('scaling by real lag', Promise.all([etcd(), versitygw()]), () => {
  test('a broker comes when a group falls behind and goes when it has caught up, and no record is lost (gaps 2, 3)', async () => {
    const cluster = await Cluster.start({ brokers: 0, balanced: true })
    const api = await KubeApi.start()
    const port = cluster.balancer?.port ?? 0
    const pods = ProcessPods.start(api, cluster, at.namespace, at.name)
    const operator = runOperator(api.client('operator'), 'operator', () => ({ host: '127.0.0.1', port }), {
      metricsAddressOf,
      lookEveryMs: 500,
    })
    const producer = new Producer(port)
    let producing: Promise<void> | undefined
    try {
      await api
        .bystander()
        .apply(
          CLUSTER,
          { apiVersion: 'kafscale.io/v1alpha1', kind: 'KafScaleCluster', metadata: at, spec: SPEC },
          { manager: 'user', force: true },
        )
      const status = (): ClusterStatus | undefined => {
        const found = api.get(CLUSTER, at)
        return found === undefined ? undefined : clusterSchema.parse(found).status
      }
      await until('one broker', () => pods.count === 1, LIMIT_MS)
      const client = await SmallClient.open(port)
      await client.create('orders', PARTITIONS)
      for (let partition = 0; partition < PARTITIONS; partition++) await client.commit('slow', 'orders', partition, 0)
      client.close()
      producing = producer.run()
      await until('two brokers', () => pods.count === 2, LIMIT_MS)
      const grown = await until('the reason', () => status()?.scaling?.history?.events?.at(-1), LIMIT_MS)
      expect(grown).toMatchObject({ from: 1, to: 2, reason: expect.stringMatching(/^lag \d+s$/) })
      expect(status()?.lag?.groups?.[0]).toMatchObject({ group: 'slow', topic: 'orders' })
      await until('the event', () =>
        JSON.stringify(api.list(RESOURCES.events)).includes('New size: 2; reason: 1 brokers become 2: lag asks for'),
      )
      const [first] = cluster.brokers
      expect(await advertised(first?.port ?? 0)).toHaveLength(2)
      await catchUp(port, () => pods.count === 1)
      expect(status()?.scaling?.history?.events?.at(-1)).toMatchObject({ from: 2, to: 1 })
      producer.stop()
      await producing
      const { positions } = await readLag({ host: '127.0.0.1', port, clock: systemClock, timeoutMs: 20_000 })
      const stored = positions.reduce((sum, { end }) => sum + end, 0)
      expect(stored).toBeGreaterThanOrEqual(producer.acknowledged)
      expect(producer.acknowledged).toBeGreaterThan(0)
    } finally {
      producer.stop()
      await producing?.catch(() => {})
      const ends = await Promise.allSettled([operator.stop(), pods.stop()])
      await api.stop()
      await cluster.stop()
      expect(ends.flatMap(end => (end.status === 'rejected' ? [String(end.reason)] : []))).toEqual([])
    }
  })
})

/** Brokers that clients of a listener that is not shared are told of. */
async function advertised(port: number): Promise<readonly unknown[]> {
  const client = await SmallClient.open(port)
  try {
    return (await client.connection.call('Metadata', newMetadataRequest({ topics: [] }))).brokers
  } finally {
    client.close()
  }
}

/** The group commits what there is, again and again, until `isDone`. */
async function catchUp(port: number, isDone: () => boolean): Promise<void> {
  await until(
    'the end of the second broker',
    async () => {
      const { positions } = await readLag({ host: '127.0.0.1', port, clock: systemClock, timeoutMs: 20_000 }).catch(
        () => ({ positions: [] }),
      )
      const client = await SmallClient.open(port).catch(() => undefined)
      try {
        for (const { topic, partition, end } of positions) await client?.commit('slow', topic, partition, end)
      } catch {
        // The coordinator is going, or the connection went with its broker: the next round commits.
      } finally {
        client?.close()
      }
      return isDone()
    },
    LIMIT_MS,
  )
}
