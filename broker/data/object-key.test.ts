import { describe, expect, test } from '@jest/globals'
import { assertKey } from '../objects/object-store.ts'
import { objectKey, parseObjectKey, sessionFolders, snapshotFolder, snapshotKey } from './object-key.ts'

const objects = (['wal', 'segment'] as const).flatMap(kind =>
  [1, 7, 2 ** 40].flatMap(epoch => [1, 2, 999_999_999_999].map(number => ({ kind, epoch, number }))),
)

describe('object keys', () => {
  test('name exactly one object each, and are valid keys of a store', () => {
    const keys = objects.map(object => objectKey('cluster-1', object))
    expect(new Set(keys).size).toBe(objects.length)
    for (const [index, key] of keys.entries()) {
      assertKey(key)
      expect(parseObjectKey('cluster-1', key)).toEqual(objects[index])
    }
  })

  test('lie in the folders of their session and in no other session’s', () => {
    for (const object of objects) {
      const key = objectKey('p', object)
      expect(sessionFolders('p', object.epoch).filter(folder => key.startsWith(folder))).toHaveLength(1)
      expect(sessionFolders('p', object.epoch + 1).some(folder => key.startsWith(folder))).toBe(false)
    }
    // Session 1 must not own what session 11 wrote.
    const eleven = objectKey('p', { kind: 'wal', epoch: 11, number: 1 })
    expect(sessionFolders('p', 1).some(folder => eleven.startsWith(folder))).toBe(false)
  })

  test('spread over all sixteen heat prefixes', () => {
    const digits = new Set(
      Array.from({ length: 200 }, (_, number) => objectKey('p', { kind: 'wal', epoch: 5, number }).split('/')[1]),
    )
    expect(digits.size).toBe(16)
  })

  test.each([
    'p/0/wal/1/000000000001/x',
    'p/g/wal/1/000000000001',
    'p/0/log/1/000000000001',
    'q/0/wal/1/000000000001',
    'p/snapshot/0000000000000001-1',
    'pp/0/wal/1/000000000001',
    '',
  ])('%s is none', key => {
    expect(parseObjectKey('p', key)).toBeUndefined()
  })
})

test('snapshot keys sort by position', () => {
  const keys = [1, 9, 10, 11, 100, 2 ** 45].map(position => snapshotKey('p', position, 3))
  expect(keys.toSorted()).toEqual(keys)
  for (const key of keys) {
    assertKey(key)
    expect(key.startsWith(snapshotFolder('p'))).toBe(true)
  }
})
