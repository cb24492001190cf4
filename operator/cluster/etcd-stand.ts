// How the managed etcd of a cluster stands, before its objects are built: the certificates are there, and it is known which
// life it is in. Both are remembered in objects of the API server alone, so that any operator goes on where another one ended.

import { TRUST_TIMES, type TrustPlan, type TrustTimes } from '../certificates/trust.ts'
import { type EtcdLife, firstLife, isRestoring, nextLife, readLife } from '../etcd/life.ts'
import { type MemberReport, memberReportOf } from '../etcd/member-report.ts'
import { ifFound } from '../runtime/errors.ts'
import type { KubeClient } from '../runtime/kube-client.ts'
import type { KubeObject, Manifest } from '../runtime/object.ts'
import { RESOURCES } from '../runtime/resource.ts'
import type { Objects } from '../runtime/store.ts'
import { managedEtcdOf } from '../types/etcd.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { TRUST_ANNOTATION } from './desired/etcd.ts'
import { ETCD_ROLES, etcdCertificateNames } from './desired/etcd-endpoints.ts'
import {
  etcdAuthorityName,
  etcdConfigName,
  etcdName,
  etcdSecretName,
  namespaceOf,
  selectorLabels,
} from './desired/names.ts'
import type { ClusterInputs, EtcdInputs } from './inputs.ts'
import type { KeptSecrets } from './kept-secrets.ts'
import { workloadOf } from './live.ts'

export interface EtcdStandOptions {
  readonly client: KubeClient
  readonly kept: KeptSecrets
  readonly configMaps: Objects<Manifest>
  readonly statefulSets: Objects<Manifest>
  readonly podsOf: (cluster: KafScaleCluster) => readonly KubeObject[]
  readonly times?: TrustTimes | undefined
  readonly onLife: (cluster: KafScaleCluster, life: EtcdLife) => void
}

export interface EtcdStanding extends EtcdInputs {
  readonly certificates: TrustPlan | undefined
  readonly members: readonly MemberReport[]
}

/** Secrets that the operator makes for a managed etcd; a change of them concerns the cluster. */
export function managedSecrets(cluster: KafScaleCluster): readonly string[] {
  if (managedEtcdOf(cluster.spec.etcd)?.tls !== true) return []
  return [etcdAuthorityName({ cluster }), ...ETCD_ROLES.map(role => etcdSecretName({ cluster }, role))]
}

export class EtcdStand {
  readonly #options: EtcdStandOptions

  constructor(options: EtcdStandOptions) {
    this.#options = options
  }

  /** Undefined for an etcd that is not managed. */
  async establish(inputs: ClusterInputs, signal: AbortSignal): Promise<EtcdStanding | undefined> {
    const managed = managedEtcdOf(inputs.cluster.spec.etcd)
    if (managed === undefined) return undefined
    const certificates = managed.tls ? await this.#certify(inputs, signal) : undefined
    const members = this.#reports(inputs)
    const life = this.#live(inputs, members)
    await this.#endFormerLives(inputs, life, signal)
    return { life, trust: certificates?.version, certificates, members }
  }

  #reports(inputs: ClusterInputs): readonly MemberReport[] {
    return this.#pods(inputs, 'etcd').flatMap(pod => memberReportOf(pod) ?? [])
  }

  #live(inputs: ClusterInputs, reports: readonly MemberReport[]): EtcdLife {
    const { cluster } = inputs
    const { restoreFrom, replicas } = cluster.spec.etcd.managed ?? { restoreFrom: undefined, replicas: 3 }
    const before = this.#former(inputs) ?? firstLife(restoreFrom)
    const set = this.#options.statefulSets.get(`${namespaceOf(inputs)}/${etcdName(inputs)}`)
    const isEmpty = ({ life, verdict }: MemberReport): boolean => life === before.number && verdict === 'empty'
    const after = nextLife(before, {
      members: replicas,
      ready: set === undefined ? 0 : readyOf(before, workloadOf(set).ready, reports),
      empty: reports.filter(isEmpty).length,
      brokerPods: this.#pods(inputs, 'broker').length,
      restoreFrom,
    })
    if (after.number !== before.number || after.state !== before.state) this.#options.onLife(cluster, after)
    return after
  }

  /** From the settings of the members, or from the status when somebody deleted them. */
  #former(inputs: ClusterInputs): EtcdLife | undefined {
    const settings = this.#options.configMaps.get(`${namespaceOf(inputs)}/${etcdConfigName(inputs)}`)
    return readLife(settings?.data) ?? inputs.cluster.status?.etcd?.life
  }

  /** Members that still run for the life before would only find nobody: they begin anew, with the settings of this one. */
  async #endFormerLives(inputs: ClusterInputs, life: EtcdLife, signal: AbortSignal): Promise<void> {
    if (!isRestoring(life) || life.state !== 'forming') return
    const known = this.#former(inputs)
    // Their next start must find the settings of this life, so these go first.
    if (known?.number !== life.number) return
    for (const pod of this.#pods(inputs, 'etcd')) {
      const report = memberReportOf(pod)
      if (report === undefined || report.life >= life.number || pod.metadata.deletionTimestamp !== undefined) continue
      const { uid } = pod.metadata
      await ifFound(this.#options.client.delete(RESOURCES.pods, pod.metadata, { uid, signal }))
    }
  }

  #pods(inputs: ClusterInputs, component: 'etcd' | 'broker'): readonly KubeObject[] {
    const labels = Object.entries(selectorLabels(inputs, component))
    return this.#options
      .podsOf(inputs.cluster)
      .filter(({ metadata }) => labels.every(([label, value]) => metadata.labels?.[label] === value))
  }

  #certify(inputs: ClusterInputs, signal: AbortSignal): Promise<TrustPlan> {
    const { kept, times = TRUST_TIMES } = this.#options
    const runsWith = this.#runsWith(inputs)
    return kept.certify(
      inputs,
      {
        component: 'etcd',
        authority: etcdAuthorityName(inputs),
        roles: new Map(ETCD_ROLES.map(role => [role, etcdSecretName(inputs, role)])),
      },
      {
        purpose: `${namespaceOf(inputs)}/${inputs.cluster.metadata.name} etcd`,
        wanted: new Map(Object.entries(etcdCertificateNames(inputs))),
        isTrusted: version => version === runsWith,
        times,
      },
      signal,
    )
  }

  /** Every member that there is was started with it. */
  #runsWith(inputs: ClusterInputs): string | undefined {
    const set = this.#options.statefulSets.get(`${namespaceOf(inputs)}/${etcdName(inputs)}`)
    if (set === undefined) return undefined
    const { isRollingOut, wanted, ready } = workloadOf(set)
    return isRollingOut || ready < (wanted ?? 1) ? undefined : templateAnnotation(set, TRUST_ANNOTATION)
  }
}

/** Members of the life before may still be ready. */
function readyOf({ number }: EtcdLife, ready: number, reports: readonly MemberReport[]): number {
  if (number === 1) return ready
  const begun = reports.filter(({ life, verdict }) => life === number && verdict !== 'empty' && verdict !== 'failed')
  return Math.min(ready, begun.length)
}

function templateAnnotation({ spec }: Manifest, name: string): string | undefined {
  const value: unknown = ['template', 'metadata', 'annotations', name].reduce<unknown>(
    (found, step) => (typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined),
    spec,
  )
  return typeof value === 'string' ? value : undefined
}
