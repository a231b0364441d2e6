/**
 * How a MillraceError crosses gRPC: its `ErrorData` as JSON in a binary trailer, rebuilt on the
 * caller's side.
 *
 * HTTP/2 bounds the size of headers, so a large error loses its stacks first, then its causes,
 * then the end of its message; code and hint always arrive.
 */
import { type ErrorData, fromErrorData, type MillraceError, toErrorData } from '@millrace/core'

export const ERROR_TRAILER = 'millrace-error-bin'
const TRAILER_MAX_BYTES = 12 * 1024
const MESSAGE_MAX_CHARACTERS = 2000

export function encodeErrorTrailer(thrown: unknown): Buffer {
  const full = toErrorData(thrown)
  for (const candidate of [full, withoutStack(full), withoutCause(withoutStack(full))]) {
    const bytes = Buffer.from(JSON.stringify(candidate))
    if (bytes.length <= TRAILER_MAX_BYTES) return bytes
  }
  const message = `${full.message.slice(0, MESSAGE_MAX_CHARACTERS)}…`
  const { code, domain, retry, brand } = full
  const hint = full.hint === undefined ? {} : { hint: full.hint.slice(0, MESSAGE_MAX_CHARACTERS) }
  return Buffer.from(JSON.stringify({ brand, code, domain, retry, message, ...hint }))
}

export function decodeErrorTrailer(bytes: Uint8Array): MillraceError {
  return fromErrorData(JSON.parse(Buffer.from(bytes).toString('utf8')) as ErrorData)
}

function withoutStack({ stack: _, cause, ...rest }: ErrorData): ErrorData {
  return cause === undefined ? rest : { ...rest, cause: withoutStack(cause) }
}

function withoutCause({ cause: _, ...rest }: ErrorData): ErrorData {
  return rest
}
