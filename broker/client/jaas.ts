/**
 * `sasl.jaas.config`: one entry of JAAS, `MODULE FLAG name=value ...;`, read as Apache Kafka's JaasConfig reads it, which leaves
 * words, quotes, escapes and comments to java.io.StreamTokenizer.
 *
 * Promises: what it says of a text that is no entry quotes nothing of it, for that may be a secret.
 */

/** The message says what is wrong, and ends a sentence about the text. */
export class JaasError extends Error {
  override readonly name = 'JaasError'
}

export interface JaasEntry {
  readonly module: string
  readonly options: ReadonlyMap<string, string>
}

interface Token {
  /** Undefined for a sign by itself. */
  readonly word: string | undefined
  readonly sign: string | undefined
}

const FLAGS = ['REQUIRED', 'REQUISITE', 'SUFFICIENT', 'OPTIONAL']

/** Throws JaasError. */
export function jaasEntry(text: string): JaasEntry {
  const tokens = tokensOf(text)
  const [module, flag] = tokens
  if (module?.word === undefined) throw new JaasError('names no module')
  if (flag?.word === undefined || !FLAGS.includes(flag.word.toUpperCase())) {
    throw new JaasError(`has none of ${FLAGS.join(', ').toLowerCase()} behind its module`)
  }
  const end = tokens.findIndex(({ sign }) => sign === ';')
  if (end < 0) throw new JaasError('has no semicolon at its end; outside of quotes / begins a comment')
  if (end < tokens.length - 1) throw new JaasError('has more than one entry; a value with ; in it needs quotes')
  const options = new Map<string, string>()
  for (let at = 2; at < end; at += 3) {
    const [name, equals, value] = tokens.slice(at, at + 3)
    if (name?.word === undefined || equals?.sign !== '=' || value?.word === undefined) {
      throw new JaasError(
        'has something else than NAME=VALUE: other values than names need quotes, and " and \\ in them a backslash',
      )
    }
    options.set(name.word, value.word)
  }
  return { module: module.word, options }
}

/**
 * Blanks are all below `!`. A slash by itself takes the character behind it into its comment, even the end of its line.
 * Digits, dots and hyphens begin numbers, which Kafka takes for no value.
 */
const PARTS = [
  /[^!-\uffff]+|\/\*.*?(?:\*\/|$)|\/\/[^\r\n]*|\/[^*]?[^\r\n]*/,
  /(?<quote>["'])(?<quoted>(?:\\.|(?!\k<quote>)[^\\\r\n])*)(?<closing>\k<quote>)?/,
  /(?<word>[A-Za-z_$\xa0-\uffff][\w$.\-\xa0-\uffff]*)/,
  /(?<sign>.)/,
]
const TOKEN = new RegExp(PARTS.map(({ source }) => source).join('|'), 'gs')

function tokensOf(text: string): readonly Token[] {
  return [...text.matchAll(TOKEN)].flatMap(({ groups = {} }) => {
    const { quoted, closing, word, sign } = groups
    if (quoted !== undefined && closing === undefined) throw new JaasError('has a quote that does not end')
    if (quoted !== undefined) return [{ word: unescaped(quoted), sign }]
    return word === undefined && sign === undefined ? [] : [{ word, sign }]
  })
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f' },
  ...{ n: '\n', r: '\r', t: '\t', v: '\v' },
}

/** Characters by their numbers are octal, and there is no `\u`. */
const unescaped = (text: string): string =>
  text.replace(/\\(?:([0-3][0-7]{0,2}|[4-7][0-7]?)|(.))/gs, (_, octal: string | undefined, one: string) =>
    octal === undefined ? (ESCAPES[one] ?? one) : String.fromCharCode(Number.parseInt(octal, 8)),
  )
