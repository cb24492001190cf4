// Apache Kafka's own message classes against our codecs: for random messages of every API and version, request and
// response, headers and unknown tagged fields included, ours read the same values and write the same bytes.

import { isDeepStrictEqual } from 'node:util'
import { expect, jest, test } from '@jest/globals'
import { canonical, referee, verdicts } from '../tools/referee/referee.ts'
import { wireMessages } from '../tools/referee/round-trip.ts'
import { suiteWith } from './suite.ts'

jest.setTimeout(120_000)

const COUNT = 14
/** A new seed each day finds what one seed never would; a failure names it, and REFEREE_SEED repeats it. */
const seed = Number(process.env.REFEREE_SEED ?? Math.floor(Date.now() / 86_400_000))

await suiteWith('the referee: kafka-clients 4.3.1', referee(), program => {
  test('every message of every version has Kafka’s values and Kafka’s bytes', async () => {
    const messages = wireMessages()
    const byName = new Map(messages.map(message => [message.name, message]))
    let versions = 0
    for (const { firstVersion, lastVersion } of messages) versions += lastVersion - firstVersion + 1
    const judged = await verdicts(program, messages, { seed, count: COUNT }, ({ name, version, bytes, value }) => {
      const where = `${name} version ${version}, seed ${seed}, bytes ${bytes.toString('hex')}`
      const ours = byName.get(name)?.roundTrip(bytes, version)
      if (ours === undefined) throw new Error(`no codec for ${name}`)
      const read = canonical(ours.value)
      if (!isDeepStrictEqual(read, value)) expect({ where, value: read }).toEqual({ where, value })
      if (!ours.bytes.equals(bytes))
        expect({ where, bytes: ours.bytes.toString('hex') }).toEqual({ where, bytes: bytes.toString('hex') })
    })
    expect(judged).toBe(versions * COUNT)
    process.stderr.write(`the referee judged ${judged} messages of ${versions} versions, seed ${seed}\n`)
  })
})
