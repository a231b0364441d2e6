/** Incremental checkpoints in a bucket of a real S3 server. */
import { testIncrementalCheckpoints } from '../support/incremental-scenario.ts'
import { NEEDS_S3, startS3Fixture } from './s3-fixture.ts'

testIncrementalCheckpoints(
  'a bucket',
  ['hashmap', 'rocksdb'],
  async () => {
    const fixture = await startS3Fixture()
    return {
      properties: fixture.server.properties,
      location: `${fixture.location}/checkpoints`,
      files: fixture.keys,
      dispose: fixture.dispose,
    }
  },
  NEEDS_S3,
)
