/**
 * An error as the reference's clients read it out of a `failure-cause`: a `SerializedThrowable` of
 * theirs in Java's serialization, base64. Without one they fail before they show anything.
 *
 *     stream      = magic u16 'ac ed' · version u16 · object (big endian)
 *     object      = class descriptors (always the same) · fields, those of Throwable first
 *     Throwable   = cause · detailMessage · stackTrace · suppressedExceptions · end of block data
 *     own fields  = fullStringifiedStackTrace · originalErrorClassName · serializedException
 *
 * https://docs.oracle.com/en/java/javase/17/docs/specs/serialization/protocol.html
 */

/** From the stream's magic to the end of the descriptors of SerializedThrowable and its parents. */
const DESCRIPTORS =
  'rO0ABXNyAClvcmcuYXBhY2hlLmZsaW5rLnV0aWwuU2VyaWFsaXplZFRocm93YWJsZWUWnfUfpxPzAgADTAAZZnVs' +
  'bFN0cmluZ2lmaWVkU3RhY2tUcmFjZXQAEkxqYXZhL2xhbmcvU3RyaW5nO0wAFm9yaWdpbmFsRXJyb3JDbGFzc05h' +
  'bWVxAH4AAVsAE3NlcmlhbGl6ZWRFeGNlcHRpb250AAJbQnhyABNqYXZhLmxhbmcuRXhjZXB0aW9u0P0fPho7HMQC' +
  'AAB4cgATamF2YS5sYW5nLlRocm93YWJsZdXGNSc5d7jLAwAETAAFY2F1c2V0ABVMamF2YS9sYW5nL1Rocm93YWJs' +
  'ZTtMAA1kZXRhaWxNZXNzYWdlcQB+AAFbAApzdGFja1RyYWNldAAeW0xqYXZhL2xhbmcvU3RhY2tUcmFjZUVsZW1l' +
  'bnQ7TAAUc3VwcHJlc3NlZEV4Y2VwdGlvbnN0ABBMamF2YS91dGlsL0xpc3Q7eHA='
const TC_NULL = 0x70
const TC_STRING = 0x74
const TC_ENDBLOCKDATA = 0x78
const TC_LONGSTRING = 0x7c

export interface ShownThrowable {
  readonly className: string
  readonly message: string
  readonly stackTrace: string
}

export function serializedThrowable({ className, message, stackTrace }: ShownThrowable): string {
  return Buffer.concat([
    Buffer.from(DESCRIPTORS, 'base64'),
    Buffer.of(TC_NULL),
    javaString(message),
    Buffer.of(TC_NULL, TC_NULL, TC_ENDBLOCKDATA),
    javaString(stackTrace),
    javaString(className),
    Buffer.of(TC_NULL),
  ]).toString('base64')
}

/** Java's UTF-8: each half of a surrogate pair by itself, U+0000 in two bytes. */
function javaString(text: string): Buffer {
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0 && unit < 0x80) bytes.push(unit)
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f))
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f))
  }
  const isLong = bytes.length > 0xffff
  const head = Buffer.alloc(isLong ? 9 : 3)
  head[0] = isLong ? TC_LONGSTRING : TC_STRING
  if (isLong) head.writeBigUInt64BE(BigInt(bytes.length), 1)
  else head.writeUInt16BE(bytes.length, 1)
  return Buffer.concat([head, Buffer.from(bytes)])
}
