// The order in which jest begins test files: the longest first, by what is known of the last run. In JavaScript, because the
// types of the class that it extends are not those of the module that Node loads.

import { relative } from 'node:path'
import Sequencer from '@jest/test-sequencer'
import { knownDurations, longestFirst } from './durations.ts'

const root = new URL('../..', import.meta.url).pathname

export default class LongestFirst extends Sequencer {
  /** jest's own order, by the size of files, counts where nothing is known. */
  async sort(tests) {
    return longestFirst(await super.sort(tests), ({ path }) => relative(root, path), knownDurations())
  }
}
