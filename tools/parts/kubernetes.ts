// The programs of a Kubernetes, all of one release, and CoreDNS: built from Go modules. What a node needs beside them comes
// from Debian.

import { dirname, join } from 'node:path'
import { debianFile, debianProgram, onPath } from './debian.ts'
import {
  type GoProgramsRecipe,
  type GoSourceRecipe,
  goModulePrograms,
  goModuleProgramsPresent,
  goSourceProgram,
  goSourceProgramPresent,
} from './go.ts'

const MINOR = '36'
const PATCH = '3'
const VERSION = `v1.${MINOR}.${PATCH}` as const
const COREDNS_VERSION = 'v1.14.7'

export interface KubernetesPrograms {
  readonly apiserver: string
  readonly controllerManager: string
  readonly scheduler: string
  readonly kubelet: string
  readonly proxy: string
  readonly kubectl: string
}

// Without a version its programs refuse to talk to each other.
const VERSION_FLAGS = { gitVersion: VERSION, gitMajor: '1', gitMinor: MINOR }

const kubernetesRecipe: GoProgramsRecipe = {
  requires: [`k8s.io/kubernetes@${VERSION}`],
  staging: { module: `k8s.io/kubernetes@${VERSION}`, version: `v0.${MINOR}.${PATCH}` },
  builds: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'].map(
    name => `k8s.io/kubernetes/cmd/${name}`,
  ),
  ldflags: Object.entries(VERSION_FLAGS)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' '),
}

/** The programs of Kubernetes. The first build takes about eight minutes on two cores. */
export async function kubernetes(): Promise<KubernetesPrograms> {
  const folder = await goModulePrograms('kubernetes', kubernetesRecipe)
  return {
    apiserver: join(folder, 'kube-apiserver'),
    controllerManager: join(folder, 'kube-controller-manager'),
    scheduler: join(folder, 'kube-scheduler'),
    kubelet: join(folder, 'kubelet'),
    proxy: join(folder, 'kube-proxy'),
    kubectl: join(folder, 'kubectl'),
  }
}

export const kubernetesPresent = (): boolean => goModuleProgramsPresent('kubernetes', kubernetesRecipe)

/** Only the plugins that Services in a cluster need: the whole of CoreDNS is three times as much to build. */
const COREDNS_PLUGINS = ['reload', 'ready', 'health', 'errors', 'log', 'cache', 'kubernetes']

const corednsRecipe: GoSourceRecipe = {
  requires: [`github.com/coredns/coredns@${COREDNS_VERSION}`],
  source: `package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
${COREDNS_PLUGINS.map(name => `\t_ "github.com/coredns/coredns/plugin/${name}"`).join('\n')}
)

func init() { dnsserver.Directives = []string{${COREDNS_PLUGINS.map(name => `"${name}"`).join(', ')}} }

func main() { coremain.Run() }
`,
}

/** Path of CoreDNS. */
export const coredns = (): Promise<string> => goSourceProgram('coredns', corednsRecipe)

export const corednsPresent = (): boolean => goSourceProgramPresent('coredns', corednsRecipe)

/** First process of every pod: it holds the pod's network, buries orphans, and waits to be told to end. */
const pauseRecipe: GoSourceRecipe = {
  requires: [],
  source: `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}
`,
}

/** Path of the program of pod sandboxes. */
export const pause = (): Promise<string> => goSourceProgram('pause', pauseRecipe)

export const pausePresent = (): boolean => goSourceProgramPresent('pause', pauseRecipe)

/** What runs containers on a node and connects them. */
export interface ContainerRuntime {
  readonly containerd: string
  readonly ctr: string
  /** Folder of plugins that give pods their network. */
  readonly networkPlugins: string
}

const BRIDGE = '/usr/lib/cni/bridge'

export async function containerRuntime(): Promise<ContainerRuntime> {
  await debianProgram('runc')
  await debianProgram('iptables')
  await debianProgram('ip', 'iproute2')
  return {
    containerd: await debianProgram('containerd'),
    ctr: await debianProgram('ctr', 'containerd'),
    networkPlugins: dirname(await debianFile('containernetworking-plugins', BRIDGE)),
  }
}

export const containerRuntimePresent = (): boolean => onPath('containerd') !== undefined && onPath('runc') !== undefined
