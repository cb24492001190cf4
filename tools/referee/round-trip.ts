/**
 * Every message that the wire room has codecs for, by its name in Kafka, with one function that reads bytes and writes
 * them again. For tests that go over all messages and versions.
 */

import { type Api, type ApiName, apis } from '../../broker/wire/api.ts'
import {
  readConsumerProtocolAssignment,
  readConsumerProtocolSubscription,
  readRequestHeader,
  readResponseHeader,
  writeConsumerProtocolAssignment,
  writeConsumerProtocolSubscription,
  writeRequestHeader,
  writeResponseHeader,
} from '../../broker/wire/messages.gen.ts'
import { Reader } from '../../broker/wire/reader.ts'
import { Writer } from '../../broker/wire/writer.ts'

export interface WireMessage {
  readonly name: string
  readonly firstVersion: number
  readonly lastVersion: number
  /** Throws `WireError` for bytes that are no such message or hold more than one. */
  readonly roundTrip: (bytes: Buffer, version: number) => RoundTrip
}

export interface RoundTrip {
  readonly value: object
  readonly bytes: Buffer
}

export function wireMessages(): WireMessage[] {
  const messages: WireMessage[] = []
  for (const { name } of Object.values(apis)) messages.push(...messagesOf(name))
  messages.push(
    { name: 'RequestHeader', firstVersion: 1, lastVersion: 2, roundTrip: trip(readRequestHeader, writeRequestHeader) },
    {
      name: 'ResponseHeader',
      firstVersion: 0,
      lastVersion: 1,
      roundTrip: trip(readResponseHeader, writeResponseHeader),
    },
    {
      name: 'ConsumerProtocolSubscription',
      firstVersion: 0,
      lastVersion: 3,
      roundTrip: trip(readConsumerProtocolSubscription, writeConsumerProtocolSubscription),
    },
    {
      name: 'ConsumerProtocolAssignment',
      firstVersion: 0,
      lastVersion: 3,
      roundTrip: trip(readConsumerProtocolAssignment, writeConsumerProtocolAssignment),
    },
  )
  return messages
}

function messagesOf<Name extends ApiName>(name: Name): WireMessage[] {
  const api: Api<Name> = apis[name]
  const { firstVersion, lastVersion } = api
  return [
    { name: `${name}Request`, firstVersion, lastVersion, roundTrip: trip(api.readRequest, api.writeRequest) },
    { name: `${name}Response`, firstVersion, lastVersion, roundTrip: trip(api.readResponse, api.writeResponse) },
  ]
}

function trip<Message extends object>(
  read: (reader: Reader, version: number) => Message,
  write: (writer: Writer, message: Message, version: number) => void,
): WireMessage['roundTrip'] {
  return (bytes, version) => {
    const reader = new Reader(bytes)
    const value = read(reader, version)
    reader.expectEnd()
    const writer = new Writer(64)
    write(writer, value, version)
    const written = writer.finish()
    return { value, bytes: Buffer.concat(written.buffers, written.length) }
  }
}
