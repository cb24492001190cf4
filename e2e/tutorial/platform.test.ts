// Chapter 4 of the tutorial: the platform, on a real Kubernetes of one node that the chapter itself starts.

import { jest, test } from '@jest/globals'
import { nodeParts } from '../../testing/kubernetes/node-parts.ts'
import { helm, maven } from '../../tools/parts/parts.ts'
import { nodeSuite } from '../kubernetes/node-suite.ts'
import { Reader } from './reader.ts'

jest.setTimeout(900_000)

await nodeSuite('the tutorial on Kubernetes', Promise.all([nodeParts(), helm(), maven()]), () => {
  test('chapter 4, platform', async () => {
    const reader = await Reader.withFreshCopy()
    try {
      await reader.read('04-platform.md')
    } finally {
      await reader.close()
    }
  })
})
