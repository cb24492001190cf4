import { describe, expect, test } from '@jest/globals'
import { addressesOf, addressOf, addressText, BadAddress } from './address.ts'

describe('brokers behind commas', () => {
  test('may have blanks around them, as Kafka takes them', () => {
    expect(addressesOf(' 127.0.0.1:1, [::1]:2 ,kafka.example:3,, [fe80::1%eth0]:4,')).toEqual([
      { host: '127.0.0.1', port: 1 },
      { host: '::1', port: 2 },
      { host: 'kafka.example', port: 3 },
      { host: 'fe80::1%eth0', port: 4 },
    ])
  })

  test.each(['', ',', 'a b:1', 'a', 'a:0', 'a:65536', '::1:9092', '[x]:1', 'http://a:1'])('%j is refused', places => {
    expect(() => addressesOf(places)).toThrow(BadAddress)
  })
})

test('a place to listen at may have any free port', () => {
  expect(addressOf('localhost:0', 0)).toEqual({ host: 'localhost', port: 0 })
})

test.each(['[::1]:1', 'a:1', '127.0.0.1:1'])('%s is written as it is read', place => {
  expect(addressText(addressOf(place))).toBe(place)
})
