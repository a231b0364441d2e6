/**
 * What a failed request to a bucket means, in words that say which option to change.
 *
 * Stands between the SDK and everybody else: the SDK's own error carries the request with its
 * headers, so it goes no further, and the secret key is cut out of whatever text a server sent.
 */
import type { MillraceError } from '@millrace/core'
import { s3Error } from './error-codes.ts'
import { S3_OPTIONS } from './s3-options.ts'
import type { S3Settings } from './s3-settings.ts'

/** The parts of the SDK's errors that are looked at. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly statusCode?: number }
  readonly Region?: string
}

/** What was tried, and where. */
export interface S3Attempt {
  /** For a sentence: `write 'leader'`. */
  readonly what: string
  readonly bucket: string
  /** The option that named the bucket. */
  readonly locationKey: string
  readonly settings: S3Settings
}

/** The answer's status; undefined when there was none. */
export function statusOf(thrown: unknown): number | undefined {
  const { $metadata, $response } = thrown as SdkError
  return $metadata?.httpStatusCode ?? $response?.statusCode
}

export function nameOf(thrown: unknown): string {
  return (thrown as SdkError | null)?.name ?? ''
}

const SERVER_FAULT_MIN = 500
/** Not about the request but about the moment. */
const PASSING = new Set(['RequestTimeTooSkewed', 'RequestTimeout', 'SlowDown', 'TooManyRequests'])
/** The request never left this process. */
const NOT_SENT = new Set(['CredentialsProviderError', 'TokenProviderError', 'ProviderError'])

/** Whether the same request may succeed a moment later. What it did is unknown. */
export function isPassing(thrown: unknown): boolean {
  if (isRegionUnknown(thrown) || NOT_SENT.has(nameOf(thrown))) return false
  const status = statusOf(thrown)
  return (
    status === undefined ||
    status >= SERVER_FAULT_MIN ||
    status === 429 ||
    PASSING.has(nameOf(thrown))
  )
}

function isRegionUnknown(thrown: unknown): boolean {
  return /region is missing/i.test((thrown as SdkError).message ?? '')
}

/** `timedOutMs`: the deadline that the request was given up at, if it was. */
export function explainFailure(
  thrown: unknown,
  attempt: S3Attempt,
  timedOutMs: number | null,
): MillraceError {
  const begin = `Cannot ${attempt.what} in s3://${attempt.bucket}`
  const status = statusOf(thrown)
  const name = nameOf(thrown)
  if (timedOutMs !== null) {
    return unreachable(`${begin}: no answer within ${timedOutMs} ms.`, attempt)
  }
  if (isRegionUnknown(thrown)) {
    return regionWrong(
      `Set '${S3_OPTIONS.region.key}': no region is known for s3://${attempt.bucket}.`,
    )
  }
  if (NOT_SENT.has(name)) return noCredentials(begin)
  const reason = reasonOf(thrown, attempt)
  if (status === undefined) return unreachable(`${begin}: ${reason}.`, attempt)
  if (name === 'NoSuchBucket') return bucketMissing(attempt)
  if (status === 301 || status === 307 || isOtherRegion(thrown)) {
    const { Region } = thrown as SdkError
    return regionWrong(
      `Set '${S3_OPTIONS.region.key}' to the region of s3://${attempt.bucket}` +
        `${Region === undefined ? '' : `, ${Region}`}; it is '${attempt.settings.region}'.`,
    )
  }
  if (status === 401 || status === 403 || name === KEY_UNKNOWN_TO_VERSITY)
    return accessDenied(`${begin}: ${reason}.`, name, attempt)
  return s3Error('S3_REQUEST_FAILED', `${begin}: ${reason}.`, {
    hint: `The server answered with status ${status}; it is asked again while the outcome matters.`,
    location: { optionKey: attempt.locationKey },
  })
}

function isOtherRegion(thrown: unknown): boolean {
  const name = nameOf(thrown)
  return (
    name === 'PermanentRedirect' ||
    name === 'AuthorizationHeaderMalformed' ||
    name === 'IllegalLocationConstraintException'
  )
}

