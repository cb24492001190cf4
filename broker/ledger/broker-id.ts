/**
 * The claim of a broker id: a session under the id as its name, so that no two open sessions have the same one.
 *
 * A broker that was given an id waits for it as long as an earlier life of it may still be open; one that was not takes
 * the lowest that is free.
 */
import { type Clock, sleep } from '../clock.ts'
import { type Epoch, type Ledger, NameTaken } from './ledger.ts'

export interface Claim {
  readonly ledger: Ledger
  readonly clock: Clock
  /** Undefined for the lowest that is free. */
  readonly brokerId: number | undefined
  /** What the session says of the broker. */
  readonly describe: (brokerId: number) => Buffer
  /** The longest that a session outlives its broker, ms. */
  readonly patienceMs: number
}

export interface Claimed {
  readonly brokerId: number
  readonly epoch: Epoch
}

/** Another broker lives under the id that this one was given. */
export class BrokerIdTaken extends Error {
  override readonly name = 'BrokerIdTaken'
  constructor(brokerId: number) {
    super(`another broker with id ${brokerId} is running; give this one another id, or none to get one that is free`)
  }
}

const RETRY_MS = 500

/** Rejects with BrokerIdTaken. */
export function claimBrokerId(claim: Claim): Promise<Claimed> {
  return claim.brokerId === undefined ? claimLowest(claim) : claimGiven(claim, claim.brokerId)
}

async function claimGiven({ ledger, clock, describe, patienceMs }: Claim, brokerId: number): Promise<Claimed> {
  const deadline = clock.monotonic() + patienceMs
  for (;;) {
    const epoch = await openSession(ledger, brokerId, describe)
    if (epoch !== undefined) return { brokerId, epoch }
    if (clock.monotonic() >= deadline) throw new BrokerIdTaken(brokerId)
    await sleep(clock, RETRY_MS)
  }
}

async function claimLowest({ ledger, describe }: Claim): Promise<Claimed> {
  for (let brokerId = 0; ; brokerId++) {
    const epoch = await openSession(ledger, brokerId, describe)
    if (epoch !== undefined) return { brokerId, epoch }
  }
}

async function openSession(ledger: Ledger, brokerId: number, describe: Claim['describe']): Promise<Epoch | undefined> {
  try {
    return await ledger.openSession(String(brokerId), describe(brokerId))
  } catch (cause) {
    if (cause instanceof NameTaken) return undefined
    throw cause
  }
}
