/**
 * `s3://bucket/path` taken apart; `s3a://` and `s3p://`, the reference's names of its
 * implementations, mean the same.
 */

export const S3_SCHEMES: readonly string[] = ['s3', 's3a', 's3p']

export interface S3Location {
  readonly bucket: string
  /** Without slashes at either end; empty: the whole bucket. */
  readonly path: string
}

/** Null: it names no bucket. */
export function parseS3Location(location: string): S3Location | null {
  const match = /^(s3[ap]?):\/\/([^/]+)(\/.*)?$/i.exec(location)
  if (match === null) return null
  const path = (match[3] ?? '').split('/').filter((part) => part !== '')
  return { bucket: match[2] as string, path: path.join('/') }
}
