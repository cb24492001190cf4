/** A made-up message with every feature of the notation, for the generator's own tests. */

import {
  array,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  message,
  object,
  records,
  shared,
  string,
  uint16,
  uint32,
  uuid,
} from '../../../broker/wire/schema/notation.ts'

const place = shared('Place', { host: string(), port: uint16() })

export const example = message(
  'Example',
  { versions: [1, 4], flexibleSince: 3 },
  {
    id: uuid(),
    active: bool(),
    small: int8({ default: 5 }),
    count: int32({ since: 2, default: -1 }),
    position: int64({ saturating: true }),
    weight: float64({ since: 2, ignorable: true }),
    flags: uint32(),
    title: string({ nullableSince: 2, default: null }),
    payload: bytes({ nullableSince: 1 }),
    batches: records(),
    topics: array(
      {
        name: string({ until: 2, ignorable: true }),
        topicId: uuid({ since: 3 }),
        partitions: array({
          index: int32(),
          offsets: array(int64()),
          keys: array(bytes(), { nullableSince: 2 }),
          end: int16({ since: 3, tag: 0, default: -1 }),
        }),
      },
      { nullableSince: 2 },
    ),
    home: object(place),
    other: object(place, { since: 3, nullableSince: 3, default: null }),
    legacy: string({ until: 3 }),
    note: string({ since: 3, tag: 0 }),
    origin: object(place, { since: 4, tag: 1 }),
  },
)
