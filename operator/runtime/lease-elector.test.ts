// On a virtual clock, with the lease in memory: hours pass, and nobody's clock is right.

import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Clock, Timer } from '../../broker/clock.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { KubeError } from './errors.ts'
import type { KubeClient } from './kube-client.ts'
import { LeaseElector } from './lease-elector.ts'
import type { Manifest } from './object.ts'

/** The one object that an elector needs, with the API server's rule about versions. */
class LeaseKeeper {
  lease: Manifest | undefined
  isReachable = true
  #version = 0

  client(): KubeClient {
    const refuse = (): never => {
      throw new Error('an elector does not do this')
    }
    return {
      get: async () => this.#answer(this.lease ?? this.#fail('NotFound')),
      create: async (_, object) =>
        this.#answer(this.lease === undefined ? this.#store(object) : this.#fail('AlreadyExists')),
      update: async (_, object) => {
        const isSame = object.metadata.resourceVersion === this.lease?.metadata.resourceVersion
        return this.#answer(isSame ? this.#store(object) : this.#fail('Conflict'))
      },
      list: refuse,
      watch: refuse,
      apply: refuse,
      applyStatus: refuse,
      scale: refuse,
      delete: refuse,
      discover: refuse,
      logs: refuse,
    }
  }

  #answer(lease: Manifest): Manifest {
    if (!this.isReachable) throw new KubeError('NoConnection', 'no way')
    return lease
  }

  #store(object: Manifest): Manifest {
    if (!this.isReachable) throw new KubeError('NoConnection', 'no way')
    this.lease = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }
    return this.lease
  }

  #fail(kind: 'NotFound' | 'AlreadyExists' | 'Conflict'): never {
    throw new KubeError(this.isReachable ? kind : 'NoConnection', kind)
  }
}

/** A process that can be stopped as by SIGSTOP: time goes on, its timers do not. And its wall clock is wrong. */
class Sleeper implements Clock {
  isAsleep = false
  readonly #clock: VirtualClock
  readonly #skewMs: number

  constructor(clock: VirtualClock, skewMs: number) {
    this.#clock = clock
    this.#skewMs = skewMs
  }

  now(): number {
    return this.#clock.now() + this.#skewMs
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const timer = { isCancelled: false, [Symbol.dispose]: () => (timer.isCancelled = true) }
    const fire = (): void => {
      if (timer.isCancelled) return
      if (this.isAsleep) this.#clock.setTimeout(fire, 10)
      else callback()
    }
    this.#clock.setTimeout(fire, ms)
    return timer
  }

  clearTimeout(timer: Timer): void {
    timer[Symbol.dispose]()
  }
}

let time: VirtualClock
let keeper: LeaseKeeper

beforeEach(() => {
  time = new VirtualClock()
  keeper = new LeaseKeeper()
})

function contender(identity: string, skewMs = 0) {
  const clock = new Sleeper(time, skewMs)
  const stop = new AbortController()
  const elector = new LeaseElector({
    client: keeper.client(),
    clock,
    random: () => 0.5,
    log: createLogger('silent'),
    namespace: 'a',
    name: 'operator',
    identity,
  })
  return { clock, elector, stop, done: elector.run(stop.signal) }
}

describe('the lease', () => {
  test('goes to one, and stays with it', async () => {
    const [a, b] = [contender('a', -3_600_000), contender('b', 3_600_000)]
    for (let second = 0; second < 3600; second++) {
      await time.advance(1000)
      expect([a.elector.stillLeader(), b.elector.stillLeader()]).toEqual([true, false])
    }
  })

  test('of one that is asleep goes to another after its time, and never to both at once', async () => {
    const a = contender('a')
    await time.advance(1000)
    const b = contender('b')
    await time.advance(10_000)
    a.clock.isAsleep = true
    const leaders: string[] = []
    for (let tick = 0; tick < 400; tick++) {
      await time.advance(50)
      const who = [a, b].filter(({ elector }) => elector.stillLeader())
      expect(who.length).toBeLessThan(2)
      if (b.elector.stillLeader() && leaders.length === 0) leaders.push(`b after ${tick * 50} ms`)
    }
    expect(leaders).toHaveLength(1)
    a.clock.isAsleep = false
    await time.advance(60_000)
    expect([a.elector.stillLeader(), b.elector.stillLeader()]).toEqual([false, true])
  })

  test('is given up by one that cannot renew it, before another may take it', async () => {
    const a = contender('a')
    await time.advance(1000)
    expect(a.elector.stillLeader()).toBe(true)
    keeper.isReachable = false
    await time.advance(10_001)
    expect(a.elector.stillLeader()).toBe(false)
    keeper.isReachable = true
    await time.advance(5000)
    expect(a.elector.stillLeader()).toBe(true)
  })

  test('is kept through failures that are shorter than the deadline', async () => {
    const a = contender('a')
    await time.advance(1000)
    keeper.isReachable = false
    await time.advance(7000)
    keeper.isReachable = true
    await time.advance(2000)
    expect(a.elector.stillLeader()).toBe(true)
  })

  test('that is given back goes to another at its next look', async () => {
    const a = contender('a')
    await time.advance(1000)
    const b = contender('b')
    await time.advance(10_000)
    a.stop.abort()
    await a.done
    await a.elector.release()
    expect(a.elector.stillLeader()).toBe(false)
    expect(keeper.lease?.spec).toMatchObject({ holderIdentity: '' })
    await time.advance(2000)
    expect(b.elector.stillLeader()).toBe(true)
    expect(keeper.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 15 })
  })

  test('has times that the API server takes', async () => {
    contender('a')
    await time.advance(10)
    expect(keeper.lease?.spec).toMatchObject({ renewTime: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/) })
  })
})
