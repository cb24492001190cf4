// Apache Kafka's own classes against our codecs. For random messages of every API and version, request and response, headers
// and unknown tagged fields included, ours read the same values and write the same bytes; each side reads the other's record
// batches in every compression.

import { isDeepStrictEqual } from 'node:util'
import { expect, jest, test } from '@jest/globals'
import { buildBatch, type NewRecord } from '../broker/wire/batch-builder.ts'
import type { Codec } from '../broker/wire/compression.ts'
import { validateBatch } from '../broker/wire/record-batch.ts'
import { judgedBatches, viewOf } from '../tools/referee/batch-referee.ts'
import { randomBytes, seeded } from '../tools/referee/random-bytes.ts'
import { canonical, referee, verdicts } from '../tools/referee/referee.ts'
import { wireMessages } from '../tools/referee/round-trip.ts'
import { suiteWith } from './suite.ts'

jest.setTimeout(120_000)

const COUNT = 14
const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
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

  test('Kafka’s record batches are valid here and hold the same records', async () => {
    const commands = CODECS.flatMap(codec => [1, 3, 40].map(count => `make ${codec} ${count}`))
    const judged = await judgedBatches(program, seed, [...commands, ...commands])
    expect(judged.length).toBe(commands.length * 2)
    for (const { bytes, view } of judged) {
      expect(viewOf(bytes)).toEqual(view)
      bytes.writeBigInt64BE(0n)
      expect(validateBatch(bytes)).toBeUndefined()
    }
  })

  test('our record batches are valid there and hold the same records', async () => {
    const random = seeded(seed)
    const batches = CODECS.flatMap(codec =>
      [1, 3, 40].map(count => {
        const records = Array.from({ length: count }, () => randomRecord(random))
        return buildBatch({ records, codec, timestamp: 1_700_000_000_000, baseOffset: 5, leaderEpoch: 0 })
      }),
    )
    const judged = await judgedBatches(
      program,
      seed,
      batches.map(batch => `read ${batch.toString('base64')}`),
    )
    expect(judged.map(({ view }) => view)).toEqual(batches.map(viewOf))
    expect(judged.map(({ view }) => view.codec)).toEqual(CODECS.flatMap(codec => [codec, codec, codec]))
  })
})

function randomRecord(random: (below: number) => number): NewRecord {
  const bytes = () => {
    const noise = randomBytes(random, random(30))
    return random(4) === 0
      ? null
      : Buffer.concat(Array.from({ length: 1 + random(random(8) === 0 ? 4000 : 9) }, () => noise))
  }
  const headers =
    random(3) === 0
      ? [
          { key: 'trace', value: bytes() },
          { key: 'ünicode', value: null },
        ]
      : []
  return { key: bytes(), value: bytes(), headers, timestamp: 1_700_000_000_000 + random(100_000) - 50_000 }
}
