import { expect, test } from '@jest/globals'
import { zoneOf } from './zone.ts'

test.each([
  ['zone=eu-1a', 'eu-1a'],
  ['app-7,zone_id=b', 'b'],
  ['ws_az=use1-az2|ws_host=1', 'use1-az2'],
  ['x; diskless_az=c ;y', 'c'],
  ['automq_type=producer;automq_az=d', 'd'],
  ['producer-1', undefined],
  ['myzone=a', undefined],
  ['zone=', undefined],
])('client id %s names zone %s', (clientId, zone) => expect(zoneOf(clientId)).toBe(zone))
