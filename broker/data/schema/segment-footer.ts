/** The footer of a segment object: which extents of which partitions it holds. */
import { array, int32, int64, message, uint32, uuid } from '../../wire/schema/notation.ts'

export const segmentFooter = message(
  'SegmentFooter',
  { versions: [0, 0], flexibleSince: 0 },
  {
    epoch: int64(),
    number: int64(),
    runs: array({
      topicId: uuid(),
      partition: int32(),
      extents: array({
        baseOffset: int64(),
        count: int32(),
        position: int32(),
        length: int32(),
        maxTimestamp: int64(),
        /** CRC-32C of the extent's bytes, offsets included. */
        checksum: uint32(),
      }),
    }),
  },
)
