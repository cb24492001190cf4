import { describe, expect, test } from '@jest/globals'
import { missingLine, stepsOf } from './chapter.ts'

const fenced = (info: string, text = 'x') => `\`\`\`${info}\n${text}\n\`\`\`\n`

describe('a chapter', () => {
  test('is its commands, with what they print', () => {
    const markdown = `# Title\n${fenced('sh background', 'make demo')}${fenced('text', 'ready')}text\n${fenced('java')}${fenced('sh', 'a\nb')}${fenced('text', 'one\n\ntwo')}<!-- stop -->\n${fenced('sh fails')}${fenced('sh elsewhere=e2e/a.test.ts')}`
    expect(stepsOf(markdown)).toEqual([
      { kind: 'background', line: 2, script: 'make demo', prints: ['ready'] },
      { kind: 'run', line: 12, script: 'a\nb', fails: false, prints: ['one', 'two'] },
      { kind: 'stop', line: 21 },
      { kind: 'run', line: 22, script: 'x', fails: true, prints: [] },
      { kind: 'elsewhere', line: 25, script: 'x', test: 'e2e/a.test.ts' },
    ])
  })

  test.each([
    ['output of no command', fenced('text')],
    ['two outputs', `${fenced('sh')}${fenced('text')}${fenced('text')}`],
    ['a stop of nothing', '<!-- stop -->'],
    ['a kind that there is not', fenced('sh sometimes')],
    ['two kinds', fenced('sh fails background')],
    ['another shell', fenced('bash')],
    ['a block without an end', '```sh\nx'],
  ])('with %s is refused', (_, markdown) => {
    expect(() => stepsOf(markdown)).toThrow(/^line \d+/)
  })
})

describe('output', () => {
  const output = 'Broker ready after 0.9 s.\n\n  Topics: a,  b\nkey=k-0 value=v (x)\n'

  test('has the lines that were promised, in their order, among others', () => {
    expect(missingLine(['Broker ready after <0.9> s.', 'key=k-0 value=v (x)'], output)).toBeUndefined()
    expect(missingLine(['Topics: a, b'], output)).toBeUndefined()
  })

  test.each([
    [['key=k-0 value=v (x)', 'Broker ready after <n> s.'], 'Broker ready after <n> s.'],
    [['Broker ready'], 'Broker ready'],
    [['Topics: <one>; <two>'], 'Topics: <one>; <two>'],
  ])('lacks %j', (prints, missing) => {
    expect(missingLine(prints, output)).toBe(missing)
  })
})
