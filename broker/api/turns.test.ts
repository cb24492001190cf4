import { expect, test } from '@jest/globals'
import { Turns } from './turns.ts'

test('work begins when all earlier work has ended, in the order in which it came', async () => {
  const turns = new Turns()
  const story: string[] = []
  const first = Promise.withResolvers<void>()
  const runs = ['a', 'b', 'c'].map(name =>
    turns.run(async () => {
      story.push(`${name} begins`)
      if (name === 'a') await first.promise
      story.push(`${name} ends`)
      return name
    }),
  )
  await Promise.resolve()
  expect(story).toEqual(['a begins'])
  first.resolve()
  expect(await Promise.all(runs)).toEqual(['a', 'b', 'c'])
  expect(story).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test('work that fails does not keep what follows from running', async () => {
  const turns = new Turns()
  const failing = turns.run(async () => {
    throw new Error('no')
  })
  const next = turns.run(async () => 'yes')
  await expect(failing).rejects.toThrow('no')
  await expect(next).resolves.toBe('yes')
})
