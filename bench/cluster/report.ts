/** The table of figures: ours with the S3 server at 0 and at 30 ms, the goal, and the figure of the original. */
import { table } from '../table.ts'

export interface Figure {
  readonly name: string
  readonly value: string
}

/** By the name of a figure. The goal counts with S3 at 30 ms. */
export type Expectations = Readonly<Record<string, { readonly goal: string; readonly original: string }>>

export function figuresTable(columns: ReadonlyMap<number, readonly Figure[]>, expected: Expectations): string {
  const [first = []] = columns.values()
  const header = ['', ...[...columns.keys()].map(ms => `S3 + ${ms} ms`), 'goal', 'original']
  const rows = first.map(({ name }) => [
    name,
    ...[...columns.values()].map(figures => figures.find(figure => figure.name === name)?.value ?? ''),
    expected[name]?.goal ?? '',
    expected[name]?.original ?? '',
  ])
  return table(header, rows)
}
