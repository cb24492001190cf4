import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Difference, differences, probeAnswer, toolAnswer } from './comparison.ts'
import { judged, KNOWN_DIFFERENCES } from './differences.ts'

const ONE = { bootstrap: '127.0.0.1:1001', id: 1 }
const OTHER = { bootstrap: '127.0.0.1:2002', id: 0 }

describe('answers', () => {
  test('are the same when only addresses and broker ids differ', () => {
    const answer = (id: number, port: number) => ({
      step: 's',
      result: { leader: id, replicas: [id], note: `at 127.0.0.1:${port}, broker ${id} of brokers ${id}` },
    })
    expect(differences([probeAnswer(answer(1, 1001), ONE)], [probeAnswer(answer(0, 2002), OTHER)])).toEqual([])
    const told = (port: number) => ({ code: 0, stdout: `b\n\na   127.0.0.1:${port}\n`, stderr: '\tat x.Y(Z.java:1)\n' })
    const turned = { code: 0, stdout: 'a 127.0.0.1:2002\nb', stderr: '' }
    expect(differences([toolAnswer('t', told(1001), ONE)], [toolAnswer('t', turned, OTHER)])).toEqual([])
  })

  test('hold sets of names: each that is missing or additional is told, wherever it stands', () => {
    const reference = probeAnswer({ step: 's', result: { names: ['a', 'b', 'c'] } }, ONE)
    const other = probeAnswer({ step: 's', result: { names: ['b', 'c', 'd'] } }, OTHER)
    expect(differences([reference], [other]).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'missing .names has a',
      'extra .names has d',
    ])
    const none = probeAnswer({ step: 's', result: { names: [] } }, OTHER)
    expect(differences([reference], [none]).length).toBe(4)
  })

  test('differ by each missing, additional and changed fact', () => {
    const reference = probeAnswer({ step: 's', result: { a: 1, b: [1, 2], leader: 1 } }, ONE)
    const other = probeAnswer({ step: 's', result: { b: [1], c: 3, leader: 7 } }, OTHER)
    expect(differences([reference], [other]).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'missing .a',
      'different .b.length',
      'missing .b[1]',
      'different .leader',
      'extra .c',
    ])
  })

  test('differ when one is an error, when a step is missing and when a line is printed twice', () => {
    const good = probeAnswer({ step: 's', result: 'fine' }, ONE)
    const bad = probeAnswer({ step: 's', error: { class: 'TimeoutException', message: 'late' } }, OTHER)
    expect(differences([good], [bad]).length).toBe(3)
    expect(differences([good, good], [good])).toMatchObject([{ step: 's (2)' }, { step: 's (2)' }])
    const once = toolAnswer('t', { code: 0, stdout: 'a\n', stderr: '' }, ONE)
    const twice = toolAnswer('t', { code: 0, stdout: 'a\na\n', stderr: '' }, ONE)
    expect(differences([once], [twice])).toMatchObject([{ kind: 'different', path: 'a', reference: '1', other: '2' }])
  })
})

describe('the table of differences', () => {
  const found: Difference = { step: 'list', kind: 'missing', path: '.quota', reference: '1', other: undefined }
  const entry = { step: /^list$/, kind: 'missing', path: /^\.quota$/, reason: 'no quotas yet' } as const

  test('explains what it names and nothing else', () => {
    expect(judged([found], [entry])).toEqual({ unexplained: [], unused: [] })
    const others: Difference[] = [
      { ...found, step: 'list topics' },
      { ...found, kind: 'extra' },
      { ...found, path: '.quotas' },
    ]
    for (const other of others) expect(judged([other], [entry])).toEqual({ unexplained: [other], unused: [entry] })
  })

  test('explains an answer only when it is the one that was named', () => {
    const named = { ...entry, kind: 'any', here: /^0$/ } as const
    const zero: Difference = { ...found, kind: 'different', other: '0' }
    const one: Difference = { ...found, kind: 'different', other: '1' }
    expect(judged([zero], [named]).unexplained).toEqual([])
    expect(judged([one], [named]).unexplained).toEqual([one])
  })

  test('has its reasons in docs/differences.md, and those alone', () => {
    const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'differences.md'), 'utf8')
    const [, section = ''] = page.split('## What the comparison meets')
    const told = [...section.matchAll(/^- (.*)$/gm)].map(match => match[1])
    expect(told).toEqual([...new Set(KNOWN_DIFFERENCES.map(({ reason }) => reason))])
  })
})
