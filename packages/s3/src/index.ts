export { S3_ERRORS, s3Error } from './error-codes.ts'
export { S3_SCHEMES } from './s3-location.ts'
export { S3_OPTIONS } from './s3-options.ts'
export { type S3Settings, s3SettingsOf, withoutS3Secrets } from './s3-settings.ts'
