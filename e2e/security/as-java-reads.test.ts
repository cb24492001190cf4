// What is read of client.properties and of sasl.jaas.config is what Java and Apache Kafka themselves read there: of texts put
// together at random from all that has a meaning in them.

import { join } from 'node:path'
import { expect, jest, test } from '@jest/globals'
import { ClientPropertiesError, clientProperties, textOf } from '../../broker/client/client-properties.ts'
import { JaasError, jaasEntry } from '../../broker/client/jaas.ts'
import { passwordSecret } from '../../operator/user/connection-secret.ts'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { run } from '../../tools/parts/command.ts'
import { clients, compiled, jdk } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(120_000)

const TEXTS = 3000
const SOURCE = join(import.meta.dirname, '../java/properties/ReadAsJava.java')

const reader = async () => {
  const [{ java }, jars] = await Promise.all([jdk(), clients('4.4.0')])
  return { java, classPath: await compiled('read-as-java', [SOURCE], jars) }
}

type Kind = 'properties' | 'jaas'
/** Undefined for a text that is refused. */
type Read = Readonly<Record<string, string>> | undefined

function ours(kind: Kind, text: string): Read {
  try {
    return Object.fromEntries(
      kind === 'jaas' ? jaasEntry(text).options : clientProperties(textOf(Buffer.from(text)), {}),
    )
  } catch (cause) {
    if (cause instanceof JaasError || cause instanceof ClientPropertiesError) return undefined
    throw cause
  }
}

const decoded = (text = ''): string => Buffer.from(text, 'base64').toString()

function texts(parts: readonly string[], most: number): readonly string[] {
  const random = new SeededRandom(7)
  return Array.from({ length: TEXTS }, () =>
    Array.from({ length: random.int(1, most) }, () => random.pick(parts)).join(''),
  )
}

await suiteWith('A text', reader(), ({ java, classPath }) => {
  async function javas(kind: Kind, all: readonly string[]): Promise<readonly Read[]> {
    const input = all.map(text => `${kind} ${Buffer.from(text).toString('base64')}\n`).join('')
    const args = ['-XX:TieredStopAtLevel=1', '-cp', classPath, 'ReadAsJava']
    const { code, stdout, stderr } = await run(java, args, { input })
    expect([code, stderr]).toEqual([0, expect.any(String)])
    const answers = stdout.trimEnd().split('\n')
    expect(answers).toHaveLength(all.length)
    return answers.map(answer => {
      const [word, ...pairs] = answer.split(' ')
      if (word === 'refused') return undefined
      return Object.fromEntries(pairs.map(pair => pair.split(':').map(decoded)))
    })
  }

  test('of properties is read as java.util.Properties reads it', async () => {
    const parts = ['\\', '\\', '\n', '\n', '\r', '\r\n', ' ', '\t', '\f', '=', ':', '#', '!', 'a', 'b', 'é', '\u00a0']
    const all = texts([...parts, 'c=d', '\\u0041', '\\u00', '\\n', '\\\n', '\\\r\n  '], 14)
    const theirs = await javas('properties', all)
    // Java makes a pair without a name of a backslash by itself at the very end.
    const named = (read: Read): Read => read && Object.fromEntries(Object.entries(read).filter(([name]) => name !== ''))
    const own = all.map(text => [text, named(ours('properties', text))])
    expect(own).toEqual(all.map((text, at) => [text, named(theirs[at])]))
  })

  test('of JAAS is read as Kafka reads it, or refused', async () => {
    const parts = ['"', "'", '\\', '=', ';', '/', '*', ' ', '\n', 'a', 'b', '1', '8', '\\101', '\\t', '\\u0041', '\x85']
    const all = texts([...parts, 'é', '☂', ' a="b" ', " a='b' ", ' c=d ', '/*', '*/', '//', '\\"'], 6)
      .flatMap(text => [` ${text};`, ` a="${text}";`, ` a='${text}' b=c;`, ` a=${text} ;`])
      .map(text => `some.Module required${text}`)
    const theirs = await javas('jaas', all)
    const read = all.map((text, at) => [text, ours('jaas', text), theirs[at]] as const)
    const taken = read.filter(([, own]) => own !== undefined)
    expect(taken.map(([text, own]) => [text, own])).toEqual(taken.map(([text, , their]) => [text, their]))
    // Java takes a quote that does not end, up to the end of its line.
    const refused = read.filter(([, own, their]) => own === undefined && their !== undefined)
    for (const [text] of refused) expect(() => jaasEntry(text)).toThrow('quote that does not end')
    expect(taken.length).toBeGreaterThan(TEXTS)
  })

  test('of the operator gives Java the password that is in it', async () => {
    const parts = ['"', "'", '\\', '\n', '\r', '\t', ' ', '=', ';', '/', '#', 'é', '☂', '1', 'u0041', 'a']
    const passwords = texts(parts, 8)
    const facts = { userName: 'a "b"', bootstrapServers: 'b:9093', protocol: 'SASL_SSL', authority: undefined }
    const files = passwords.map(password => passwordSecret(facts, 'scram-sha-512', password)['client.properties'] ?? '')
    const entries = (await javas('properties', files)).map(read => read?.['sasl.jaas.config'] ?? '')
    const logins = await javas('jaas', entries)
    expect(logins).toEqual(passwords.map(password => ({ username: 'a "b"', password })))
  })
})
