// Pods as broker processes: what a Deployment in the fake API server wants runs here, on real etcd and a real S3 server, one
// process for each pod, behind one load balancer as their Service.

import type { KubeObject, Manifest } from '../../operator/runtime/object.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { DELETION_COST } from '../../operator/scaling/victims.ts'
import type { ScrapeAddress } from '../../operator/signals/scrape.ts'
import type { ClusterBroker } from '../../testing/cluster/broker.ts'
import type { Cluster } from '../../testing/cluster/cluster.ts'
import type { KubeApi } from '../../testing/kube-api/kube-api.ts'

const PORT = 'test/metrics-port'
const EVERY_MS = 100
const kubelet = { manager: 'kubelet', force: true }

interface ProcessPod {
  readonly name: string
  readonly broker: ClusterBroker
}

/** For OperatorOptions.metricsAddressOf. */
export function metricsAddressOf(pod: KubeObject): ScrapeAddress | undefined {
  const port = pod.metadata.annotations?.[PORT]
  return port === undefined ? undefined : { host: '127.0.0.1', port: Number(port) }
}

export class ProcessPods {
  readonly #api: KubeApi
  readonly #cluster: Cluster
  readonly #at: { readonly namespace: string; readonly name: string }
  readonly #instance: string
  readonly #pods: ProcessPod[] = []
  #made = 0
  #isStopped = false
  #running: Promise<void> = Promise.resolve()
  #failure: unknown

  /** The Deployment is that of KafScaleCluster `instance`. `cluster` has no brokers of its own. */
  static start(api: KubeApi, cluster: Cluster, namespace: string, instance: string): ProcessPods {
    const pods = new ProcessPods(api, cluster, namespace, instance)
    pods.#running = pods.#run()
    pods.#running.catch((cause: unknown) => {
      pods.#failure = cause
    })
    return pods
  }

  private constructor(api: KubeApi, cluster: Cluster, namespace: string, instance: string) {
    this.#api = api
    this.#cluster = cluster
    this.#at = { namespace, name: `${instance}-broker` }
    this.#instance = instance
  }

  /** Brokers that are ready. Throws what went wrong on the way. */
  get count(): number {
    if (this.#failure !== undefined) throw this.#failure
    return this.#pods.length
  }

  /** Processes stay: they are the cluster's. Rejects with what went wrong on the way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const deployment = this.#api.get(RESOURCES.deployments, this.#at)
      if (deployment !== undefined) await this.#follow(deployment)
      await new Promise(resolve => setTimeout(resolve, EVERY_MS))
    }
  }

  async #follow(deployment: Manifest): Promise<void> {
    const wanted = Number(Object(deployment.spec).replicas ?? 1)
    if (this.#pods.length < wanted) await this.#add()
    if (this.#pods.length > wanted) await this.#remove()
    const replicas = this.#pods.length
    const { apiVersion, kind, metadata } = deployment
    const status = {
      observedGeneration: metadata.generation,
      replicas,
      readyReplicas: replicas,
      updatedReplicas: replicas,
    }
    await this.#api
      .bystander()
      .applyStatus(RESOURCES.deployments, { apiVersion, kind, metadata: this.#at, status }, kubelet)
  }

  async #add(): Promise<void> {
    const broker = await this.#cluster.addBroker()
    const name = `${this.#at.name}-${this.#made++}`
    const labels = {
      'app.kubernetes.io/name': 'kafscale',
      'app.kubernetes.io/instance': this.#instance,
      'app.kubernetes.io/component': 'broker',
    }
    const annotations = { [PORT]: String(broker.metricsPort) }
    const metadata = { namespace: this.#at.namespace, name, labels, annotations }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata }
    const status = { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] }
    const client = this.#api.bystander()
    await client.apply(RESOURCES.pods, pod, kubelet)
    await client.applyStatus(RESOURCES.pods, { ...pod, status }, kubelet)
    this.#pods.push({ name, broker })
  }

  /** As the controller of a ReplicaSet chooses, and as the kubelet ends it: the process has its drain. */
  async #remove(): Promise<void> {
    const costOf = ({ name }: ProcessPod): number => {
      const pod = this.#api.get(RESOURCES.pods, { ...this.#at, name })
      return Number(pod?.metadata.annotations?.[DELETION_COST] ?? 0)
    }
    const [victim] = this.#pods.toSorted((a, b) => costOf(a) - costOf(b))
    if (victim === undefined) return
    this.#pods.splice(this.#pods.indexOf(victim), 1)
    await this.#api.bystander().delete(RESOURCES.pods, { ...this.#at, name: victim.name })
    const code = await victim.broker.stop()
    if (code !== 0)
      throw new Error(`a broker that was to go ended with ${code}:\n${victim.broker.output().slice(-2000)}`)
  }
}
