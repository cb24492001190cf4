// Against a real broker of ours in this process, and against small servers that misbehave.

import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { FolderBroker } from '../../testing/folder-broker.ts'
import { systemClock } from '../clock.ts'
import { newDescribeClusterRequest, newListOffsetsRequest, newMetadataRequest } from '../wire/messages.gen.ts'
import { BrokerConnection, BrokerUnreachable } from './connection.ts'

const open = (port: number, timeoutMs = 5000) =>
  BrokerConnection.open({ host: '127.0.0.1', port, clientId: 'test', clock: systemClock, timeoutMs })

describe('with a broker', () => {
  let broker: FolderBroker

  beforeAll(async () => {
    broker = await FolderBroker.start()
  })

  afterAll(async () => {
    await broker.stop()
  })

  test('calls are answered, also several at once', async () => {
    const connection = await open(broker.port)
    const request = newDescribeClusterRequest({ includeClusterAuthorizedOperations: false })
    const answers = await Promise.all(Array.from({ length: 5 }, () => connection.call('DescribeCluster', request)))
    expect(new Set(answers.map(({ clusterId }) => clusterId)).size).toBe(1)
    connection.close()
    await expect(connection.call('DescribeCluster', request)).rejects.toBeInstanceOf(BrokerUnreachable)
  })

  test('a request that cannot be written leaves the connection as it was', async () => {
    const connection = await open(broker.port)
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: 1e16 }]
    const unwritable = newListOffsetsRequest({ replicaId: -1, topics: [{ name: 't', partitions }] })
    await expect(connection.call('ListOffsets', unwritable)).rejects.toThrow('int64')
    const metadata = newMetadataRequest({ topics: [] })
    const [one, other] = await Promise.all([
      connection.call('Metadata', metadata),
      connection.call('DescribeCluster', newDescribeClusterRequest({ includeClusterAuthorizedOperations: false })),
    ])
    expect(other.clusterId).toBe(one.clusterId)
    connection.close()
  })

  test('a version above the wanted one is not used', async () => {
    const connection = await open(broker.port)
    const answer = await connection.call('Metadata', newMetadataRequest({ topics: [] }), { atMostVersion: 1 })
    // Cluster ids came with version 2.
    expect(answer.clusterId).toBeNull()
    connection.close()
  })

  test('an API that the broker does not serve is said to be missing', async () => {
    const connection = await open(broker.port)
    await expect(
      connection.call('EndTxn', { transactionalId: 't', producerId: 1, producerEpoch: 0, committed: true }),
    ).rejects.toThrow('does not serve EndTxn')
    connection.close()
  })
})

describe('with servers that misbehave', () => {
  let server: Server

  const serve = async (onSocket: (socket: Socket) => void): Promise<number> => {
    server = createServer(onSocket)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  afterEach(() => {
    server.close()
  })

  test('one that closes, says nothing, or sends nonsense of any length is unreachable', async () => {
    const port = await serve(socket => socket.destroy())
    await expect(open(port)).rejects.toBeInstanceOf(BrokerUnreachable)
    server.close()
    const silent = await serve(socket => socket.on('error', () => {}))
    await expect(open(silent, 50)).rejects.toThrow('did not answer ApiVersions in time')
    server.close()
    const huge = await serve(socket => {
      socket.on('error', () => {})
      socket.write(Buffer.from('7fffffff0000000000000000', 'hex'))
    })
    await expect(open(huge)).rejects.toThrow('too large')
  })

  test('one that answers another request than the one that was sent is unreachable', async () => {
    const port = await serve(socket => {
      socket.on('error', () => {})
      // ApiVersions, version 0: length, correlation id, no error, no APIs.
      socket.once('data', () => socket.write(Buffer.from('0000000a000012340000' + '00000000', 'hex')))
    })
    await expect(open(port)).rejects.toThrow('answered another request')
  })

  test('a port where nobody listens is unreachable', async () => {
    const port = await serve(() => {})
    await new Promise<void>(resolve => server.close(() => resolve()))
    await expect(open(port)).rejects.toThrow('ECONNREFUSED')
  })
})
