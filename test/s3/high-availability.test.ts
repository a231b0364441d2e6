/** High availability on a bucket of a real S3 server. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { testThreeJobManagers } from '../support/high-availability-scenario.ts'
import { NEEDS_S3, startS3Fixture } from './s3-fixture.ts'

testThreeJobManagers(
  'a bucket',
  async (directory) => {
    const fixture = await startS3Fixture()
    const { server, location } = fixture
    const checkpoints = join(directory, 'checkpoints')
    return {
      properties: { ...server.properties, 'high-availability.storageDir': `${location}/ha` },
      checkpointProperties: { 'execution.checkpointing.dir': `file://${checkpoints}` },
      hasCheckpoints: async (jobId) => existsSync(join(checkpoints, jobId)),
      contents: async () => [...(await fixture.contents()).values()].join('\n'),
      secret: server.secretKey,
      dispose: fixture.dispose,
    }
  },
  NEEDS_S3,
)
