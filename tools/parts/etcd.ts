// etcd and its two command line tools, all of one release.

import { type GoModuleRecipe, goModuleProgram, goModuleProgramPresent } from './go.ts'

/** Newest release; the proxy knows no plain `go install` of it, for its go.mod has replace lines. */
export const ETCD_VERSION = 'v3.6.14'

export interface EtcdPrograms {
  readonly etcd: string
  readonly etcdctl: string
  /** Works on the files of a member that is not running. */
  readonly etcdutl: string
}

const MODULES = { etcd: 'server', etcdctl: 'etcdctl', etcdutl: 'etcdutl' } as const

const recipe = (program: keyof typeof MODULES): GoModuleRecipe => ({
  requires: [`go.etcd.io/etcd/${MODULES[program]}/v3@${ETCD_VERSION}`],
  build: `go.etcd.io/etcd/${MODULES[program]}/v3`,
})

const program = (name: keyof typeof MODULES): Promise<string> => goModuleProgram(name, recipe(name))

export async function etcd(): Promise<EtcdPrograms> {
  return { etcd: await program('etcd'), etcdctl: await program('etcdctl'), etcdutl: await program('etcdutl') }
}

/** Path of the one that restores and checks snapshots. */
export const etcdutl = (): Promise<string> => program('etcdutl')

export function etcdPresent(): boolean {
  return (['etcd', 'etcdctl', 'etcdutl'] as const).every(name => goModuleProgramPresent(name, recipe(name)))
}
