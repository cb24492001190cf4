import { expect, test } from '@jest/globals'
import { distinguishedName, principalMapping } from './ssl-principal.ts'

const NAME = 'CN=Duke,OU=ServiceUsers,O=Org,C=US'

test.each([
  ['DEFAULT', NAME],
  ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/', 'Duke'],
  ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L', 'duke'],
  ['RULE:CN=(.*?),.*/$1@x/U', 'DUKE@X'],
  ['RULE:^CN=nobody$/x/,DEFAULT', NAME],
  ['RULE:^cn=(.*?),ou=(.*?),.*$/$1@$2/, RULE:^CN=([^,]*),.*$/$1/L, DEFAULT', 'duke'],
  [String.raw`RULE:^CN=(\w*),OU=(\w*),.*$/$1\/$2/`, 'Duke/ServiceUsers'],
])('%s', (rules, principal) => {
  expect(principalMapping(rules)(NAME)).toBe(principal)
})

test('a name that no rule fits is refused', () => {
  expect(() => principalMapping('RULE:^CN=other$/x/')(NAME)).toThrow(RangeError)
})

test.each(['', 'DEFALT', 'RULE:a/b', 'RULE:(/x/', 'DEFAULT,,', 'RULE:a/b/X'])('no rules: "%s"', rules => {
  expect(() => principalMapping(rules)).toThrow(RangeError)
})

test('a distinguished name is written from its end, with the names of RFC 2253', () => {
  expect(distinguishedName({ subject: 'C=US\nS=CA\nO=Org\\, Inc\nCN=a' })).toBe('CN=a,O=Org\\, Inc,ST=CA,C=US')
})
