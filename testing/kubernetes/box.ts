// A box: processes with mounts, network and process ids of their own, on this machine. When the box ends, or the process that
// made it is killed, the kernel ends everything in it, and its mounts, interfaces and packet filter rules are gone with it.
// What stays is the folder of the box and its groups of processes (cgroups); `stop` removes both.
//
// The box is reached by one address on a pair of virtual interfaces, and it reaches nothing but this machine. Needs root.

import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../../tools/parts/command.ts'
import { type Child, startChild } from '../child.ts'
import type { Launcher } from './control-plane.ts'

export interface Box {
  /** Address of the box; this machine reaches it. */
  readonly address: string
  /** Path of its group of processes below each hierarchy. */
  readonly cgroup: string
  readonly folder: string
  readonly launch: Launcher
  /** Runs a program in the box to its end; rejects when it fails. */
  run(program: string, args: readonly string[]): Promise<string>
  /** Ends everything in it. */
  stop(): Promise<void>
}

const READY_MS = 20_000
const CGROUPS = '/sys/fs/cgroup'
const CGROUP_PREFIX = 'kafscale-box-'
/** Hidden under empty file systems: programs keep state there by names that cannot be changed. */
const HIDDEN = ['/run', '/var/lib', '/var/log']
const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`

/** `init`: program that is the first process, waits, and buries orphans. */
export async function startBox(folder: string, init: string): Promise<Box> {
  await removeStaleCgroups()
  const cgroup = `${CGROUP_PREFIX}${process.pid}-${basename(folder)}`
  const steps = [
    ...HIDDEN.map(path => `mount -t tmpfs tmpfs ${path}`),
    'ip link set lo up',
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    // Without this, packets between pods of one node go past the rules of Services.
    'if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables; fi',
    `exec ${init}`,
  ]
  const first = await startChild(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child'],
      ...['--mount-proc', 'sh', '-e', '-c', steps.join('\n')],
    ],
    { logFile: join(folder, 'box.log'), env: { ...process.env, PATH } },
  )
  try {
    const pid = await initOf(first, init)
    const address = await connect(pid, cgroup)
    await makeCgroup(cgroup)
    const enter = ['--target', String(pid), '--mount', '--net', '--pid', '--ipc', '--uts', '--']
    const env = { ...process.env, PATH }
    return {
      address,
      cgroup,
      folder,
      launch: (name, program, args) =>
        startChild('nsenter', [...enter, program, ...args], { logFile: join(folder, `${name}.log`), env }),
      run: async (program, args) => {
        const { code, stdout, stderr } = await run('nsenter', [...enter, program, ...args], { env })
        if (code !== 0)
          throw new Error(`${program} ${args.join(' ')} failed with ${code} in the box: ${stderr}${stdout}`)
        return stdout
      },
      stop: async () => {
        // The first process takes all the others with it; `first` ends when they are gone. It may be gone already: Ctrl-C
        // goes to everything that a terminal has started.
        if (first.running()) process.kill(pid, 'SIGKILL')
        await first.ended
        await removeCgroup(cgroup)
      },
    }
  } catch (cause) {
    await first.kill()
    await removeCgroup(cgroup)
    throw new Error(`the box could not be made: ${first.output().slice(-2000)}`, { cause })
  }
}

/** The pid, outside, of the first process in the box, once it is the one that waits. */
async function initOf(first: Child, init: string): Promise<number> {
  for (const end = performance.now() + READY_MS; performance.now() < end && first.running(); await sleep(10)) {
    const children = await readFile(`/proc/${first.pid}/task/${first.pid}/children`, 'utf8').catch(() => '')
    const pid = Number(children.trim().split(' ')[0])
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    if (pid > 0 && command.trim() === basename(init)) return pid
  }
  throw new Error('its first process did not start')
}

/** A pair of interfaces between this machine and the box, on the first network of ours that is free. `alias` shows in `ip link`. */
async function connect(pid: number, alias: string): Promise<string> {
  const outside = `kfs${pid}`
  await checked('ip', ['link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)])
  const taken = await checked('ip', ['-4', '-o', 'addr', 'show'])
  const network = Array.from({ length: 250 }, (_, index) => `10.250.${index}`).find(net => !taken.includes(`${net}.`))
  if (network === undefined) throw new Error('no network is free')
  const [host, box] = [`${network}.1`, `${network}.2`]
  await checked('ip', ['addr', 'add', `${host}/30`, 'dev', outside])
  await checked('ip', ['link', 'set', outside, 'up', 'alias', alias])
  const inside = ['--target', String(pid), '--net', 'ip']
  await checked('nsenter', [...inside, 'addr', 'add', `${box}/30`, 'dev', 'eth0'])
  await checked('nsenter', [...inside, 'link', 'set', 'eth0', 'up'])
  // Addresses of Services lead somewhere only after the rules of kube-proxy, which come after the choice of a route.
  await checked('nsenter', [...inside, 'route', 'add', 'default', 'via', host])
  return box
}

/** Of cgroup v1 every hierarchy, with the one of v2 that may be beside them; of v2 the only one. */
async function hierarchies(): Promise<string[]> {
  const names = await readdir(CGROUPS)
  return names.includes('cgroup.controllers') ? [CGROUPS] : names.map(name => join(CGROUPS, name))
}

async function makeCgroup(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    await mkdir(join(hierarchy, name), { recursive: true })
    if (basename(hierarchy) !== 'cpuset') continue
    // Of v1: a group without processors and memory nodes takes no process.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      await writeFile(join(hierarchy, name, file), await readFile(join(hierarchy, file), 'utf8'))
    }
  }
}

async function removeCgroup(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, name))
}

/** Folders only; their files are the kernel's. A group that a dying process is still in is tried again. */
async function removeTree(folder: string, tries = 50): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
  if (entries === undefined) return
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name))
  const gone = await rmdir(folder).then(
    () => true,
    () => false,
  )
  if (gone || tries === 0) return
  await sleep(20)
  await removeTree(folder, tries - 1)
}

/** Of boxes whose maker was killed. */
async function removeStaleCgroups(): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    for (const name of await readdir(hierarchy)) {
      const maker = new RegExp(`^${CGROUP_PREFIX}(\\d+)-`).exec(name)?.[1]
      if (maker !== undefined && !(await isAlive(maker))) await removeTree(join(hierarchy, name), 1)
    }
  }
}

const isAlive = (pid: string): Promise<boolean> =>
  readFile(`/proc/${pid}/comm`).then(
    () => true,
    () => false,
  )

async function checked(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, [...args], { env: { ...process.env, PATH } })
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Removes a folder that a box has used, with whatever rights the files in it have. */
export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5 })

/** Why this machine can have no box; undefined when it can. Needs root, ip and iptables. */
export async function whyNoBox(): Promise<string | undefined> {
  const questions: [string, string][] = [
    ['namespaces of its own', 'true'],
    ['bridges and virtual interfaces', 'ip link add b0 type bridge && ip link add v0 type veth peer name v1'],
    ['overlay file systems', 'grep -qw overlay /proc/filesystems'],
    ['groups of processes', `test -d ${CGROUPS}/memory || grep -qw memory ${CGROUPS}/cgroup.controllers`],
    ['address translation', 'iptables -t nat -A POSTROUTING -m comment --comment x -j MASQUERADE'],
  ]
  for (const [what, question] of questions) {
    const args = ['--mount', '--net', '--pid', '--fork', '--mount-proc', 'sh', '-c', question]
    const asked = await run('unshare', args, { env: { ...process.env, PATH } }).catch(() => undefined)
    if (asked?.code !== 0) return `this machine cannot give a node ${what}: ${asked?.stderr.trim().split('\n').at(-1)}`
  }
  return undefined
}
