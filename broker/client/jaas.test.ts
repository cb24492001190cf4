import { describe, expect, test } from '@jest/globals'
import { JaasError, jaasEntry } from './jaas.ts'

describe('options', () => {
  test.each([
    ['password="a b"', 'a b'],
    ["password='a b'", 'a b'],
    [`password='a"b'`, 'a"b'],
    [`password="a'b"`, "a'b"],
    ['password=a-b_1.2$', 'a-b_1.2$'],
    ['password = "a"', 'a'],
    ['"password"="a"', 'a'],
    ['password=ü☂', 'ü☂'],
    ['password=""', ''],
    ['password="a;=//b/*c"', 'a;=//b/*c'],
    ['password="a\\"b\\\\c\\\'d"', 'a"b\\c\'d'],
    ['password="\\101\\1012\\477\\08\\0"', "AA2'7\x008\x00"],
    ['password="\\n\\t\\r\\f\\b\\a\\v\\q"', '\n\t\r\f\b\x07\vq'],
    ['password="\\u0041"', 'u0041'],
    ['// one\n/* two\n */ password=a / three', 'a', '\n'],
    ['password=a password=b', 'b'],
    ['password=a/**/', 'a'],
  ])('%j is read as Kafka reads it', (text, password, end = '') => {
    expect(jaasEntry(`a.Module Required ${text}${end};`)).toEqual({
      module: 'a.Module',
      options: new Map([['password', password]]),
    })
  })
})

describe('a text that is no entry', () => {
  test.each([
    ['', 'no module'],
    [';', 'no module'],
    ['m', 'none of required'],
    ['m secret a=b;', 'none of required'],
    ['m required', 'no semicolon'],
    ['m required a=secret', 'no semicolon'],
    ['m required a=secret//;', 'no semicolon'],
    ['m required a=sec/ret;', 'begins a comment'],
    ['m required a="secret;', 'quote that does not end'],
    [`m required a='secret";`, 'quote that does not end'],
    ['m required a="secret\n";', 'quote that does not end'],
    ['m required a="secret"secret";', 'quote that does not end'],
    ['m required a="secret"secret"";', 'NAME=VALUE'],
    ['m required a="secret" secret;', 'NAME=VALUE'],
    ["m required a=sec'ret';", 'NAME=VALUE'],
    ['m required a==secret;', 'NAME=VALUE'],
    ['m required a=;', 'NAME=VALUE'],
    ['m required a=1sec;', 'NAME=VALUE'],
    ['m required a=-sec;', 'NAME=VALUE'],
    ['m required a=sec!ret;', 'NAME=VALUE'],
    ['m required a=sec\\ret;', 'NAME=VALUE'],
    ['m required a', 'no semicolon'],
    ['m required a=sec;ret;', 'more than one entry'],
    ['m required a=b; m required a=b;', 'more than one entry'],
  ])('%j is refused with a sentence that quotes nothing', (text, sentence) => {
    const refusal = (): unknown => jaasEntry(text)
    expect(refusal).toThrow(JaasError)
    expect(refusal).toThrow(sentence)
    expect(refusal).not.toThrow('sec')
  })
})
