// From what a pod is told to what a process on loopback is told: folders of the machine instead of mounts, ports of 127.0.0.1
// instead of names. Nothing else is changed.

import { freePorts } from '../ports.ts'

export interface Mount {
  readonly path: string
  readonly folder: string
}

/** Ports of processes by pod and by the port that they would have in it. */
export class PortMap {
  readonly #ports = new Map<string, number>()

  async reserve(pod: string, ports: readonly number[]): Promise<void> {
    const missing = ports.filter(port => !this.#ports.has(`${pod}:${port}`))
    const free = await freePorts(missing.length)
    for (const [index, port] of missing.entries()) this.#ports.set(`${pod}:${port}`, free[index] ?? 0)
  }

  of(pod: string, port: number | string): number {
    const found = this.#ports.get(`${pod}:${port}`)
    if (found === undefined) throw new Error(`pod ${pod} has no port ${port}`)
    return found
  }

  has(pod: string, port: number | string): boolean {
    return this.#ports.has(`${pod}:${port}`)
  }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** `pod`: whose text it is. */
export function onLoopback(text: string, pod: string, mounts: readonly Mount[], ports: PortMap): string {
  let result = text
  for (const { path, folder } of [...mounts].sort((a, b) => b.path.length - a.path.length)) {
    result = result.replaceAll(new RegExp(`${escaped(path)}(?![\\w-])`, 'g'), folder)
  }
  return result
    .replaceAll(
      /([a-z0-9-]+)\.[a-z0-9-]+\.[a-z0-9-]+\.svc\.cluster\.local:(\d+)/g,
      (_, host: string, port: string) => `127.0.0.1:${ports.of(host, port)}`,
    )
    .replaceAll(
      /([a-z0-9-]+)\.[a-z0-9-]+\.svc\.cluster\.local:(\d+)/g,
      (_, service: string, port: string) => `127.0.0.1:${ports.of(`${service}-0`, port)}`,
    )
    .replaceAll(/(?:0\.0\.0\.0|\[127\.0\.0\.1\]):(\d+)/g, (_, port: string) => `127.0.0.1:${ports.of(pod, port)}`)
    .replaceAll(/(:\/\/|^):(\d+)/g, (_, before: string, port: string) => `${before}127.0.0.1:${ports.of(pod, port)}`)
}

/** `$(NAME)` as Kubernetes resolves it. */
export const expanded = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\(([A-Za-z0-9_]+)\)/g, (whole, name: string) => variables[name] ?? whole)
