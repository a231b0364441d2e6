/**
 * ServerConnection: one client's connection at one node. Requests are answered in order,
 * one at a time.
 *
 * A request that has arrived is carried out even if its sender is gone by then; a node
 * that dies takes its connections along. What goes wrong with a request is drawn here,
 * before it is looked at.
 */
import { Api, WireReader } from '@millrace/connector-kafka/protocol'
import type { LinkEnd } from '../platform/network/link.ts'
import type { ApiName, RequestFault } from './broker-faults.ts'
import type { BrokerNode } from './cluster-state.ts'
import type { BrokerParts, RequestHandler } from './requests/broker-call.ts'
import {
  handleApiVersions,
  handleCreateTopics,
  handleDescribeConfigs,
  handleMetadata,
  handleMetadataWithIds,
  handleSaslHandshake,
} from './requests/cluster-requests.ts'
import {
  handleAddPartitions,
  handleEndTxn,
  handleFindCoordinator,
  handleInitProducerId,
  handleListTransactions,
  handleOffsetCommit,
  handleOffsetFetch,
} from './requests/coordinator-requests.ts'
import { handleFetch, handleFetchById, handleListOffsets } from './requests/fetch-request.ts'
import { handleProduce } from './requests/produce-request.ts'

const HANDLERS: Readonly<Record<ApiName, RequestHandler>> = {
  PRODUCE: handleProduce,
  FETCH: handleFetch,
  FETCH_BY_ID: handleFetchById,
  LIST_OFFSETS: handleListOffsets,
  METADATA: handleMetadata,
  METADATA_WITH_IDS: handleMetadataWithIds,
  OFFSET_COMMIT: handleOffsetCommit,
  OFFSET_FETCH: handleOffsetFetch,
  FIND_COORDINATOR: handleFindCoordinator,
  SASL_HANDSHAKE: handleSaslHandshake,
  API_VERSIONS: handleApiVersions,
  CREATE_TOPICS: handleCreateTopics,
  INIT_PRODUCER_ID: handleInitProducerId,
  ADD_PARTITIONS_TO_TXN: handleAddPartitions,
  END_TXN: handleEndTxn,
  DESCRIBE_CONFIGS: handleDescribeConfigs,
  LIST_TRANSACTIONS: handleListTransactions,
}

const NAMES = new Map<string, ApiName>(
  Object.entries(Api).map(([name, { key, version }]) => [`${key} v${version}`, name as ApiName]),
)

/** Versions of one API fail alike. */
const STRUCK_AS: Readonly<Partial<Record<ApiName, ApiName>>> = {
  FETCH_BY_ID: 'FETCH',
  METADATA_WITH_IDS: 'METADATA',
}

/** Size, API key, version, correlation id, length of the client id. */
const HEADER_BYTES = 14

interface Request {
  readonly api: ApiName
  /** What faults know it as. */
  readonly struckAs: ApiName
  readonly correlationId: number
  readonly reader: WireReader
}

export class ServerConnection {
  readonly #parts: BrokerParts
  readonly #node: BrokerNode
  readonly #end: LinkEnd
  readonly #queue: Uint8Array[] = []
  #busy = false

  constructor(parts: BrokerParts, node: BrokerNode, end: LinkEnd) {
    this.#parts = parts
    this.#node = node
    this.#end = end
    end.onMessage((frame) => {
      this.#queue.push(frame as Uint8Array)
      this.#pump()
    })
    end.onClose(() => {})
  }

  #pump(): void {
    if (this.#busy) return
    const frame = this.#queue.shift()
    if (frame === undefined) return
    this.#busy = true
    const request = parseRequest(frame)
    if (request === null) {
      this.#lose()
      return
    }
    const fault = this.#parts.faults.draw(request.struckAs)
    if (fault !== null) {
      const what = `${request.struckAs} ${fault.moment}`
      this.#parts.log(this.#node, 'fault', `${what} for ${this.#end.peer.process.name}`)
    }
    if (fault?.moment === 'before') this.#lose()
    else if (fault?.moment === 'slow') {
      this.#parts.after(this.#node, fault.delayMs ?? 0, () => this.#execute(request, null))
    } else this.#execute(request, fault)
  }

  #execute(request: Request, fault: RequestFault | null): void {
    const moment = fault?.moment
    HANDLERS[request.api](this.#parts, {
      node: this.#node,
      reader: request.reader,
      refuse: moment === 'refused' ? (fault?.error ?? 0) : 0,
      pretend: moment === 'unsure' ? (fault?.error ?? 0) : 0,
      partially: moment === 'during' && request.struckAs !== 'FETCH',
      answer: (...body) => {
        const frame = frameOf(request.correlationId, body)
        if (moment === 'after') this.#lose()
        else if (moment === 'during') {
          const half = frame.subarray(0, frame.length >> 1)
          this.#end.send(half, half.length)
          this.#lose()
        } else if (moment === 'late') {
          this.#parts.after(this.#node, fault?.delayMs ?? 0, () => this.#reply(frame))
        } else this.#reply(frame)
      },
    })
    if (moment === 'during' && request.struckAs !== 'FETCH') this.#lose()
  }

  #reply(frame: Uint8Array): void {
    this.#end.send(frame, frame.length)
    this.#busy = false
    this.#pump()
  }

  /** It stays busy for ever: nothing behind the request is looked at. */
  #lose(): void {
    this.#end.destroy()
    this.#queue.length = 0
  }
}

/** Null for what this broker does not speak. */
function parseRequest(frame: Uint8Array): Request | null {
  const reader = new WireReader(frame)
  if (frame.length < HEADER_BYTES || reader.int32() !== frame.length - 4) return null
  const key = reader.int16()
  const name = NAMES.get(`${key} v${reader.int16()}`)
  if (name === undefined) return null
  const correlationId = reader.int32()
  reader.nullableString()
  if ('flexible' in Api[name]) reader.tags()
  return { api: name, struckAs: STRUCK_AS[name] ?? name, correlationId, reader }
}

function frameOf(correlationId: number, body: readonly Uint8Array[]): Uint8Array {
  const header = Buffer.allocUnsafe(8)
  let size = 4
  for (const part of body) size += part.length
  header.writeInt32BE(size, 0)
  header.writeInt32BE(correlationId, 4)
  return Buffer.concat([header, ...body], size + 4)
}
