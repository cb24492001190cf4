// A control plane on loopback, without nodes: for tests of what the API server does with our objects. Pods stay where the
// controllers leave them, unless the test plays the kubelet (`pretended-kubelet.ts`).

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EtcdPrograms } from '../../tools/parts/etcd.ts'
import type { KubernetesPrograms } from '../../tools/parts/kubernetes.ts'
import { startChild } from '../child.ts'
import { freePorts } from '../ports.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import type { Kubectl } from './kubectl.ts'

/** Of addresses for documentation (RFC 5737): nobody connects to it, but the API server insists on one. */
const ADVERTISED = '192.0.2.1'

export interface ApiCluster extends ControlPlane {
  /** For whatever the test wants to keep for as long. */
  readonly folder: string
}

export interface ApiClusterOptions {
  readonly kubernetes: KubernetesPrograms
  readonly etcd: EtcdPrograms
  /** Files of CRDs that are there from the beginning. */
  readonly definitions?: readonly string[]
}

export async function startApiCluster({ kubernetes, etcd, definitions = [] }: ApiClusterOptions): Promise<ApiCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-api-'))
  const [api = 0, etcdPort = 0, etcdPeers = 0, controllers = 0, scheduler = 0] = await freePorts(5)
  try {
    const plane = await startControlPlane({
      kubernetes,
      etcd,
      folder,
      address: '127.0.0.1',
      advertised: ADVERTISED,
      ports: { api, etcd: etcdPort, etcdPeers, controllers, scheduler },
      controllers: true,
      prepare: kubectl => install(kubectl, definitions),
      launch: (name, program, args) => startChild(program, [...args], { logFile: join(folder, `${name}.log`) }),
    })
    const stop = async (): Promise<void> => {
      await plane.stop()
      await rm(folder, { recursive: true, force: true })
    }
    return { ...plane, folder, stop }
  } catch (cause) {
    await rm(folder, { recursive: true, force: true })
    throw cause
  }
}

async function install(kubectl: Kubectl, files: readonly string[]): Promise<void> {
  for (const file of files) await kubectl.run(['create', '-f', file])
  for (const file of files) await kubectl.run(['wait', '-f', file, '--for=condition=Established', '--timeout=60s'])
}
