/**
 * High availability on a bucket of a real S3 server: lease, jobs and checkpoints are there, nothing
 * else is shared.
 *
 * No state is small enough for the metadata, so that slots write and read files of the bucket too.
 */
import assert from 'node:assert/strict'
import { testThreeJobManagers } from '../support/high-availability-scenario.ts'
import { NEEDS_S3, S3_SERVER_IS_OURS, startS3Fixture } from './s3-fixture.ts'

testThreeJobManagers(
  'a bucket',
  async () => {
    const fixture = await startS3Fixture()
    const { server, location } = fixture
    return {
      properties: { ...server.properties, 'high-availability.storageDir': `${location}/ha` },
      checkpointProperties: {
        'execution.checkpointing.dir': `${location}/checkpoints`,
        'state.storage.fs.memory-threshold': '0',
      },
      hasCheckpoints: async (jobId) =>
        (await fixture.keys()).some((key) => key.includes(`/checkpoints/${jobId}/`)),
      contents: async () => {
        const keys = await fixture.keys()
        assert.ok(
          keys.some((key) => key.endsWith('.state')),
          keys.join(),
        )
        return fixture.contents()
      },
      secret: server.secretKey,
      interrupt: async () => {
        await server.kill()
        return server.restart
      },
      dispose: fixture.dispose,
    }
  },
  {
    ...NEEDS_S3,
    interruption: S3_SERVER_IS_OURS || 'the server of S3_ENDPOINT is not ours to kill',
  },
)
