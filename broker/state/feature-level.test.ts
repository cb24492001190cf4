import { expect, test } from '@jest/globals'
import { StateStory } from '../../testing/state-story.ts'
import { Writer } from '../wire/writer.ts'
import { ClusterState } from './cluster-state.ts'
import { writeBrokerInfo } from './commands.gen.ts'
import { encodeCommand, encodeEntry, TooNew } from './commands.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'

const NEXT = 2

function infoOf(featureLevel: number): Buffer {
  const writer = new Writer()
  writeBrokerInfo(writer, { brokerId: 0, featureLevel, software: 'test', rack: null, listeners: [] }, 0)
  return Buffer.concat(writer.finish().buffers)
}

function join(story: StateStory, featureLevel: number): number {
  const epoch = story.next
  story.apply({ kind: 'session-opened', position: epoch, epoch, info: infoOf(featureLevel) })
  return epoch
}

const raise = (level: number) => ({ type: 'raiseFeatureLevel', body: { level } }) as const

test('the level is raised to what all members know, and never goes down', () => {
  const story = new StateStory(new ClusterState(NEXT))
  const old = join(story, 1)
  const upgraded = join(story, NEXT)
  story.do(old, raise(1))
  expect(story.do(upgraded, raise(NEXT)).errorCode).not.toBe(0)
  expect(story.state.featureLevel).toBe(1)
  story.close(old)
  story.do(upgraded, raise(NEXT))
  story.do(upgraded, raise(1))
  expect(story.state.featureLevel).toBe(NEXT)
})

test('software that does not know the level stops before it applies anything of it', () => {
  const story = new StateStory(new ClusterState(NEXT))
  const upgraded = join(story, NEXT)
  story.do(upgraded, raise(NEXT))
  const old = new ClusterState(1)
  expect(() => story.events.map(event => old.apply(event))).toThrow(TooNew)
  expect(() => decodeSnapshot(encodeSnapshot(story.state), 1)).toThrow('install a newer release')
  expect(decodeSnapshot(encodeSnapshot(story.state), NEXT).featureLevel).toBe(NEXT)
})

test('an entry that needs a newer level than known is not applied', () => {
  const story = new StateStory(new ClusterState(1))
  const epoch = join(story, 1)
  const payload = encodeEntry(1, [encodeCommand({ type: 'allocateProducerIds', body: { count: 1 } })], NEXT)
  const event = { kind: 'entry', position: story.next, epoch, number: 1, payload } as const
  expect(() => story.apply(event)).toThrow('the cluster is at feature level 2, and this software knows 1 at most')
})
