// Three writers, three members of etcd, and faults without end: then everybody has seen the same, every acknowledged
// entry is there once, and no entry lies outside the life of its session.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Epoch } from '../../broker/ledger/ledger.ts'
import { type Etcd, startEtcd } from '../../testing/etcd/etcd.ts'
import { TcpProxy } from '../../testing/tcp-proxy.ts'
import { etcd as programs } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { eventually, Follower } from './follower.ts'

const SEED = Number(process.env.KAFSCALE_SEED ?? 1)
const FAULTS_MS = Number(process.env.KAFSCALE_CHAOS_MS ?? 25_000)
const WRITERS = 3

/** Numbers below `limit`, the same for the same seed (a linear congruential generator; Numerical Recipes). */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

interface Acknowledged {
  readonly epoch: Epoch
  readonly number: number
}

/** Lives as brokers do: opens a session, appends until that is gone, opens the next. */
class Writer {
  readonly acknowledged: Acknowledged[] = []
  readonly follower: Follower
  readonly #name: string
  #stopping = false
  readonly #done: Promise<void>

  constructor(name: string, follower: Follower) {
    this.#name = name
    this.follower = follower
    this.#done = this.#live()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#done
  }

  async #live(): Promise<void> {
    const { ledger } = this.follower
    while (!this.#stopping) {
      const epoch = await ledger.openSession(this.#name, Buffer.from(this.#name)).catch(() => 0)
      if (epoch === 0) await sleep(200)
      else await this.#append(epoch)
    }
  }

  async #append(epoch: Epoch): Promise<void> {
    for (let number = 1; !this.#stopping; number++) {
      const verdict = await this.follower.ledger.append(epoch, number, Buffer.from(`${epoch}/${number}`))
      if (verdict === 'session-gone') return
      this.acknowledged.push({ epoch, number })
      await sleep(5)
    }
    await this.follower.ledger.closeSession(epoch)
  }
}

await suiteWith('the ledger in etcd, in chaos', programs(), part => {
  let etcd: Etcd
  const proxies: TcpProxy[][] = []

  beforeAll(async () => {
    etcd = await startEtcd(part, { members: 3 })
    for (let writer = 0; writer < WRITERS; writer++) {
      proxies.push(await Promise.all(etcd.members.map(({ address }) => TcpProxy.start(address))))
    }
  }, 60_000)
  afterAll(async () => {
    for (const proxy of proxies.flat()) await proxy.stop()
    await etcd.stop()
  })

  /** One fault at a time for etcd, so that it has a majority most of the time; any number for the network. */
  const faults = async (below: (limit: number) => number, until: number): Promise<string[]> => {
    const told: string[] = []
    while (performance.now() < until) {
      const member = below(3)
      const writer = proxies[below(WRITERS)] ?? []
      const proxy = writer[below(3)]
      const ms = 200 + below(3500)
      const fault = below(6)
      told.push(`${fault} ${member} ${ms}`)
      if (fault === 0) await etcd.kill(member)
      if (fault === 1) etcd.freeze(member)
      if (fault === 2) proxy?.cut()
      if (fault === 3) proxy?.silence()
      if (fault === 4) for (const one of writer) one.silence()
      if (fault === 5) for (const one of writer) one.resetConnections()
      await sleep(ms)
      if (fault === 0) await etcd.restart(member)
      if (fault === 1) etcd.thaw(member)
      if (below(2) === 0) for (const one of writer) one.heal()
    }
    for (const one of proxies.flat()) one.heal()
    await etcd.ready()
    return told
  }

  test(
    `loses nothing and tells everybody the same (seed ${SEED})`,
    async () => {
      const prefix = 'chaos'
      const writers: Writer[] = []
      for (const [index, own] of proxies.entries()) {
        const endpoints = own.map(({ port }) => `http://127.0.0.1:${port}`)
        writers.push(new Writer(`${index}`, await Follower.start({ endpoints, prefix, ttlSeconds: 3 })))
      }
      const witness = await Follower.start({ endpoints: etcd.endpoints, prefix })
      const followers = [witness, ...writers.map(({ follower }) => follower)]
      try {
        await faults(randomNumbers(SEED), performance.now() + FAULTS_MS)
        await Promise.all(writers.map(writer => writer.stop()))
        followers.push(await Follower.start({ endpoints: etcd.endpoints, prefix }))
        const end = await witness.ledger.barrier()
        for (const follower of followers) {
          await eventually('it has caught up', () => (follower.events.at(-1)?.position ?? 0) >= end)
          expect(follower.broken).toBeUndefined()
          expect(follower.history).toEqual(witness.history)
        }
        expectLives(witness)
        for (const { acknowledged } of writers) {
          expect(acknowledged.length).toBeGreaterThan(50)
          const seen = new Set(followedEntries(witness))
          expect(acknowledged.filter(({ epoch, number }) => !seen.has(`${epoch}/${number}`))).toEqual([])
        }
      } finally {
        for (const follower of followers) await follower.stop()
      }
    },
    FAULTS_MS + 120_000,
  )
})

/** Each entry once, numbered without gaps, between the opening and the closing of its session. */
function expectLives(follower: Follower): void {
  const open = new Map<Epoch, { readonly name: string; last: number }>()
  for (const event of follower.events) {
    if (event.kind === 'session-opened') {
      const name = event.info.toString()
      expect([...open.values()].map(session => session.name)).not.toContain(name)
      open.set(event.epoch, { name, last: 0 })
    } else if (event.kind === 'session-closed') {
      expect(open.delete(event.epoch)).toBe(true)
    } else {
      const session = open.get(event.epoch)
      expect(event.number).toBe((session?.last ?? Number.NaN) + 1)
      expect(event.payload.toString()).toBe(`${event.epoch}/${event.number}`)
      if (session !== undefined) session.last = event.number
    }
  }
}

function followedEntries(follower: Follower): string[] {
  return follower.events.flatMap(event => (event.kind === 'entry' ? [`${event.epoch}/${event.number}`] : []))
}
