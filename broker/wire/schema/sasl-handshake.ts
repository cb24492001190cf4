/** SaslHandshake (key 17): picks the SASL mechanism. */

import { api, array, int16, string } from './notation.ts'

export const saslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: array(string()),
  },
})
