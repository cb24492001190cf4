/**
 * A chapter of the tutorial as steps that can be carried out: pure. The Markdown itself says what is a command and what it must
 * print, so that nobody can change one without the other.
 *
 *   ```sh                   a command; it must succeed
 *   ```sh fails             it must not
 *   ```sh background        it goes on until `<!-- stop -->`, or the end of the chapter
 *   ```sh elsewhere=FILE    it is carried out by the test in FILE of this repository, because it needs more than a chapter has
 *   ```text                 what the command before it prints: these lines, in this order, others may stand between them;
 *                           `<...>` in a line stands for anything, or nothing
 *   <!-- stop -->           ends the last command in the background as Ctrl-C does
 *
 * Blocks of other languages are for reading.
 */

export type Step =
  | {
      readonly kind: 'run'
      readonly line: number
      readonly script: string
      readonly fails: boolean
      readonly prints: readonly string[]
    }
  | { readonly kind: 'background'; readonly line: number; readonly script: string; readonly prints: readonly string[] }
  | { readonly kind: 'elsewhere'; readonly line: number; readonly script: string; readonly test: string }
  | { readonly kind: 'stop'; readonly line: number }

/** The chapter says something that cannot be carried out. The message names the line. */
export class BadChapter extends Error {
  override readonly name = 'BadChapter'
}

interface Block {
  readonly line: number
  readonly info: string
  readonly text: string
}

const FENCE = /^```(.*)$/
const STOP = /^<!-- stop -->$/

/** Throws BadChapter. */
export function stepsOf(markdown: string): readonly Step[] {
  const steps: Step[] = []
  for (const block of blocksOf(markdown)) {
    const last = steps.at(-1)
    if (block.info === 'stop') {
      if (!steps.some(({ kind }) => kind === 'background')) throw new BadChapter(`line ${block.line}: nothing to stop`)
      steps.push({ kind: 'stop', line: block.line })
    } else if (block.info === 'text') {
      if (last?.kind !== 'run' && last?.kind !== 'background')
        throw new BadChapter(`line ${block.line}: output of no command`)
      if (last.prints.length > 0) throw new BadChapter(`line ${block.line}: a second output of the same command`)
      const prints = block.text.split('\n').filter(line => line.trim() !== '')
      steps.splice(-1, 1, { ...last, prints })
    } else if (/^(sh|bash|shell|console)\b/.test(block.info)) steps.push(commandOf(block))
  }
  return steps
}

function commandOf({ line, info, text: script }: Block): Step {
  const [, ...words] = info.split(' ')
  const [word, more] = words
  if (!info.startsWith('sh') || more !== undefined)
    throw new BadChapter(`line ${line}: \`${info}\` is no kind of command`)
  if (word === undefined || word === 'fails') return { kind: 'run', line, script, fails: word === 'fails', prints: [] }
  if (word === 'background') return { kind: 'background', line, script, prints: [] }
  const [, test] = /^elsewhere=(\S+)$/.exec(word) ?? []
  if (test === undefined) throw new BadChapter(`line ${line}: \`${info}\` is no kind of command`)
  return { kind: 'elsewhere', line, script, test }
}

/** Blocks between fences, and marks to stop, in their order. */
function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { readonly line: number; readonly info: string; readonly lines: string[] } | undefined
  for (const [index, text] of markdown.split('\n').entries()) {
    const [, info] = FENCE.exec(text) ?? []
    if (open !== undefined && info === '') {
      blocks.push({ line: open.line, info: open.info, text: open.lines.join('\n') })
      open = undefined
    } else if (open !== undefined) open.lines.push(text)
    else if (info !== undefined) open = { line: index + 1, info, lines: [] }
    else if (STOP.test(text)) blocks.push({ line: index + 1, info: 'stop', text: '' })
  }
  if (open !== undefined) throw new BadChapter(`line ${open.line}: a block without an end`)
  return blocks
}

/** The first line that the output does not have, after those before it; undefined when all are there. */
export function missingLine(prints: readonly string[], output: string): string | undefined {
  const lines = output.split('\n').map(line => line.trim())
  let from = 0
  for (const wanted of prints) {
    const pattern = patternOf(wanted.trim())
    const at = lines.findIndex((line, index) => index >= from && pattern.test(line))
    if (at < 0) return wanted
    from = at + 1
  }
  return undefined
}

function patternOf(line: string): RegExp {
  const parts = line.split(/<[^<>]+>/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+'))
  return new RegExp(`^${parts.join('.*?')}$`)
}
