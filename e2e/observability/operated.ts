// The operator at work on the brokers of a test: the fake API server over HTTP has a KafScaleCluster whose pods are those
// brokers, so that topics, lag and load that the operator sees are real ones. Its metrics are served as its process does.

import { systemClock } from '../../broker/clock.ts'
import { selectorLabels } from '../../operator/cluster/desired/names.ts'
import { HealthServer } from '../../operator/runtime/health.ts'
import { HttpKubeClient } from '../../operator/runtime/http-kube-client.ts'
import { EngineMetrics } from '../../operator/runtime/metrics.ts'
import type { Manifest } from '../../operator/runtime/object.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { CLUSTER, clusterSchema } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { isWrite } from '../../testing/kube-api/call.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../../testing/operator.ts'

const CALLER = 'operator'
const METRICS_PORT = 'test/metrics-port'
const NAMESPACE = 'shop'
const at = (name: string) => ({ namespace: NAMESPACE, name })
const person = { manager: 'person', force: true }
const kubelet = { manager: 'kubelet', force: true }

export interface OperatedBroker {
  readonly port: number
  readonly metricsPort: number
}

export class Operated {
  readonly metricsPort: number
  readonly #api: KubeApi
  readonly #client: HttpKubeClient
  readonly #running: RunningOperator
  readonly #health: HealthServer

  /** Topics `orders-0` and so on, a cluster that follows its load, and a pod for each broker. */
  static async start(brokers: readonly OperatedBroker[]): Promise<Operated> {
    const api = await KubeApi.start()
    const metrics = new EngineMetrics()
    const client = new HttpKubeClient({
      connection: api.connection,
      clock: systemClock,
      userAgent: CALLER,
      requestTimeoutMs: 5000,
      onRequest: request => metrics.request(request),
    })
    const bootstrap = () => ({ host: '127.0.0.1', port: brokers[0]?.port ?? 0 })
    const running = runOperator(client, 'one', bootstrap, {
      metrics,
      figuresEveryMs: 1000,
      metricsAddressOf: ({ metadata }) => ({
        host: '127.0.0.1',
        port: Number(metadata.annotations?.[METRICS_PORT]),
      }),
    })
    const { operator } = running
    const health = new HealthServer({
      host: '127.0.0.1',
      port: 0,
      live: () => [],
      ready: () => operator.unready(),
      registry: metrics.registry,
    })
    const operated = new Operated({ api, client, running, health }, await health.listen())
    await operated.#play(brokers)
    return operated
  }

  private constructor(
    parts: { api: KubeApi; client: HttpKubeClient; running: RunningOperator; health: HealthServer },
    metricsPort: number,
  ) {
    this.#api = parts.api
    this.#client = parts.client
    this.#running = parts.running
    this.#health = parts.health
    this.metricsPort = metricsPort
  }

  async stop(): Promise<void> {
    this.#api.faults.heal()
    await this.#running.stop()
    await this.#health.close()
    await this.#client.close()
    await this.#api.stop()
  }

  async addTopic(name: string): Promise<void> {
    const manifest = {
      apiVersion: 'kafscale.io/v1alpha1',
      kind: 'KafScaleTopic',
      metadata: at(name),
      spec: { clusterRef: 'orders', partitions: 3 },
    }
    await this.#api.bystander().apply(TOPIC, manifest, person)
  }

  /** What the operator writes of topics is refused until `heal`. */
  refuseTopics(): void {
    this.#api.faults.add({
      when: call => call.caller === CALLER && isWrite(call) && call.resource.plural === TOPIC.plural,
      fault: { kind: 'refuse', code: 500 },
      times: Number.POSITIVE_INFINITY,
    })
  }

  heal(): void {
    this.#api.faults.heal()
  }

  /** Another program has other wishes for what the operator made. */
  async contend(): Promise<void> {
    const labels = { 'app.kubernetes.io/part-of': 'mine' }
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { ...at('orders-broker'), labels } }
    await this.#api.bystander().apply(RESOURCES.services, service, { manager: 'rival', force: true })
  }

  /** The controllers of Kubernetes and the kubelet, as far as the operator needs them. */
  async #play(brokers: readonly OperatedBroker[]): Promise<void> {
    const cluster: Manifest = {
      apiVersion: 'kafscale.io/v1alpha1',
      kind: 'KafScaleCluster',
      metadata: at('orders'),
      spec: {
        s3: { bucket: 'records', region: 'r' },
        etcd: { endpoints: ['http://etcd:2379'] },
        brokers: { replicas: brokers.length },
        scaling: { mode: 'Recommend', min: 1, max: 9 },
      },
    }
    const kubernetes = this.#api.bystander()
    await kubernetes.apply(CLUSTER, cluster, person)
    for (const topic of ['orders-0', 'orders-1']) await this.addTopic(topic)
    const { apiVersion, kind, metadata } = await until('the size', () => {
      const found = this.#api.get(RESOURCES.deployments, at('orders-broker'))
      return Object(found?.spec).replicas === brokers.length && found
    })
    const count = brokers.length
    const sizes = { replicas: count, readyReplicas: count, updatedReplicas: count }
    const status = { observedGeneration: metadata.generation, ...sizes }
    await kubernetes.applyStatus(
      RESOURCES.deployments,
      { apiVersion, kind, metadata: at('orders-broker'), status },
      kubelet,
    )
    const labels = selectorLabels({ cluster: clusterSchema.parse(cluster) }, 'broker')
    for (const [index, { metricsPort }] of brokers.entries()) {
      const annotations = { [METRICS_PORT]: String(metricsPort) }
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...at(`orders-broker-${index}`), labels, annotations } }
      await kubernetes.apply(RESOURCES.pods, pod, kubelet)
      const ready = { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] }
      await kubernetes.applyStatus(RESOURCES.pods, { ...pod, status: ready }, kubelet)
    }
  }
}
