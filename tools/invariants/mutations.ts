/**
 * For each invariant of the broker (docs/invariants.md) small defects that break it, and the tests that must notice.
 * A defect is one piece of source text in place of another.
 */

export interface Mutation {
  /** Number of the invariant. */
  readonly invariant: number
  /** The defect in a few words. */
  readonly defect: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly from: string
  readonly to: string
  /** Files of tests, by pattern, of which at least one test must fail. */
  readonly tests: string
}

export const INVARIANTS: Readonly<Record<number, string>> = {
  1: 'A produce is acknowledged only when its object is durable in the store and its entry in the ledger.',
  2: 'The cluster state is a pure function of the entries in ledger order.',
  3: 'An entry is only written while its session exists.',
  4: 'Object keys are never used twice and objects never change.',
  5: 'An object is deleted only when no entry can name it any more and nobody reads it.',
  6: 'Offsets are dense and never change; what was read once is read again until it is trimmed.',
}

const SIMULATION = 'testing/simulation/simulate-[ab]'

export const MUTATIONS: readonly Mutation[] = [
  {
    invariant: 1,
    defect: 'the entry is written without waiting for the object',
    file: 'broker/data/ingest.ts',
    from: "await store.put(objectKey(prefix, { kind: 'wal', epoch, number }), object.buffers)",
    to: "void store.put(objectKey(prefix, { kind: 'wal', epoch, number }), object.buffers).catch(() => {})",
    tests: 'broker/data/ingest',
  },
  {
    invariant: 1,
    defect: 'the same, seen by the simulation',
    file: 'broker/data/ingest.ts',
    from: "await store.put(objectKey(prefix, { kind: 'wal', epoch, number }), object.buffers)",
    to: "void store.put(objectKey(prefix, { kind: 'wal', epoch, number }), object.buffers).catch(() => {})",
    tests: SIMULATION,
  },
  {
    invariant: 1,
    defect: 'the ledger acknowledges before the sync',
    file: 'broker/ledger/file.ts',
    from: 'await file.sync()',
    to: 'void file.sync().catch(() => {})',
    tests: 'broker/ledger/file',
  },
  {
    invariant: 2,
    defect: 'the process clock is read in apply',
    file: 'broker/state/cluster-state.ts',
    from: 'this.time = Math.max(this.time, entry.clock)',
    to: 'this.time = Math.max(this.time, entry.clock, Date.now())',
    tests: 'broker/state/',
  },
  {
    invariant: 2,
    defect: 'a verdict is left to chance',
    file: 'broker/state/producers.ts',
    from: 'if (last === undefined) return ACCEPTED',
    to: 'if (last === undefined || Math.random() < 0.5) return ACCEPTED',
    tests: 'broker/state/',
  },
  {
    invariant: 2,
    defect: 'a snapshot forgets the epochs of producers',
    file: 'broker/state/snapshot.ts',
    from: 'histories.set(producerId, { epoch, lastTime',
    to: 'histories.set(producerId, { epoch: epoch + 1, lastTime',
    tests: 'broker/state/snapshot',
  },
  {
    invariant: 3,
    defect: 'the ledger in memory takes entries of any session',
    file: 'broker/ledger/memory.ts',
    from: "if (session === undefined) return 'session-gone'",
    to: "if (session === undefined) {\n      this.#add(position => ({ kind: 'entry', position, epoch, number, payload }))\n      return 'appended'\n    }",
    tests: 'broker/ledger/(memory|replica)',
  },
  {
    invariant: 3,
    defect: 'the ledger file takes entries of any session',
    file: 'broker/ledger/file.ts',
    from: "return 'session-gone'",
    to: "{\n      await this.#write(position => ({ kind: 'entry', position, epoch, number, payload }))\n      return 'appended'\n    }",
    tests: 'broker/ledger/file',
  },
  {
    invariant: 4,
    defect: 'an object number is used twice',
    file: 'broker/data/ingest.ts',
    from: 'const number = nextObjectNumber()',
    to: 'const number = Math.ceil(nextObjectNumber() / 2)',
    tests: 'broker/data/ingest',
  },
  {
    invariant: 4,
    defect: 'keys leave out the session, so that two lives share them',
    file: 'broker/data/object-key.ts',
    from: `\${KIND_FOLDERS[kind]}/\${epoch}/`,
    to: `\${KIND_FOLDERS[kind]}/\${epoch > 0 ? 1 : 0}/`,
    tests: 'broker/data/object-key',
  },
  {
    invariant: 4,
    defect: 'the store in memory overwrites',
    file: 'broker/objects/memory.ts',
    from: 'if (this.#objects.has(key)) throw new ObjectExists(key)',
    to: '',
    tests: 'broker/objects/memory',
  },
  {
    invariant: 5,
    defect: 'the dead are swept before every broker knows',
    file: 'broker/upkeep/sweep.ts',
    from: '({ position }) => position <= appliedByAll',
    to: '({ position }) => position >= 0 || appliedByAll > 0',
    tests: 'broker/upkeep/sweep',
  },
  {
    invariant: 5,
    defect: 'the progress of other brokers is not waited for',
    file: 'broker/upkeep/progress.ts',
    from: '...[...others.values()].map(({ position }) => position)',
    to: '...[...others.values()].map(() => replica.state.position)',
    tests: 'broker/upkeep/progress',
  },
  {
    invariant: 5,
    defect: 'orphans of living sessions are swept',
    file: 'broker/upkeep/sweep.ts',
    from: 'if (!replica.state.closedSessions.has(epoch)) continue',
    to: '',
    tests: 'broker/upkeep/sweep',
  },
  {
    invariant: 5,
    defect: 'what the state knows is swept as an orphan',
    file: 'broker/upkeep/sweep.ts',
    from: ' && !known.has(nameOf(object))',
    to: ' && known.size >= 0',
    tests: SIMULATION,
  },
  {
    invariant: 6,
    defect: 'offsets get gaps',
    file: 'broker/state/apply-data.ts',
    from: 'log.nextOffset += span.records',
    to: 'log.nextOffset += span.records + 1',
    tests: 'broker/state/cluster-state',
  },
  {
    invariant: 6,
    defect: 'extents are replaced that no longer stand as named',
    file: 'broker/state/apply-data.ts',
    from: 'if (!same) return -1',
    to: 'if (!same && old.baseOffset < 0) return -1',
    tests: 'broker/state/cluster-state',
  },
  {
    invariant: 6,
    defect: 'roll-up copies other bytes',
    file: 'broker/upkeep/roll-up.ts',
    from: 'whole.subarray(extent.position - read.position, extent.position - read.position + extent.length)',
    to: 'whole.subarray(0, extent.length)',
    tests: 'broker/upkeep/roll-up',
  },
  {
    invariant: 6,
    defect: 'a duplicate is stored a second time, seen by the simulation',
    file: 'broker/state/producers.ts',
    from: "return { kind: 'duplicate', baseOffset: old.baseOffset }",
    to: 'return ACCEPTED',
    tests: SIMULATION,
  },
  {
    invariant: 6,
    defect: 'what follows a batch that could not be stored is stored before it',
    file: 'broker/data/ingest.ts',
    from: 'later.isBroken ||= later.follows(gaps)',
    to: 'later.isBroken ||= false',
    tests: 'broker/data/ingest',
  },
]
