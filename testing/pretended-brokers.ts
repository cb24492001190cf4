// The controllers of Kubernetes and the kubelet, played for one Deployment of brokers in the fake API server: as many pods as
// it wants, each with a small server of metrics behind it. Pods of the lowest deletion cost go first.

import { createServer, type Server } from 'node:http'
import { ifFound } from '../operator/runtime/errors.ts'
import type { KubeObject, Manifest } from '../operator/runtime/object.ts'
import { RESOURCES } from '../operator/runtime/resource.ts'
import type { ScrapeAddress } from '../operator/signals/scrape.ts'
import type { KubeApi } from './kube-api/kube-api.ts'

const PORT = 'test/metrics-port'
const EVERY_MS = 20
const kubelet = { manager: 'kubelet', force: true }

interface PretendedPod {
  readonly name: string
  readonly server: Server
  readonly began: number
}

export class PretendedBrokers {
  /** Connections of each broker, by its number among all that there ever were. */
  connections: (pod: string, pods: number) => number = () => 0
  /** Share of time that the brokers' threads are at work. */
  eventLoop = 0.1
  /** They answer nothing. */
  silent = false
  readonly #api: KubeApi
  readonly #at: { readonly namespace: string; readonly name: string }
  readonly #pods: PretendedPod[] = []
  #made = 0
  #isStopped = false
  #running: Promise<void> = Promise.resolve()

  static start(api: KubeApi, namespace: string, cluster: string): PretendedBrokers {
    const brokers = new PretendedBrokers(api, namespace, cluster)
    brokers.#running = brokers.#run(cluster)
    return brokers
  }

  private constructor(api: KubeApi, namespace: string, cluster: string) {
    this.#api = api
    this.#at = { namespace, name: `${cluster}-broker` }
  }

  /** For OperatorOptions.metricsAddressOf. */
  static addressOf(pod: KubeObject): ScrapeAddress | undefined {
    const port = pod.metadata.annotations?.[PORT]
    return port === undefined ? undefined : { host: '127.0.0.1', port: Number(port) }
  }

  get names(): string[] {
    return this.#pods.map(({ name }) => name)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
    for (const { server } of this.#pods) await closed(server)
  }

  async #run(cluster: string): Promise<void> {
    while (!this.#isStopped) {
      const deployment = this.#api.get(RESOURCES.deployments, this.#at)
      if (deployment !== undefined) await this.#follow(deployment, cluster)
      await new Promise(resolve => setTimeout(resolve, EVERY_MS))
    }
  }

  async #follow(deployment: Manifest, cluster: string): Promise<void> {
    const wanted = Number(Object(deployment.spec).replicas ?? 1)
    while (this.#pods.length < wanted) await this.#add(cluster)
    while (this.#pods.length > wanted) await this.#remove()
    const count = this.#pods.length
    const status = {
      observedGeneration: deployment.metadata.generation,
      replicas: count,
      readyReplicas: count,
      updatedReplicas: count,
    }
    const { apiVersion, kind } = deployment
    // Gone meanwhile: then there is nothing to tell.
    await ifFound(
      this.#api
        .bystander()
        .applyStatus(RESOURCES.deployments, { apiVersion, kind, metadata: this.#at, status }, kubelet),
    )
  }

  async #add(cluster: string): Promise<void> {
    const name = `${this.#at.name}-${this.#made++}`
    const began = performance.now()
    const server = createServer((_, response) => {
      if (this.silent) response.destroy()
      else response.end(this.#page(name, began))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    this.#pods.push({ name, server, began })
    const labels = {
      'app.kubernetes.io/name': 'kafscale',
      'app.kubernetes.io/instance': cluster,
      'app.kubernetes.io/component': 'broker',
    }
    const metadata = { namespace: this.#at.namespace, name, labels, annotations: { [PORT]: String(port) } }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata }
    const client = this.#api.bystander()
    await client.apply(RESOURCES.pods, pod, kubelet)
    const status = { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] }
    await client.applyStatus(RESOURCES.pods, { ...pod, status }, kubelet)
  }

  async #remove(): Promise<void> {
    const costOf = (name: string): number => {
      const pod = this.#api.get(RESOURCES.pods, { ...this.#at, name })
      return Number(pod?.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0)
    }
    const [victim] = this.#pods.toSorted((a, b) => costOf(a.name) - costOf(b.name))
    if (victim === undefined) return
    this.#pods.splice(this.#pods.indexOf(victim), 1)
    await this.#api.bystander().delete(RESOURCES.pods, { ...this.#at, name: victim.name })
    await closed(victim.server)
  }

  #page(name: string, began: number): string {
    const seconds = (performance.now() - began) / 1000
    return `kafscale_build_info{version="0.1.0"} 1
process_start_time_seconds ${began}
process_cpu_seconds_total ${seconds * this.eventLoop}
kafscale_event_loop_active_seconds_total ${seconds * this.eventLoop}
kafscale_event_loop_idle_seconds_total ${seconds * (1 - this.eventLoop)}
kafscale_connections{listener="PLAINTEXT"} ${this.connections(name, this.#pods.length)}
`
  }
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>(resolve => server.close(() => resolve()))
}
