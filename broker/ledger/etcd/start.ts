// What a broker asks of etcd before it starts: that it answers, lets us in, is new enough, and lets us write.

import type { Clock } from '../../clock.ts'
import { EtcdClient, type EtcdClientOptions } from './client.ts'
import type { Keys } from './keys.ts'
import { EtcdStartProblem, messageOf, problemOf, settingsProblem, startProblem } from './problems.ts'
import { pauseAfter } from './retry.ts'

const START_LIMIT_MS = 10_000

export interface StartOptions extends EtcdClientOptions {
  readonly prefix: string
  readonly keys: Keys
  readonly clock: Clock
  readonly startLimitMs?: number
  readonly warn: (message: string) => void
}

/** Answers a client that works. Rejects with EtcdStartProblem. */
export async function checkStart(options: StartOptions): Promise<EtcdClient> {
  const unusable = settingsProblem(options)
  if (unusable !== undefined) throw unusable
  const client = connect(options)
  try {
    await untilAnswered(client, options)
    return client
  } catch (cause) {
    client.close()
    throw cause
  }
}

function connect(options: StartOptions): EtcdClient {
  try {
    return new EtcdClient(options)
  } catch (cause) {
    throw new EtcdStartProblem(
      `KAFSCALE_ETCD_CA_FILE, KAFSCALE_ETCD_CERT_FILE or KAFSCALE_ETCD_KEY_FILE is not usable PEM, or the key is not that of the certificate: ${messageOf(cause)}`,
      { cause },
    )
  }
}

/** All endpoints are tried in turn: some may be down. A refusal is the same for all and ends it. */
async function untilAnswered(client: EtcdClient, options: StartOptions): Promise<void> {
  const { clock, startLimitMs = START_LIMIT_MS } = options
  const end = clock.monotonic() + startLimitMs
  for (let tries = 0; ; tries++) {
    try {
      await check(client, options)
      return
    } catch (cause) {
      if (cause instanceof EtcdStartProblem) throw cause
      const mayPass = ['unclear', 'busy', 'stale-login'].includes(problemOf(cause))
      if (!mayPass || clock.monotonic() > end) throw startProblem(cause, options)
      await client.pause(pauseAfter(tries))
    }
  }
}

async function check(client: EtcdClient, { keys, warn }: StartOptions): Promise<void> {
  const { version } = await client.call(etcd => etcd.maintenance.status())
  await client.call(etcd => etcd.kv.range({ key: keys.head, keys_only: true }))
  await client
    .call(etcd => etcd.kv.put({ key: keys.mark }))
    .catch((cause: unknown) => {
      if (problemOf(cause) !== 'no-space') throw cause
      warn('etcd has no space left (NOSPACE): compact and defragment it and disarm the alarm, or raise its quota')
    })
  const judged = judgeVersion(version, client.endpoint)
  if (judged !== undefined) warn(judged)
}

/** What to warn of. Throws EtcdStartProblem for a version that cannot work. */
export function judgeVersion(version: string, endpoint: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < 3 || (major === 3 && minor < 4)) {
    throw new EtcdStartProblem(
      `etcd at ${endpoint} (KAFSCALE_ETCD_ENDPOINTS) is version ${version}; 3.5 or newer is needed, 3.4 is tolerated`,
    )
  }
  if (major === 3 && minor === 4) return `etcd at ${endpoint} is version ${version}: 3.5 or newer is recommended`
  return undefined
}
