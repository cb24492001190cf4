/** Runs `BatchReferee.java`: record batches as Apache Kafka's own classes make and read them. */

import { recordsOf } from '../../broker/wire/batch-builder.ts'
import { codecOf } from '../../broker/wire/compression.ts'
import {
  batchBaseOffset,
  batchBaseSequence,
  batchCompression,
  batchLastOffset,
  batchLeaderEpoch,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  isControl,
  isTransactional,
} from '../../broker/wire/record-batch.ts'
import { run } from '../parts/command.ts'
import type { Referee } from './referee.ts'

/** A batch as one side sees it: plain data, to be compared. */
export interface BatchView {
  readonly codec: string
  readonly header: readonly (number | boolean)[]
  /** Offset, timestamp, key, value, then key and value of each header; bytes in hex. */
  readonly records: readonly (readonly (number | string | null)[])[]
}

export interface JudgedBatch {
  readonly bytes: Buffer
  readonly view: BatchView
}

const LIMIT = 64 << 20

/** Kafka's view of the batches that the commands make or hand over; one for each command. */
export async function judgedBatches(
  referee: Referee,
  seed: number,
  commands: readonly string[],
): Promise<JudgedBatch[]> {
  const args = [
    '-Xmx384m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-cp',
    referee.classPath,
    'BatchReferee',
    String(seed),
  ]
  const { code, stdout, stderr } = await run(referee.java, args, { input: `${commands.join('\n')}\n` })
  if (code !== 0) throw new Error(`the referee ended with ${code}: ${stderr}`)
  const lines = stdout.split('\n').filter(line => line !== '')
  return lines.map(line => {
    const { bytes, codec, header, records } = JSON.parse(line)
    return { bytes: Buffer.from(bytes, 'base64'), view: { codec, header, records } }
  })
}

/** Our view of a batch. */
export function viewOf(batch: Buffer): BatchView {
  const records = recordsOf(batch, 0, LIMIT).map(({ offset, timestamp, key, value, headers }) => {
    const extra = headers.flatMap(header => [header.key, hex(header.value)])
    return [offset, timestamp, hex(key), hex(value), ...extra]
  })
  const header = [
    batchBaseOffset(batch, 0),
    batchLastOffset(batch, 0),
    batchRecordCount(batch, 0),
    batchMaxTimestamp(batch, 0),
    batchProducerId(batch, 0),
    batchProducerEpoch(batch, 0),
    batchBaseSequence(batch, 0),
    batchLeaderEpoch(batch, 0),
    isTransactional(batch, 0),
    isControl(batch, 0),
  ]
  return { codec: codecOf(batchCompression(batch, 0)) ?? 'unknown', header, records }
}

function hex(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('hex')
}
