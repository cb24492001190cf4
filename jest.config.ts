import type { Config } from 'jest'

const shared: Config = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tools/test/strip-types.js' },
  testEnvironment: 'node',
  setupFiles: ['<rootDir>/tools/test/no-exit.js'],
}

/** `unit` lies beside the code; `e2e` has real servers and clients. */
const config: Config = {
  watchman: false,
  testSequencer: '<rootDir>/tools/test/sequencer.js',
  coverageProvider: 'v8',
  // A limit only says that something hangs; machines under load are slow.
  testTimeout: 30_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      roots: ['broker', 'cli', 'console', 'operator', 'testing', 'tools'].map(room => `<rootDir>/${room}`),
    },
    { ...shared, displayName: 'e2e', roots: ['<rootDir>/e2e'] },
  ],
}

export default config
