/**
 * What the thread of a slot is started with: the process's own settings, which no job may change.
 */
import type { S3Settings } from '@millrace/s3'

export interface SlotThreadData {
  readonly s3: S3Settings
}
