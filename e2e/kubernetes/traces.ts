// What a node might leave behind on this machine.

import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { run } from '../../tools/parts/command.ts'

/** Mounts, interfaces, groups and processes that name the folder `mark`, and packet filter rules of kube-proxy, as lines. */
export async function traces(mark: string): Promise<string[]> {
  const said = async (program: string, args: string[]): Promise<string[]> => {
    const outcome = await run(program, args).catch(() => undefined)
    return outcome?.code === 0 ? outcome.stdout.split('\n') : []
  }
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').filter(line => line.includes(mark))
  const interfaces = (await said('ip', ['-o', 'link', 'show'])).filter(line => line.includes(basename(mark)))
  const rules = [...(await said('iptables-save', [])), ...(await said('iptables-save', ['-t', 'nat']))]
  const groups = (await readdir('/sys/fs/cgroup', { withFileTypes: true, recursive: false })).map(({ name }) => name)
  const own: string[] = []
  for (const group of groups) {
    const inside = await readdir(`/sys/fs/cgroup/${group}`).catch(() => [])
    own.push(...inside.filter(name => name.endsWith(basename(mark))).map(name => `cgroup ${group}/${name}`))
  }
  return [
    ...mounts.map(line => `mount ${line}`),
    ...interfaces.map(line => `interface ${line}`),
    ...rules.filter(line => line.includes('KUBE-')).map(line => `rule ${line}`),
    ...own,
    ...(await processesNaming(mark)).map(line => `process ${line}`),
  ]
}

async function processesNaming(mark: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(mark)) found.push(`${pid} ${command.replaceAll('\0', ' ')}`)
  }
  return found
}
