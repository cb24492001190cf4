// A group that commits what a test wants it to: far behind, or where its partitions end.

import { systemClock } from '../../broker/clock.ts'
import { readLag } from '../../operator/signals/lag-reader.ts'
import { until } from '../../testing/operator.ts'
import { SmallClient } from '../../testing/small-client.ts'

const GROUP = 'slow'
const TIMEOUT_MS = 20_000
const LIMIT_MS = 120_000

export class SlowGroup {
  readonly #bootstrap: { readonly host: string; readonly port: number }
  readonly #topic: string

  constructor(bootstrap: { readonly host: string; readonly port: number }, topic: string) {
    this.#bootstrap = bootstrap
    this.#topic = topic
  }

  /** It has read nothing of any partition. */
  async fallBehind(partitions: number): Promise<void> {
    const { host, port } = this.#bootstrap
    const client = await SmallClient.open(port, host)
    try {
      for (let partition = 0; partition < partitions; partition++) await client.commit(GROUP, this.#topic, partition, 0)
    } finally {
      client.close()
    }
  }

  /** It reads whatever there is, again and again. */
  async catchUpUntil(isDone: () => Promise<boolean>): Promise<void> {
    await until(
      'the end of what more lag had brought',
      async () => {
        await this.#catchUp().catch(() => {
          // Its coordinator is going, or the connection went with its broker: the next round commits.
        })
        return isDone()
      },
      LIMIT_MS,
    )
  }

  async #catchUp(): Promise<void> {
    const { host, port } = this.#bootstrap
    const { positions } = await readLag({ host, port, clock: systemClock, timeoutMs: TIMEOUT_MS })
    const client = await SmallClient.open(port, host)
    try {
      for (const { group, topic, partition, end } of positions)
        if (group === GROUP) await client.commit(group, topic, partition, end)
    } finally {
      client.close()
    }
  }
}
