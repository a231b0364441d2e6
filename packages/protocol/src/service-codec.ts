/**
 * Bytes ↔ typed messages of one service, through proto-loader's serializers.
 *
 * The descriptor is embedded (`control-plane.json`, generated from proto/*.proto): nothing is
 * parsed or looked up on disk at start.
 * A field `xJson` of the wire is the JSON value `x` of the typed message, absent when empty.
 */
import { fromJSON, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader'
import descriptor from './control-plane.json' with { type: 'json' }
import { protocolError } from './error-codes.ts'
import { decodeJson, encodeJson } from './json-payload.ts'

type Message = Record<string, unknown>

export interface MethodCodec {
  /** `/millrace.v1.JobManager/Heartbeat`. */
  readonly path: string
  /** `heartbeat`. */
  readonly name: string
  encodeRequest(message: unknown): Uint8Array
  decodeRequest(bytes: Uint8Array): unknown
  encodeAnswer(message: unknown): Uint8Array
  decodeAnswer(bytes: Uint8Array): unknown
}

export type ServiceName = 'JobManager' | 'TaskManager'

const JSON_SUFFIX = 'Json'
const messageTypes = descriptor.nested.millrace.nested.v1.nested as Record<
  string,
  { fields?: Record<string, unknown>; methods?: Record<string, Record<string, string>> }
>
const definitions = fromJSON(descriptor as unknown as Parameters<typeof fromJSON>[0], {
  longs: Number,
  defaults: true,
  arrays: true,
})

/** The codecs of a service's methods by typed name. */
export function serviceCodec(service: ServiceName): ReadonlyMap<string, MethodCodec> {
  const definition = definitions[`millrace.v1.${service}`] as ServiceDefinition
  const methods = messageTypes[service]?.methods ?? {}
  const codecs = new Map<string, MethodCodec>()
  for (const [method, types] of Object.entries(methods)) {
    const codec = methodCodec(
      definition[method] as MethodDefinition<object, object>,
      method,
      jsonFieldsOf(types.requestType as string),
      jsonFieldsOf(types.responseType as string),
    )
    codecs.set(codec.name, codec)
  }
  return codecs
}

function methodCodec(
  definition: MethodDefinition<object, object>,
  method: string,
  requestJson: readonly string[],
  answerJson: readonly string[],
): MethodCodec {
  const { path } = definition
  return {
    path,
    name: method.charAt(0).toLowerCase() + method.slice(1),
    encodeRequest: (message) => definition.requestSerialize(toWire(message, requestJson)),
    decodeRequest: (bytes) => decode(path, definition.requestDeserialize, bytes, requestJson),
    encodeAnswer: (message) => definition.responseSerialize(toWire(message, answerJson)),
    decodeAnswer: (bytes) => decode(path, definition.responseDeserialize, bytes, answerJson),
  }
}

/** Names, without the suffix, of a message's JSON fields. */
function jsonFieldsOf(type: string): string[] {
  return Object.keys(messageTypes[type]?.fields ?? {})
    .filter((field) => field.endsWith(JSON_SUFFIX))
    .map((field) => field.slice(0, -JSON_SUFFIX.length))
}

function toWire(message: unknown, jsonFields: readonly string[]): Message {
  const typed = (message ?? {}) as Message
  if (jsonFields.length === 0) return typed
  const wire = { ...typed }
  for (const field of jsonFields) {
    delete wire[field]
    wire[field + JSON_SUFFIX] = encodeJson(typed[field])
  }
  return wire
}

function decode(
  path: string,
  deserialize: (bytes: Buffer) => object,
  bytes: Uint8Array,
  jsonFields: readonly string[],
): Message {
  try {
    const message = deserialize(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    ) as Message
    for (const field of jsonFields) {
      const value = decodeJson(message[field + JSON_SUFFIX] as Uint8Array)
      delete message[field + JSON_SUFFIX]
      if (value !== undefined) message[field] = value
    }
    return message
  } catch (cause) {
    throw protocolError(
      'MESSAGE_MALFORMED',
      `Run the same version of Millrace on both sides: a message of ${path} (${bytes.length} bytes) cannot be decoded.`,
      { cause },
    )
  }
}