function unreachable(message: string, { settings }: S3Attempt): MillraceError {
  const { endpoint, pathStyle } = settings
  const key = S3_OPTIONS.endpoint.key
  const where = endpoint === null ? `'${key}' is not set: AWS is asked` : `'${key}' is ${endpoint}`
  const hint =
    endpoint === null || pathStyle
      ? `Check that the server runs and can be reached from here; ${where}.`
      : `Check that the server runs and can be reached from here; ${where}. ` +
        `Unless it serves bucket.host names, set '${S3_OPTIONS.pathStyle.key}' to true.`
  return s3Error('S3_UNREACHABLE', message, { hint, location: { optionKey: key } })
}

function regionWrong(message: string): MillraceError {
  return s3Error('S3_REGION_WRONG', message, { location: { optionKey: S3_OPTIONS.region.key } })
}

function noCredentials(begin: string): MillraceError {
  return s3Error('S3_ACCESS_DENIED', `${begin}: no credentials were found.`, {
    hint:
      `Set '${S3_OPTIONS.accessKey.key}' and '${S3_OPTIONS.secretKey.key}', or AWS_ACCESS_KEY_ID and ` +
      'AWS_SECRET_ACCESS_KEY, or give the machine or container a role.',
    location: { optionKey: S3_OPTIONS.accessKey.key },
  })
}

function bucketMissing({ bucket, locationKey }: S3Attempt): MillraceError {
  return s3Error(
    'S3_BUCKET_MISSING',
    `Create the bucket '${bucket}', or name another one: there is none of that name.`,
    {
      hint: `'${locationKey}' names the bucket, '${S3_OPTIONS.endpoint.key}' the server that should have it.`,
      location: { optionKey: locationKey },
    },
  )
}

/** versitygw’s name of InvalidAccessKeyId, with status 404. */
const KEY_UNKNOWN_TO_VERSITY = 'XAdminUserNotFound'
const UNKNOWN_KEY_HINT = `The server does not know the key: correct '${S3_OPTIONS.accessKey.key}'.`
const KEY_HINTS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: UNKNOWN_KEY_HINT,
  [KEY_UNKNOWN_TO_VERSITY]: UNKNOWN_KEY_HINT,
  SignatureDoesNotMatch: `The secret does not belong to the key: correct '${S3_OPTIONS.secretKey.key}'.`,
  ExpiredToken: 'The temporary credentials have run out: renew them.',
  RequestTimeTooSkewed: 'Set the clock of this machine.',
}

function accessDenied(message: string, name: string, { bucket, settings }: S3Attempt) {
  const option = name === 'SignatureDoesNotMatch' ? S3_OPTIONS.secretKey : S3_OPTIONS.accessKey
  const whose = settings.credentials === null ? 'the credentials that were found' : 'the key'
  return s3Error('S3_ACCESS_DENIED', message, {
    hint:
      KEY_HINTS[name] ??
      `Permit ${whose} s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket on '${bucket}', ` +
        `or set another '${S3_OPTIONS.accessKey.key}'.`,
    location: { optionKey: option.key },
  })
}

/** `AccessDenied: Access Denied`; a connection's error says itself what it is. */
function reasonOf(thrown: unknown, { settings }: S3Attempt): string {
  const { name = '', message = '', code } = thrown as SdkError
  const status = statusOf(thrown)
  // Answers without a body give the SDK nothing to name.
  const isNameless =
    name === '' || name === 'Error' || name === 'Unknown' || name === 'UnknownError'
  const title = isNameless ? (code ?? (status === undefined ? '' : `status ${status}`)) : name
  const text = [title, message]
    .filter((part, index, all) => part !== '' && all.indexOf(part) === index)
    .join(': ')
    .replace(/\.$/, '')
  const secret = settings.credentials?.secretKey
  return secret === undefined || secret === '' ? text : text.replaceAll(secret, '******')
}
