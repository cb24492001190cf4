// How far a step of a reconcile came. A pass runs steps in order until one does not say `next`.

export type Outcome =
  | { readonly kind: 'next' }
  /** Something has to happen first. The key is looked at again after `afterMs`, or at the next change. */
  | { readonly kind: 'wait'; readonly reason: string; readonly afterMs: number }
  /** It went wrong. Tried again with growing waits; a terminal failure only after a change or a resync. */
  | { readonly kind: 'fail'; readonly reason: string; readonly isTerminal: boolean; readonly cause: unknown }

export const next: Outcome = { kind: 'next' }

export const wait = (reason: string, afterMs: number): Outcome => ({ kind: 'wait', reason, afterMs })

export const fail = (reason: string, cause: unknown, isTerminal = false): Outcome => ({
  kind: 'fail',
  reason,
  isTerminal,
  cause,
})

export interface Step<Context> {
  readonly name: string
  run(context: Context): Promise<Outcome>
}
