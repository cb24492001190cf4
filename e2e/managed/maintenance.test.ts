// A real etcd of three members that runs full: it takes writes again, and every member gave back the space that was freed.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Etcd3 } from 'etcd3'
import { systemClock } from '../../broker/clock.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { EtcdCare } from '../../operator/etcd/care.ts'
import { EtcdMember } from '../../operator/etcd/etcd-member.ts'
import { type Etcd, startEtcd } from '../../testing/etcd/etcd.ts'
import { etcd as programs } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

const QUOTA_BYTES = 16 * 1024 * 1024
const LIMIT_MS = 120_000

await suiteWith('a managed etcd that runs full', programs(), part => {
  let etcd: Etcd
  beforeAll(async () => {
    etcd = await startEtcd(part, { members: 3, quotaBytes: QUOTA_BYTES })
  }, LIMIT_MS)
  afterAll(() => etcd.stop())

  test(
    'is compacted and defragmented, and the alarm is cleared',
    async () => {
      const value = 'x'.repeat(512 * 1024)
      const client = new Etcd3({ hosts: etcd.endpoints })
      const isFull = async (): Promise<boolean> => {
        const said = await client
          .put('a')
          .value(value)
          .catch((error: unknown) => String(error))
        return /space exceeded/.test(String(said))
      }
      let writes = 0
      while (!(await isFull()) && writes < 100) writes++
      expect(await isFull()).toBe(true)
      const events: string[] = []
      const care = new EtcdCare({
        clock: systemClock,
        isManaged: () => true,
        etcdOf: async () => ({
          members: etcd.members.map(({ index, endpoint }) => ({ name: `m${index}`, endpoint })),
          tls: undefined,
          quotaBytes: QUOTA_BYTES,
          prefix: 'none',
        }),
        onReport: () => {},
        onEvent: (_, event) => events.push(event),
        everyMs: 1000,
      })
      const { reconciler } = care
      const pass = { signal: new AbortController().signal, log: createLogger('silent') }
      const defragmented = () => events.filter(event => event === 'EtcdDefragmented').length
      const isDone = () => events.includes('EtcdSpaceFreed') && defragmented() >= 3
      for (let round = 0; round < 30 && !isDone(); round++) {
        const context = await reconciler.begin('shop/orders', pass)
        if (context === undefined) throw new Error('there is nothing to look after')
        for (const step of reconciler.steps) await step.run(context)
      }
      expect(events).toContain('EtcdDefragmented')
      expect(await isFull()).toBe(false)
      client.close()
      for (const { endpoint } of etcd.members) {
        const member = new EtcdMember(endpoint, undefined)
        expect((await member.status()).fileBytes).toBeLessThan(QUOTA_BYTES / 2)
        expect(await member.alarms()).toEqual([])
        member.close()
      }
    },
    LIMIT_MS,
  )
})
