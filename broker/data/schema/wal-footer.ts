/** The footer of a WAL object: which batches of which partitions it holds. */
import { array, int8, int16, int32, int64, message, uint32, uuid } from '../../wire/schema/notation.ts'

export const walFooter = message(
  'WalFooter',
  { versions: [0, 0], flexibleSince: 0 },
  {
    /** Session of the writer and its number for this object: the same two as in the key. */
    epoch: int64(),
    number: int64(),
    runs: array({
      topicId: uuid(),
      partition: int32(),
      position: int32(),
      length: int32(),
      records: int64(),
      batches: int32(),
      maxTimestamp: int64(),
      /** CRC-32C of the run's bytes as stored. */
      checksum: uint32(),
      spans: array({
        length: int32(),
        records: int32(),
        maxTimestamp: int64(),
        producerId: int64({ default: -1 }),
        producerEpoch: int16({ default: -1 }),
        baseSequence: int32({ default: -1 }),
        flags: int8(),
      }),
    }),
  },
)
