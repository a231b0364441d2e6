/**
 * Why a listener does not serve a client: what it shows of itself when it is asked, without TLS,
 * for a SASL handshake.
 *
 * A PLAINTEXT listener refuses the handshake, one that wants a login names its mechanisms, one
 * with TLS answers with an alert. Asked only after a first contact failed; waiting mends none of
 * what it finds.
 */
import type { Clock } from '@millrace/platform'
import { kafkaError } from '../error-codes.ts'
import type { KafkaSettings } from './kafka-properties.ts'
import type { BrokerAddress, KafkaSocket, OpenKafkaSocket } from './kafka-socket.ts'
import { ProtocolError } from './protocol-errors.ts'
import { Api } from './protocol-requests.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** `mechanisms`: those of a listener that wants a login. */
type Listener =
  | { readonly kind: 'PLAINTEXT' }
  | { readonly kind: 'SSL' }
  | { readonly kind: 'SASL_PLAINTEXT'; readonly mechanisms: readonly string[] }

/** First byte of a TLS record that carries an alert. */
const TLS_ALERT = 0x15
const HEADER_BYTES = 8
const ANSWER_BYTES_MAX = 4096

/**
 * An error that names the option when the settings do not fit the listener; null when nothing
 * speaks against them.
 */
export async function diagnoseListener(
  settings: KafkaSettings,
  clock: Clock,
  address: BrokerAddress,
  openSocket: OpenKafkaSocket,
): Promise<Error | null> {
  const listener = await probe(settings, clock, address, openSocket)
  if (listener === null) return null
  const { sasl, tls } = settings
  const wanted = `${sasl === null ? '' : 'SASL_'}${tls === null ? 'PLAINTEXT' : 'SSL'}`
  const fits = listener.kind === 'SSL' ? tls !== null : listener.kind === wanted
  if (!fits) return mismatch(address, wanted, listener)
  if (listener.kind !== 'SASL_PLAINTEXT' || sasl === null) return null
  const mechanism = sasl.mechanism.toUpperCase()
  return listener.mechanisms.includes(mechanism)
    ? null
    : mechanismMissing(address, mechanism, listener.mechanisms)
}

function mismatch({ host, port }: BrokerAddress, wanted: string, listener: Listener) {
  const shown =
    listener.kind === 'PLAINTEXT'
      ? 'takes neither TLS nor a SASL login'
      : listener.kind === 'SSL'
        ? 'speaks TLS'
        : `wants a SASL login (${listener.mechanisms.join(', ')}) without TLS`
  const fitting = listener.kind === 'SSL' ? 'SSL or SASL_SSL' : listener.kind
  return kafkaError(
    'KAFKA_SECURITY_MISMATCH',
    `Set 'properties.security.protocol' to ${fitting}, or name another listener: the one at ${host}:${port} ${shown}, and the table says ${wanted}.`,
    {
      location: { optionKey: 'properties.security.protocol' },
      ...(listener.kind === 'SASL_PLAINTEXT'
        ? { hint: "Set 'properties.sasl.mechanism' and 'properties.sasl.jaas.config' with it." }
        : {}),
    },
  )
}

function mechanismMissing(
  { host, port }: BrokerAddress,
  mechanism: string,
  offered: readonly string[],
) {
  return kafkaError(
    'KAFKA_SECURITY_MISMATCH',
    `Set 'properties.sasl.mechanism' to one of ${offered.join(', ')}, which ${host}:${port} offers; it is ${mechanism}.`,
    { location: { optionKey: 'properties.sasl.mechanism' } },
  )
}

/** Null when nothing, or nothing that can be understood, came back. */
async function probe(
  settings: KafkaSettings,
  clock: Clock,
  address: BrokerAddress,
  openSocket: OpenKafkaSocket,
): Promise<Listener | null> {
  const answer = Buffer.alloc(ANSWER_BYTES_MAX)
  let length = 0
  let finish = () => {}
  const over = new Promise<void>((done) => {
    finish = done
  })
  const received = () => {
    const whole = length >= 4 && length >= 4 + answer.readInt32BE(0)
    if (whole || length === ANSWER_BYTES_MAX || answer[0] === TLS_ALERT) finish()
  }
  const cancel = clock.setTimer(settings.connectTimeoutMs, finish, { unref: true })
  let socket: KafkaSocket | null = null
  try {
    socket = await openSocket({ ...settings, sasl: null, tls: null }, address, {
      onData(chunk) {
        length += chunk.copy(answer, length)
        received()
      },
      receiveInto: () => answer.subarray(length),
      onReceived(count) {
        length += count
        received()
      },
      onClose: finish,
    })
    socket.write(handshake(settings))
    await over
    return understand(answer.subarray(0, length))
  } catch {
    // It cannot be reached: the first contact's own error says so.
    return null
  } finally {
    cancel()
    socket?.close()
  }
}

// SaslHandshake v1: mechanism. Any will do: the answer names those there are.
function handshake({ clientId, sasl }: KafkaSettings): Uint8Array {
  const body = new WireWriter().int16(Api.SASL_HANDSHAKE.key).int16(Api.SASL_HANDSHAKE.version)
  body.int32(1).string(clientId)
  body.string((sasl?.mechanism ?? 'plain').toUpperCase())
  const frame = new WireWriter().int32(body.length).view()
  return Buffer.concat([frame, body.view()])
}

function understand(answer: Uint8Array): Listener | null {
  if (answer[0] === TLS_ALERT) return { kind: 'SSL' }
  if (answer.length < HEADER_BYTES + 2) return null
  const reader = new WireReader(answer, HEADER_BYTES)
  if (reader.int16() === ProtocolError.ILLEGAL_SASL_STATE) return { kind: 'PLAINTEXT' }
  return { kind: 'SASL_PLAINTEXT', mechanisms: reader.array(() => reader.string()) }
}
