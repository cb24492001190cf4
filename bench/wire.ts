// What the codecs cost: Fetch and Produce with 100 partitions in one topic, and what ingest does with each record batch.
// Prints microseconds per message, nanoseconds per partition and, for batches, gigabytes per second.
// Run: npx node bench/wire.ts

import { buildBatch } from '../broker/wire/batch-builder.ts'
import {
  type FetchRequest,
  type FetchResponse,
  newFetchRequest,
  newFetchRequestPartition,
  newFetchRequestTopic,
  newFetchResponse,
  newFetchResponsePartition,
  newFetchResponseTopic,
  newProduceRequest,
  newProduceResponse,
  newProduceResponsePartition,
  newProduceResponseTopic,
  type ProduceRequest,
  readFetchRequest,
  readFetchResponse,
  readProduceRequest,
  readProduceResponse,
  writeFetchRequest,
  writeFetchResponse,
  writeProduceRequest,
  writeProduceResponse,
} from '../broker/wire/messages.gen.ts'
import { Reader } from '../broker/wire/reader.ts'
import { validateBatch } from '../broker/wire/record-batch.ts'
import { Writer } from '../broker/wire/writer.ts'

const PARTITIONS = 100
const RUN_MS = 400

const partitions = Array.from({ length: PARTITIONS }, (_, i) => i)
const topicId = 'wW7f0RZKQwqUfrLDTcXLVw'
const topic = 'page-views'
const records = [Buffer.alloc(4096, 1)]

const fetchRequest: FetchRequest = newFetchRequest({
  maxWaitMs: 500,
  minBytes: 1,
  topics: [
    newFetchRequestTopic({
      topicId,
      partitions: partitions.map(partition =>
        newFetchRequestPartition({ partition, fetchOffset: 2 ** 33 + partition, partitionMaxBytes: 1 << 20 }),
      ),
    }),
  ],
})

const fetchResponse: FetchResponse = newFetchResponse({
  responses: [
    newFetchResponseTopic({
      topicId,
      partitions: partitions.map(partitionIndex =>
        newFetchResponsePartition({
          partitionIndex,
          errorCode: 0,
          highWatermark: 2 ** 33,
          lastStableOffset: 2 ** 33,
          logStartOffset: 0,
          abortedTransactions: null,
          records,
        }),
      ),
    }),
  ],
})

const produceRequest: ProduceRequest = newProduceRequest({
  transactionalId: null,
  acks: -1,
  timeoutMs: 30_000,
  topicData: [{ name: topic, topicId, partitionData: partitions.map(index => ({ index, records })) }],
})

const produceResponse = newProduceResponse({
  responses: [
    newProduceResponseTopic({
      name: topic,
      topicId,
      partitionResponses: partitions.map(index =>
        newProduceResponsePartition({ index, errorCode: 0, baseOffset: 2 ** 33 + index, logStartOffset: 0 }),
      ),
    }),
  ],
})

interface Codec<Message> {
  readonly name: string
  readonly message: Message
  readonly read: (reader: Reader, version: number) => Message
  readonly write: (writer: Writer, message: Message, version: number) => void
}

/** Mean time of one call in ns, once it is warm. */
function timed(call: () => unknown): number {
  const warmUntil = performance.now() + RUN_MS / 2
  while (performance.now() < warmUntil) call()
  let calls = 0
  const start = performance.now()
  let now = start
  while (now - start < RUN_MS) {
    for (let i = 0; i < 50; i++) call()
    calls += 50
    now = performance.now()
  }
  return ((now - start) * 1e6) / calls
}

function bench<Message>({ name, message, read, write }: Codec<Message>, version: number): void {
  const writer = new Writer()
  write(writer, message, version)
  const bytes = Buffer.concat(writer.finish().buffers)
  row(
    `${name} v${version}`,
    timed(() => read(new Reader(bytes), version)),
    timed(() => {
      const into = new Writer()
      write(into, message, version)
      return into.finish()
    }),
  )
}

function row(name: string, readNs: number, writeNs: number): void {
  const cells = [readNs, writeNs].flatMap(ns => [(ns / 1000).toFixed(1), (ns / PARTITIONS).toFixed(0)])
  console.log(`| ${name.padEnd(20)} | ${cells.map(cell => cell.padStart(8)).join(' | ')} |`)
}

console.log(`${PARTITIONS} partitions       | read µs | ns each | write µs | ns each |`)
const fetchRequestCodec = {
  name: 'FetchRequest',
  message: fetchRequest,
  read: readFetchRequest,
  write: writeFetchRequest,
}
const fetchResponseCodec = {
  name: 'FetchResponse',
  message: fetchResponse,
  read: readFetchResponse,
  write: writeFetchResponse,
}
const produceRequestCodec = {
  name: 'ProduceRequest',
  message: produceRequest,
  read: readProduceRequest,
  write: writeProduceRequest,
}
const produceResponseCodec = {
  name: 'ProduceResponse',
  message: produceResponse,
  read: readProduceResponse,
  write: writeProduceResponse,
}
for (const version of [11, 17]) bench(fetchRequestCodec, version)
for (const version of [11, 17]) bench(fetchResponseCodec, version)
for (const version of [7, 13]) bench(produceRequestCodec, version)
for (const version of [7, 13]) bench(produceResponseCodec, version)

console.log('\nvalidateBatch, checksum included')
for (const size of [100, 1000, 16_384, 1_000_000]) {
  const batch = buildBatch({ timestamp: 1_700_000_000_000, records: [{ value: Buffer.alloc(size, 7) }] })
  const ns = timed(() => validateBatch(batch))
  console.log(
    `| ${String(batch.length).padStart(8)} bytes | ${(ns / 1000).toFixed(2)} µs | ${(batch.length / ns).toFixed(2)} GB/s |`,
  )
}
