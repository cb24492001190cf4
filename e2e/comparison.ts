// Compares what two brokers answered. An answer is taken apart into facts (a path and a value), names that must differ
// (addresses, ids) are replaced first, and every fact that is not the same on both sides is a difference.

import type { ToolOutcome } from './clients/kafka-tools.ts'
import type { ProbeStep } from './clients/probe.ts'

/** Facts by path. */
export type Facts = Map<string, string>

/** What was asked, and the facts of the answer. */
export interface Answer {
  step: string
  facts: Facts
}

export interface Difference {
  step: string
  /** `missing`: only the reference has the fact; `extra`: only the other has it. */
  kind: 'missing' | 'extra' | 'different'
  path: string
  reference: string | undefined
  other: string | undefined
}

/** What identifies one of the brokers in its answers. */
export interface BrokerNames {
  bootstrap: string
  id: number
}

export function differences(reference: Answer[], other: Answer[]): Difference[] {
  const theirs = new Map(numbered(other).map(({ step, facts }) => [step, facts]))
  return numbered(reference).flatMap(({ step, facts }) => {
    const otherFacts = theirs.get(step) ?? new Map([['step', 'was not answered']])
    const paths = new Set([...facts.keys(), ...otherFacts.keys()])
    return [...paths].flatMap((path): Difference[] => {
      const [one, two] = [facts.get(path), otherFacts.get(path)]
      if (one === two) return []
      const kind = one === undefined ? 'extra' : two === undefined ? 'missing' : 'different'
      return [{ step, kind, path, reference: one, other: two }]
    })
  })
}

/** Steps of the same name are told apart by their number. */
function numbered(answers: Answer[]): Answer[] {
  const seen = new Map<string, number>()
  return answers.map(answer => {
    const n = (seen.get(answer.step) ?? 0) + 1
    seen.set(answer.step, n)
    return n === 1 ? answer : { ...answer, step: `${answer.step} (${n})` }
  })
}

export function probeAnswer({ step, result, error }: ProbeStep, broker: BrokerNames): Answer {
  const facts: Facts = new Map()
  if (error) {
    facts.set('error', error.class)
    facts.set('error message', neutralMessage(error.message ?? '', broker))
  } else collect(result, '', facts, broker)
  return { step, facts }
}

/** A tool's exit code and each line that it printed, in any order: the tools print sets as they come. */
export function toolAnswer(step: string, { code, stdout, stderr }: ToolOutcome, broker: BrokerNames): Answer {
  const facts: Facts = new Map([['exit code', String(code)]])
  for (const line of `${stdout}\n${stderr}`.split('\n')) {
    // Where in the tool's code an exception came from says nothing about the broker.
    if (/^\s+at |^\s*$|^\s*\.\.\. \d+ more/.test(line)) continue
    const path = neutral(line, broker).replace(/\s+/g, ' ').trim()
    facts.set(path, String(Number(facts.get(path) ?? 0) + 1))
  }
  return { step, facts }
}

function collect(value: unknown, path: string, facts: Facts, broker: BrokerNames): void {
  // Names come sorted; as a set one that is missing does not make a difference of all that follow.
  if (Array.isArray(value) && value.length > 0 && value.every(one => typeof one === 'string')) {
    for (const one of value) {
      const fact = `${path} has ${neutral(one, broker)}`
      facts.set(fact, String(Number(facts.get(fact) ?? 0) + 1))
    }
  } else if (Array.isArray(value)) {
    facts.set(`${path}.length`, String(value.length))
    for (const [i, one] of value.entries()) collect(one, `${path}[${i}]`, facts, broker)
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value)) collect(one, `${path}.${neutral(name, broker)}`, facts, broker)
  } else if (/\.(leader|controller)$|\.(replicas|isr|elr)\[/.test(path)) {
    facts.set(path, value === broker.id ? 'the broker' : String(value))
  } else if (/Exception: /.test(String(value))) facts.set(path, neutralMessage(String(value), broker))
  else facts.set(path, neutral(String(value), broker))
}

/** Messages tell the time of day; a time-out's message tells where in the client the time went. */
function neutralMessage(text: string, broker: BrokerNames): string {
  return neutral(text, broker)
    .replaceAll(/-?\d{13,}/g, 'TIME')
    .replace(/(TimeoutException): .*/, '$1')
}

function neutral(text: string, { bootstrap, id }: BrokerNames): string {
  // Questions about a broker that does not exist use this one's id plus 7.
  const who = (number: string) => (Number(number) === id ? 'ID' : Number(number) === id + 7 ? 'UNKNOWN' : number)
  const [host, port] = bootstrap.split(':')
  return text
    .replaceAll(bootstrap, 'ADDRESS')
    .replaceAll(new RegExp(`\\b${host}(\\s+)${port}\\b`, 'g'), 'HOST$1PORT')
    .replaceAll(
      /(broker(?: ID)? |type=BROKER(?:_LOGGER)?, name='|\(id: |\((?=\d+\)$)|"broker":|Leader: |Replicas: |Isr: |brokers )(\d+)/gi,
      (_, before, number) => before + who(number),
    )
    .replaceAll(/127\.0\.0\.1:\d+/g, 'OTHER-ADDRESS')
    .replaceAll(/\/\S*kafscale-e2e-[^\s\]",]*/g, 'FOLDER')
    .replaceAll(/TopicId: [\w-]{22}/g, 'TopicId: TOPIC')
    .replaceAll(/Cluster ID: [\w-]{22}/g, 'Cluster ID: CLUSTER')
    .replaceAll(/console-consumer-\d+/g, 'console-consumer-NUMBER')
    .replaceAll(/[\w-]+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'MEMBER')
}
