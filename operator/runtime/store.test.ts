import { describe, expect, test } from '@jest/globals'
import type { KubeObject } from './object.ts'
import { type Change, Store } from './store.ts'

interface Labelled extends KubeObject {
  readonly colour: string
}

const object = (name: string, resourceVersion: string | number, colour = 'red'): Labelled => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { namespace: 'n', name, resourceVersion: String(resourceVersion) },
  colour,
})

function watched() {
  const store = new Store<Labelled>({ colour: thing => [thing.colour] })
  const told: string[] = []
  store.subscribe(({ type, key, object: { colour } }: Change<Labelled>) => told.push(`${type} ${key} ${colour}`))
  return { store, told }
}

describe('a store', () => {
  test('tells of each change once', () => {
    const { store, told } = watched()
    store.replace([object('a', 1), object('b', 2)], '2')
    store.put(object('a', 3, 'blue'))
    store.put(object('a', 3, 'blue'))
    store.remove(object('b', 4))
    store.remove(object('b', 4))
    expect(told).toEqual(['added n/a red', 'added n/b red', 'changed n/a blue', 'deleted n/b red'])
  })

  test('a list says what changed and what is gone', () => {
    const { store, told } = watched()
    store.replace([object('a', 1), object('b', 2)], '2')
    told.length = 0
    store.replace([object('a', 1), object('c', 5)], '9')
    expect(told).toEqual(['added n/c red', 'deleted n/b red'])
  })

  test('finds objects by index, also after they changed and went', () => {
    const { store } = watched()
    store.replace([object('a', 1), object('b', 2, 'blue')], '2')
    store.put(object('a', 3, 'blue'))
    expect(store.by('colour', 'red')).toEqual([])
    expect(store.by('colour', 'blue').map(({ metadata }) => metadata.name)).toEqual(['b', 'a'])
    store.remove(object('b', 4, 'blue'))
    expect(store.by('colour', 'blue').map(({ metadata }) => metadata.name)).toEqual(['a'])
    expect(() => store.by('size', '1')).toThrow('no index size')
  })

  test('versions are compared as numbers, whatever their length', () => {
    const { store } = watched()
    store.put(object('a', 9))
    store.put(object('a', 10, 'blue'))
    store.put(object('a', '9', 'green'))
    expect(store.get('n/a')?.colour).toBe('blue')
    store.put(object('a', '100000000000000000000', 'black'))
    store.put(object('a', '99999999999999999999', 'white'))
    expect(store.get('n/a')?.colour).toBe('black')
  })
})

describe('a write of our own', () => {
  test('is seen at once, and its echo is not told of again', () => {
    const { store, told } = watched()
    store.replace([object('a', 1)], '1')
    store.observeWrite(object('a', 5, 'blue'))
    store.put(object('a', 5, 'blue'))
    expect(told).toEqual(['added n/a red', 'changed n/a blue'])
  })

  test('is not undone by what the watch tells of the time before it', () => {
    const { store } = watched()
    store.replace([object('a', 1)], '1')
    store.observeWrite(object('a', 5, 'blue'))
    store.put(object('a', 3, 'green'))
    expect(store.get('n/a')?.colour).toBe('blue')
    store.put(object('a', 6, 'black'))
    expect(store.get('n/a')?.colour).toBe('black')
  })

  test('stays through a list from before it, and goes with a list from after it', () => {
    const { store } = watched()
    store.replace([], '1')
    store.observeWrite(object('new', 5))
    store.replace([], '4')
    expect(store.size).toBe(1)
    store.replace([], '7')
    expect(store.size).toBe(0)
  })

  test('whose answer comes after the watch told of the deletion is not believed', () => {
    const { store } = watched()
    store.replace([], '1')
    store.put(object('a', 5))
    store.remove(object('a', 6))
    store.observeWrite(object('a', 5))
    expect(store.size).toBe(0)
  })

  test('is gone when the watch tells of a later deletion, and not of an earlier one', () => {
    const { store } = watched()
    store.replace([object('a', 1)], '1')
    store.observeWrite(object('a', 5, 'blue'))
    store.remove(object('a', 3))
    expect(store.size).toBe(1)
    store.remove(object('a', 6))
    expect(store.size).toBe(0)
  })
})

describe('an API server that went back to a backup', () => {
  test('is followed by the next list', () => {
    const { store } = watched()
    store.replace([object('a', 100, 'new'), object('b', 101)], '101')
    store.replace([object('a', 50, 'old')], '60')
    expect([...store.all()].map(({ metadata, colour }) => [metadata.name, colour])).toEqual([['a', 'old']])
  })
})

test('a store that several watches fill, each of one namespace: a list of one says nothing of the others', () => {
  const store = new Store<KubeObject>()
  const of = (namespace: string, name: string, resourceVersion: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name, resourceVersion },
  })
  const keys = (): string[] => [...store.all()].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort()
  store.replace([of('a', 'x', '5')], '10', 'a')
  store.replace([of('b', 'x', '3'), of('b', 'y', '4')], '7', 'b')
  expect(keys()).toEqual(['a/x', 'b/x', 'b/y'])
  // Behind what the other watch has told of, and still news.
  store.put(of('b', 'z', '8'))
  store.replace([of('b', 'z', '8')], '9', 'b')
  expect(keys()).toEqual(['a/x', 'b/z'])
  // A write of ours stays until the watch of its own namespace has caught up with it.
  store.observeWrite(of('b', 'mine', '12'))
  store.advance('20', 'a')
  store.replace([], '11', 'b')
  expect(keys()).toEqual(['a/x', 'b/mine'])
  store.replace([], '13', 'b')
  expect(keys()).toEqual(['a/x'])
})
