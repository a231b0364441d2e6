/**
 * How a process reaches its buckets; the keys are Flink's.
 *
 * They belong to the process: what a job or a session sets under these keys changes nothing, and
 * the secret key never gets into a job's configuration.
 */
import { option } from '@millrace/core'

export const S3_OPTIONS = {
  endpoint: option.string<string | undefined>({
    key: 's3.endpoint',
    defaultValue: undefined,
    description:
      'Server of `s3://` locations where that is not AWS, e.g. `http://minio:9000`. Only the process’s own configuration counts.',
  }),
  region: option.string<string | undefined>({
    key: 's3.region',
    aliases: ['s3.endpoint.region'],
    defaultValue: undefined,
    description:
      'Region of the buckets. Default: `us-east-1` with `s3.endpoint`, else what `AWS_REGION` or the AWS profile says.',
  }),
  accessKey: option.string<string | undefined>({
    key: 's3.access-key',
    aliases: ['s3.access.key'],
    defaultValue: undefined,
    description:
      'Access key, together with `s3.secret-key`. Default: as the AWS SDK finds one (`AWS_ACCESS_KEY_ID`, profile, container or instance role).',
  }),
  secretKey: option.string<string | undefined>({
    key: 's3.secret-key',
    aliases: ['s3.secret.key'],
    defaultValue: undefined,
    description:
      'Secret key. Better in `conf/config.yaml` or the environment than after `-D`, where other users of the machine see it.',
  }),
  pathStyle: option.boolean({
    key: 's3.path.style.access',
    aliases: ['s3.path-style-access'],
    defaultValue: false,
    description:
      'Address buckets as `endpoint/bucket` instead of `bucket.endpoint`, as most servers other than AWS need it.',
  }),
} as const
