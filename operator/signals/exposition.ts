// Prometheus' text format, as much of it as is needed to read a broker's metrics: only the series of the names that are
// wanted are kept, whatever else the page has.

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)/
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"/g

/** The series of the wanted metrics, by name. Lines that are none are passed over. */
export function seriesOf(page: string, wanted: ReadonlySet<string>): ReadonlyMap<string, readonly Series[]> {
  const found = new Map<string, Series[]>()
  for (const line of page.split('\n')) {
    const [, name = '', labels = '', text = ''] = LINE.exec(line) ?? []
    if (!wanted.has(name)) continue
    const value = numberOf(text)
    if (value === undefined) continue
    const series = found.get(name)
    const one = { labels: labelsOf(labels), value }
    if (series === undefined) found.set(name, [one])
    else series.push(one)
  }
  return found
}

/** Undefined for NaN, which means that nothing was measured. */
function numberOf(text: string): number | undefined {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  const value = Number(text)
  return Number.isNaN(value) ? undefined : value
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) labels[name] = unescaped(value)
  return labels
}

const unescaped = (value: string): string =>
  value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
