// Everything that the objects of a cluster follow from, resolved: what the builders in desired/ see instead of a client.

import type { EtcdLife } from '../etcd/life.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'

/** What the operator's own settings say. */
export interface OperatorDefaults {
  /** Image of the operator, which is that of the brokers as well. */
  readonly image: string
  readonly etcdImage: string
  /** DNS domain of Services, `cluster.local`. */
  readonly clusterDomain: string
  /** Where the operator itself runs. */
  readonly namespace?: string
}

/** Which version of an object that is referred to was seen: pods are replaced when it is another one. */
export interface SecretVersion {
  readonly name: string
  /** uid and resource version; nothing that is derived from the content. */
  readonly version: string
  /** Its content is read again by those who use it: another version replaces no pod. */
  readonly isReloaded?: boolean
}

/** Of a Service: what the load balancer and the API server gave it. */
export interface AssignedAddress {
  readonly loadBalancer?: string | undefined
  readonly nodePort?: number | undefined
}

/** Of the managed etcd: what is not in the spec. */
export interface EtcdInputs {
  readonly life: EtcdLife
  /** Names the set of authorities that members trust; undefined without TLS. */
  readonly trust: string | undefined
}

/** Of the listeners: what is not in the spec. */
export interface SecurityInputs {
  /** The authorities that clients have to trust, PEM; undefined where nobody has certificates of the cluster. */
  readonly bundle: string | undefined
  /** Who signs for the listener that the console uses, PEM; undefined where that is not known, or there is no console. */
  readonly consoleTrusts?: string | undefined
}

export interface ClusterInputs {
  /** As stored in the API server, defaults filled in. */
  readonly cluster: KafScaleCluster
  readonly operator: OperatorDefaults
  /** The Secrets that the pods use, by name. */
  readonly secrets: readonly SecretVersion[]
  /** What Services were given by others, by name of the listener. */
  readonly assigned: ReadonlyMap<string, AssignedAddress>
  /** Kinds of others that are installed here. */
  readonly has: { readonly podMonitors: boolean; readonly prometheusRules: boolean; readonly certificates?: boolean }
  /** Undefined while it is not known yet, and for an etcd that is not managed. */
  readonly etcd?: EtcdInputs | undefined
  /** Undefined while it is not known yet. */
  readonly security?: SecurityInputs | undefined
}
