import { expect, test } from '@jest/globals'
import {
  type Api,
  type ApiName,
  apiName,
  apis,
  type RequestOf,
  type ResponseOf,
  requestHeaderVersion,
  responseHeaderVersion,
} from './api.ts'
import { newHeartbeatResponse } from './messages.gen.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

test('APIs are found by key and by name', () => {
  expect(apiName(1)).toBe('Fetch')
  expect(apiName(7)).toBeUndefined()
  expect(apiName(-1)).toBeUndefined()
  for (const api of Object.values(apis)) {
    expect(apiName(api.key)).toBe(api.name)
    expect(api.firstVersion).toBeLessThanOrEqual(api.lastVersion)
  }
})

test('headers are flexible together with their message, but for the answer to ApiVersions', () => {
  expect([requestHeaderVersion('Fetch', 11), requestHeaderVersion('Fetch', 12)]).toEqual([1, 2])
  expect([responseHeaderVersion('Fetch', 11), responseHeaderVersion('Fetch', 12)]).toEqual([0, 1])
  expect([requestHeaderVersion('ApiVersions', 2), requestHeaderVersion('ApiVersions', 4)]).toEqual([1, 2])
  expect(responseHeaderVersion('ApiVersions', 4)).toBe(0)
  expect([requestHeaderVersion('SaslHandshake', 1), responseHeaderVersion('SaslHandshake', 1)]).toEqual([1, 0])
})

test('a dispatcher needs no casts', () => {
  type Handler<Name extends ApiName> = (request: RequestOf<Name>) => ResponseOf<Name>
  const serve = <Name extends ApiName>(name: Name, handler: Handler<Name>) => {
    const api: Api<Name> = apis[name]
    return (bytes: Buffer, version: number): Buffer => {
      const writer = new Writer()
      api.writeResponse(writer, handler(api.readRequest(new Reader(bytes), version)), version)
      return Buffer.concat(writer.finish().buffers)
    }
  }
  const heartbeat = serve('Heartbeat', request => newHeartbeatResponse({ errorCode: request.generationId }))
  const request = new Writer()
  apis.Heartbeat.writeRequest(request, { groupId: 'g', generationId: 27, memberId: 'm', groupInstanceId: null }, 4)
  expect(heartbeat(Buffer.concat(request.finish().buffers), 4).toString('hex')).toBe('00000000001b00')
})
