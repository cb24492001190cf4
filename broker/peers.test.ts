// Against a real broker behind a proxy that can fall silent, as a frozen process does.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { FolderBroker } from '../testing/folder-broker.ts'
import { TcpProxy } from '../testing/tcp-proxy.ts'
import { systemClock } from './clock.ts'
import { BrokerPeers } from './peers.ts'
import type { Member } from './state/members.ts'
import { newMetadataRequest } from './wire/messages.gen.ts'

let broker: FolderBroker
let proxy: TcpProxy
let peers: BrokerPeers
let peer: Member

const ask = () => peers.ask(peer, 'Metadata', newMetadataRequest({ topics: [] }), { version: 9, clientId: 'test' })

beforeEach(async () => {
  broker = await FolderBroker.start()
  proxy = await TcpProxy.start({ host: '127.0.0.1', port: broker.port })
  peers = new BrokerPeers(systemClock, 'PLAINTEXT')
  const listeners = [{ name: 'PLAINTEXT', host: '127.0.0.1', port: proxy.port, shared: false }]
  peer = { epoch: 7, brokerId: 1, rack: '', software: 'test', featureLevel: 1, listeners }
})

afterEach(async () => {
  peers.close()
  await proxy.stop()
  await broker.stop()
})

test('a peer answers, again and again', async () => {
  expect((await ask()).clusterId).toBe((await ask()).clusterId)
})

test('who waits for a frozen broker hears that there is no answer as soon as its session is over', async () => {
  await ask()
  proxy.silence()
  const outcome = ask().then(
    () => 'answered',
    () => 'refused',
  )
  peers.retain(new Set([7, 8]))
  expect(await Promise.race([outcome, new Promise(resolve => setTimeout(resolve, 100, 'waiting'))])).toBe('waiting')
  peers.retain(new Set([8]))
  expect(await outcome).toBe('refused')
})
