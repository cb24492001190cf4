/** Calls a handler as a connection would: the request and the response go over the wire's bytes in the version given. */

import type { Client, Handler } from '../broker/api/handler.ts'
import { ANONYMOUS, withoutSasl } from '../broker/security/authentication.ts'
import { EVERYTHING } from '../broker/security/authorizer.ts'
import { type ApiName, apis, type RequestOf, type ResponseOf } from '../broker/wire/api.ts'
import { Reader } from '../broker/wire/reader.ts'
import { Writer } from '../broker/wire/writer.ts'

export const testClient: Client = {
  listener: 'PLAINTEXT',
  host: '127.0.0.1',
  gone: new AbortController().signal,
  authentication: withoutSasl(ANONYMOUS),
  access: EVERYTHING,
  quiet: () => {},
  softwareName: 'test',
  softwareVersion: '1',
}

/** Null when the handler does not answer. */
export async function callHandler<Name extends ApiName>(
  name: Name,
  handler: Handler<Name>,
  version: number,
  request: RequestOf<Name>,
): Promise<ResponseOf<Name> | null> {
  const api = apis[name]
  const asked = overWire(request, version, api.writeRequest, api.readRequest)
  const answered = await handler(asked, { version, clientId: 'test', client: testClient })
  return answered === null ? null : overWire(answered, version, api.writeResponse, api.readResponse)
}

function overWire<Message>(
  message: Message,
  version: number,
  write: (writer: Writer, message: Message, version: number) => void,
  read: (reader: Reader, version: number) => Message,
): Message {
  const writer = new Writer()
  write(writer, message, version)
  const reader = new Reader(Buffer.concat(writer.finish().buffers))
  const decoded = read(reader, version)
  reader.expectEnd()
  return decoded
}
