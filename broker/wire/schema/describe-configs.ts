/** DescribeConfigs (key 32): settings of topics, brokers and groups, with their source and synonyms. */

import { api, array, bool, int8, int16, int32, string } from './notation.ts'

export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexibleSince: 4,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string(), { nullableSince: 1 }),
    }),
    includeSynonyms: bool(),
    includeDocumentation: bool({ since: 3 }),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullableSince: 1 }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullableSince: 1 }),
        readOnly: bool(),
        configSource: int8({ default: -1, ignorable: true }),
        isSensitive: bool(),
        synonyms: array(
          {
            name: string(),
            value: string({ nullableSince: 1 }),
            source: int8(),
          },
          { ignorable: true },
        ),
        configType: int8({ since: 3, ignorable: true }),
        documentation: string({ since: 3, nullableSince: 3, ignorable: true }),
      }),
    }),
  },
})
