/** DeleteTopics (key 20): deletes topics by name, or from version 6 by id. */

import { api, array, int16, int32, string, uuid } from './notation.ts'

export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexibleSince: 4,
  request: {
    topics: array(
      {
        name: string({ nullableSince: 6, default: null }),
        topicId: uuid(),
      },
      { since: 6 },
    ),
    topicNames: array(string(), { until: 5, ignorable: true }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ ignorable: true }),
    responses: array({
      name: string({ nullableSince: 6 }),
      topicId: uuid({ since: 6, ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ since: 5, nullableSince: 5, default: null, ignorable: true }),
    }),
  },
})
