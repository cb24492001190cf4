import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { WireError } from '../../broker/wire/wire-error.ts'
import { type MessageModel, messageModel } from '../generate/model.ts'
import { schemaFiles } from '../generate/schema-files.ts'
import { randomBytes, randomMessage, seeded } from './random-bytes.ts'
import { type RoundTrip, type WireMessage, wireMessages } from './round-trip.ts'

const messages = wireMessages()
const files = await schemaFiles(join(import.meta.dirname, '../../broker/wire/schema'))
const models = new Map(files.flatMap(file => file.messages).map(message => [message.name, messageModel(message)]))

/** Calls `check` for every version of every message. */
function eachVersion(check: (message: WireMessage, model: MessageModel, version: number) => void): void {
  for (const message of messages) {
    const model = models.get(message.name)
    if (model === undefined) throw new Error(`no schema for ${message.name}`)
    for (let version = message.firstVersion; version <= message.lastVersion; version++) check(message, model, version)
  }
}

/** What came of it, or undefined for a `WireError`. Anything else that is thrown is what these tests look for. */
function attempt(message: WireMessage, version: number, bytes: Buffer): RoundTrip | undefined {
  try {
    return message.roundTrip(bytes, version)
  } catch (cause) {
    if (cause instanceof WireError) return undefined
    throw new Error(`${message.name} ${version}: ${bytes.toString('hex')}`, { cause })
  }
}

describe('the codec of every message, in every version,', () => {
  test('has its schema, and the table knows the versions of the schema', () => {
    expect(messages.map(message => message.name).sort()).toEqual([...models.keys()].sort())
    for (const { name, firstVersion, lastVersion } of messages) {
      expect([name, [firstVersion, lastVersion]]).toEqual([name, models.get(name)?.versions])
    }
  })

  test('reads valid bytes and writes what reads the same again', () => {
    const random = seeded(1)
    eachVersion((message, model, version) => {
      for (let i = 0; i < 5; i++) {
        const once = message.roundTrip(randomMessage(model, version, random), version)
        const twice = message.roundTrip(once.bytes, version)
        expect(twice.bytes.equals(once.bytes)).toBe(true)
        if (i === 0) expect(twice.value).toEqual(once.value)
      }
    })
  })

  test('refuses a valid message that is cut, wherever', () => {
    const random = seeded(2)
    let cuts = 0
    eachVersion((message, model, version) => {
      const whole = randomMessage(model, version, random)
      for (let length = 0; length < whole.length; length++, cuts++) {
        if (attempt(message, version, whole.subarray(0, length)) !== undefined) {
          throw new Error(
            `${message.name} ${version}: ${length} bytes of ${whole.toString('hex')} were taken for a message`,
          )
        }
      }
    })
    expect(cuts).toBeGreaterThan(10_000)
  })

  test('refuses bytes behind the message', () => {
    const random = seeded(3)
    eachVersion((message, model, version) => {
      const longer = Buffer.concat([randomMessage(model, version, random), Buffer.alloc(1)])
      expect(attempt(message, version, longer)).toBeUndefined()
    })
  })

  test('meets noise with nothing but a WireError', () => {
    const random = seeded(4)
    eachVersion((message, _model, version) => {
      for (let i = 0; i < 60; i++) attempt(message, version, randomBytes(random, random(200)))
    })
  })

  test('meets a changed byte with nothing but a WireError', () => {
    const random = seeded(5)
    eachVersion((message, model, version) => {
      const whole = randomMessage(model, version, random)
      for (let i = 0; i < 60 && whole.length > 0; i++) {
        const changed = Buffer.from(whole)
        changed.writeUInt8(random(3) === 0 ? 0xff : random(256), random(whole.length))
        attempt(message, version, changed)
      }
    })
  })

  test('refuses counts that the bytes cannot hold, before it makes room for them', () => {
    const before = process.memoryUsage().heapUsed
    for (const [field, version] of [
      ['7fffffff', 2],
      ['ffffffff07', 9],
    ] as const) {
      const metadata = messages.find(message => message.name === 'MetadataRequest')
      const bytes = Buffer.concat([Buffer.from(field, 'hex'), Buffer.alloc(1000)])
      expect(() => metadata?.roundTrip(bytes, version)).toThrow(/list of \d+ elements in/)
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000)
  })
})
