// A client whose writes are refused as soon as we do not lead. Reads go on: who waits to lead keeps its caches warm.
// A write that was sent in time may still arrive after the lease ran out: the deadline of requests should be no longer than
// the time between the renewal deadline and the end of the lease.

import { NotLeader } from './errors.ts'
import type { KubeClient } from './kube-client.ts'

export function fencedClient(client: KubeClient, stillLeader: () => boolean): KubeClient {
  const fence = <Args extends readonly unknown[], Result>(write: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      if (!stillLeader()) throw new NotLeader('another operator leads')
      return write(...args)
    }
  }
  return {
    get: client.get.bind(client),
    list: client.list.bind(client),
    watch: client.watch.bind(client),
    logs: client.logs.bind(client),
    discover: client.discover.bind(client),
    apply: fence(client.apply.bind(client)),
    applyStatus: fence(client.applyStatus.bind(client)),
    scale: fence(client.scale.bind(client)),
    create: fence(client.create.bind(client)),
    update: fence(client.update.bind(client)),
    delete: fence(client.delete.bind(client)),
  }
}
