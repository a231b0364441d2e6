/** The options of S3, checked together. */
import type { Configuration } from '@millrace/core'
import { s3Error } from './error-codes.ts'
import { S3_OPTIONS } from './s3-options.ts'

export interface S3Settings {
  /** Null: AWS. */
  readonly endpoint: string | null
  /** Null: the SDK finds it. */
  readonly region: string | null
  /** Null: the SDK finds them. */
  readonly credentials: { readonly accessKey: string; readonly secretKey: string } | null
  readonly pathStyle: boolean
}

const REGION_DEFAULT = 'us-east-1'

/** Throws S3_OPTIONS_INVALID. */
export function s3SettingsOf(configuration: Configuration): S3Settings {
  const endpoint = endpointOf(configuration.get(S3_OPTIONS.endpoint))
  const region = configuration.get(S3_OPTIONS.region)
  return {
    endpoint,
    region: region ?? (endpoint === null ? null : REGION_DEFAULT),
    credentials: credentialsOf(configuration),
    pathStyle: configuration.get(S3_OPTIONS.pathStyle),
  }
}

/** As with the reference, a host alone is one that speaks TLS. */
function endpointOf(text: string | undefined): string | null {
  if (text === undefined || text === '') return null
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return url
  throw s3Error(
    'S3_OPTIONS_INVALID',
    `Set '${S3_OPTIONS.endpoint.key}' to a URL such as http://minio:9000; it is '${text}'.`,
    { location: { optionKey: S3_OPTIONS.endpoint.key } },
  )
}

function credentialsOf(configuration: Configuration): S3Settings['credentials'] {
  const accessKey = configuration.get(S3_OPTIONS.accessKey)
  const secretKey = configuration.get(S3_OPTIONS.secretKey)
  if (accessKey !== undefined && secretKey !== undefined) return { accessKey, secretKey }
  if (accessKey === undefined && secretKey === undefined) return null
  const [given, missing] =
    accessKey === undefined
      ? [S3_OPTIONS.secretKey.key, S3_OPTIONS.accessKey.key]
      : [S3_OPTIONS.accessKey.key, S3_OPTIONS.secretKey.key]
  throw s3Error('S3_OPTIONS_INVALID', `Set '${missing}' too: '${given}' is set.`, {
    hint: 'Or set neither: then the AWS SDK finds credentials by itself.',
    location: { optionKey: missing },
  })
}

/**
 * The same without what must not be shown; for configurations that jobs, sessions and
 * REST get to see.
 */
export function withoutS3Secrets(
  entries: Readonly<Record<string, string>>,
): Record<string, string> {
  const { key, aliases } = S3_OPTIONS.secretKey
  const secret = new Set<string>([key, ...aliases])
  return Object.fromEntries(Object.entries(entries).filter(([name]) => !secret.has(name)))
}
