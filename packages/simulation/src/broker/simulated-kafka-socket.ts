/**
 * Sockets of the simulated network for the Kafka client that ships: its retries, deadlines and
 * framing are the real ones, and every request is encoded, travels, and is decoded.
 *
 * A client that dies with a request under way leaves it under way.
 */
import type {
  KafkaSocket,
  KafkaSocketHandlers,
  OpenKafkaSocket,
} from '@millrace/connector-kafka/protocol'
import type { LinkEnd } from '../platform/network/link.ts'
import type { SimulatedNetwork } from '../platform/network/simulated-network.ts'
import type { SimulatedProcess } from '../world/simulated-process.ts'

/** Opens sockets for the code of one process. */
export function simulatedKafkaSockets(
  network: SimulatedNetwork,
  process: SimulatedProcess,
): OpenKafkaSocket {
  return (settings, { host, port }, handlers) =>
    new Promise((resolve, reject) => {
      const address = `${host}:${port}`
      let late = false
      const cancel = process.after(settings.connectTimeoutMs, () => {
        late = true
        reject(new Error(`connect ETIMEDOUT ${address}`))
      })
      network.connect(process, address, (end) => {
        if (late) {
          end?.destroy()
          return
        }
        cancel()
        if (end === null) {
          reject(new Error(`connect ECONNREFUSED ${address}`))
          return
        }
        end.onMessage((chunk) => receive(end, handlers, chunk as Uint8Array))
        end.onClose((close) =>
          handlers.onClose(close === 'lost' ? new Error(`read ECONNRESET ${address}`) : null),
        )
        resolve(socketOver(end))
      })
    })
}

/** Fills the buffers that the client names, as a real socket does. */
function receive(end: LinkEnd, handlers: KafkaSocketHandlers, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length && !end.closed; ) {
    const target = handlers.receiveInto()
    const count = Math.min(target.length, chunk.length - at)
    target.set(chunk.subarray(at, at + count))
    handlers.onReceived(count)
    at += count
  }
}

function socketOver(end: LinkEnd): KafkaSocket {
  let parts: Uint8Array[] = []
  return {
    write: (bytes) => void parts.push(bytes),
    cork: () => {},
    // The bytes of a request are its sender's to reuse once they are written.
    uncork: () => {
      const frame = Buffer.concat(parts)
      parts = []
      end.send(frame, frame.length)
    },
    close: () => end.destroy(),
  }
}
