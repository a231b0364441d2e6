/** High availability on a directory that all processes share. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { testThreeJobManagers } from '../support/high-availability-scenario.ts'

testThreeJobManagers('a directory', async (directory) => {
  const checkpoints = join(directory, 'checkpoints')
  return {
    properties: {},
    checkpointProperties: { 'execution.checkpointing.dir': `file://${checkpoints}` },
    hasCheckpoints: async (jobId) => existsSync(join(checkpoints, jobId)),
    contents: async () => readdirSync(checkpoints).join(),
    secret: null,
    interrupt: null,
    dispose: async () => {},
  }
})
