// The examples are `fieldsV1` as a real API server writes it.

import { describe, expect, test } from '@jest/globals'
import { differences, owns, plain, project } from './field-set.ts'

const live = {
  metadata: { labels: { ours: 'a', theirs: 'b' }, finalizers: ['x', 'y'] },
  spec: {
    replicas: 3,
    template: {
      spec: {
        containers: [
          { name: 'sidecar', image: 'proxy' },
          {
            name: 'broker',
            image: 'kafka',
            terminationMessagePath: '/dev/termination-log',
            ports: [{ containerPort: 9092, protocol: 'TCP', name: 'kafka' }],
            args: ['a', 'b'],
          },
        ],
        volumes: [{ name: 'tmp', emptyDir: {} }],
      },
    },
  },
}

const fields = {
  'f:metadata': { 'f:labels': { 'f:ours': {} }, 'f:finalizers': { 'v:"y"': {} } },
  'f:spec': {
    'f:template': {
      'f:spec': {
        'f:containers': {
          'k:{"name":"broker"}': {
            '.': {},
            'f:name': {},
            'f:image': {},
            'f:args': {},
            'f:ports': {
              'k:{"containerPort":9092,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:name': {} },
            },
          },
        },
        'f:volumes': { 'k:{"name":"tmp"}': { '.': {}, 'f:name': {}, 'f:emptyDir': {} } },
      },
    },
  },
}

describe('project', () => {
  test('takes what is ours out of an object that has defaults and things of others', () => {
    expect(project(live, fields)).toEqual({
      metadata: { labels: { ours: 'a' }, finalizers: ['y'] },
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'broker', image: 'kafka', args: ['a', 'b'], ports: [{ containerPort: 9092, name: 'kafka' }] },
            ],
            volumes: [{ name: 'tmp', emptyDir: {} }],
          },
        },
      },
    })
  })

  test('a field that is gone is not there', () => {
    expect(project({ spec: {} }, { 'f:spec': { 'f:replicas': {} } })).toEqual({ spec: {} })
    expect(project({}, { 'f:spec': { 'f:replicas': {} } })).toEqual({})
  })

  test('a list of one owner comes as a whole', () => {
    expect(project({ a: [3, 1] }, { 'f:a': {} })).toEqual({ a: [3, 1] })
  })
})

describe('owns', () => {
  test.each([
    [['spec', 'template', 'spec', 'volumes'], true],
    [['metadata', 'labels', 'ours'], true],
    [['metadata', 'labels', 'theirs'], false],
    [['spec', 'replicas'], false],
  ])('%p: %p', (path, expected) => {
    expect(owns(fields, path)).toBe(expected)
  })
})

describe('differences', () => {
  test('names the fields, lists as a whole', () => {
    const [a, b] = [
      { x: { y: 1, z: 2 }, l: [1] },
      { x: { y: 1, z: 3 }, l: [2], more: {} },
    ]
    expect(differences(a, b)).toEqual([['x', 'z'], ['l'], ['more']])
    expect(differences(a, a)).toEqual([])
  })
})

describe('plain', () => {
  test('leaves out what does not go over the wire', () => {
    expect(plain({ a: undefined, b: null, c: [{ d: undefined, e: 1 }] })).toEqual({ c: [{ e: 1 }] })
  })
})
