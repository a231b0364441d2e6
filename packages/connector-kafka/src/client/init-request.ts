/** InitProducerId as a call of one request: what is sent, and what its answer gives. */
import type { ProducerIdentity } from './kafka-client.ts'
import { requireNoError } from './protocol-errors.ts'
import * as wire from './protocol-requests.ts'
import type { WireReader } from './wire-reader.ts'

export function initRequest(transactionalId: string | null, timeoutMs: number) {
  return {
    api: wire.Api.INIT_PRODUCER_ID,
    body: () => wire.writeInitProducerId(transactionalId, timeoutMs),
    decode: (reader: WireReader): ProducerIdentity => {
      const { error, producerId, epoch } = wire.readInitProducerId(reader)
      requireNoError('InitProducerId', error, transactionalId ?? 'an idempotent producer')
      return { producerId, epoch }
    },
  }
}
