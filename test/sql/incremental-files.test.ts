/** Incremental checkpoints in a directory of the local disk. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { testIncrementalCheckpoints } from '../support/incremental-scenario.ts'

testIncrementalCheckpoints('a directory', ['hashmap', 'rocksdb'], async (directory) => {
  const checkpoints = join(directory, 'checkpoints')
  mkdirSync(checkpoints)
  return {
    properties: {},
    location: `file://${checkpoints}`,
    files: async () =>
      readdirSync(checkpoints, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name)),
    dispose: async () => {},
  }
})
