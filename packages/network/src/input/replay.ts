/**
 * Replay: the elements that were under way when a checkpoint was taken, read again before anything
 * new comes from the network.
 *
 * In front of a subtask's channels. Each stream is what was in one channel of the checkpoint, in
 * order; rows that belong to other subtasks now are left out. Streams of a gate go one after the
 * other, which is one of the orders in which they might have been read. A stream begins with the
 * watermark that its channel had, so the gate's is known before the first row. Ends of data and
 * barriers are dropped: producers say the former again, the latter are of checkpoints gone by.
 * Invariant: a gate's watermark never reaches the end of time here.
 */
import {
  type BatchCodec,
  type KeyGroupRange,
  keyGroupOf,
  type RecordBatch,
  WATERMARK_MAX,
  WatermarkMerge,
} from '@millrace/core'
import { networkError } from '../error-codes.ts'
import {
  channelElements,
  decodeWatermark,
  ELEMENT_HEADER_BYTES,
  ElementKind,
  paddedLength,
} from '../wire/element-wire.ts'

/** What is replayed of one channel of the checkpoint. */
export interface ReplayStream {
  /** The gate's place in `SubtaskInputSettings.gates`. */
  readonly gate: number
  /** The first channel of its edge in the gate. */
  readonly channel: number
  /** Whole elements; the array is the stream's own. */
  readonly bytes: Uint8Array
  /** Null: all rows. Else those of the key groups. */
  readonly keyed: {
    readonly columns: readonly number[]
    readonly maxParallelism: number
    readonly keyGroups: KeyGroupRange
  } | null
}

export interface UnreadStream {
  readonly channel: number
  /** Rows of others are in it too. */
  readonly restored: { readonly keyGroups: KeyGroupRange | null }
  readonly bytes: readonly Uint8Array[]
}

/** Who is told what is replayed. */
export interface ReplayListener {
  onBatch(gate: number, batch: RecordBatch): void
  onWatermark(gate: number, timestampMs: number): void
}

class StreamReader {
  readonly stream: ReplayStream
  readonly #view: DataView
  at = 0
  kind = 0
  start = 0
  length = 0

  constructor(stream: ReplayStream) {
    this.stream = stream
    const { bytes } = stream
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isExhausted(): boolean {
    return this.at >= this.stream.bytes.length
  }

  /** Looks at the next element; `skip` goes behind it. */
  look(): void {
    const { bytes, gate, channel } = this.stream
    const left = bytes.length - this.at
    if (left >= ELEMENT_HEADER_BYTES) {
      this.length = this.#view.getUint32(this.at, true)
      this.kind = this.#view.getUint32(this.at + 4, true)
      this.start = this.at + ELEMENT_HEADER_BYTES
      if (ELEMENT_HEADER_BYTES + paddedLength(this.length) <= left) return
    }
    throw networkError(
      'NETWORK_PROTOCOL_VIOLATION',
      `The restored elements of gate ${gate}, channel ${channel} end inside of one, at ${this.at} of ${bytes.length} bytes.`,
      { hint: 'Restore from another retained checkpoint, or start the job without one.' },
    )
  }

  skip(): void {
    this.at = this.start + paddedLength(this.length)
  }
}

class GateReplay {
  readonly #codec: BatchCodec
  readonly #gate: number
  readonly #readers: readonly StreamReader[]
  readonly #merge: WatermarkMerge
  /** -1: the streams' first watermarks are not known yet. */
  #current = -1

  constructor(gate: number, codec: BatchCodec, streams: readonly ReplayStream[]) {
    this.#codec = codec
    this.#gate = gate
    this.#readers = streams.map((stream) => new StreamReader(stream))
    this.#merge = new WatermarkMerge(streams.length)
  }

  get isDone(): boolean {
    return this.#current >= this.#readers.length
  }

  /** One element. */
  step(listener: ReplayListener): void {
    const before = this.#merge.current
    if (this.#current < 0) {
      for (const [index, reader] of this.#readers.entries()) this.#readTimes(index, reader)
      this.#current = 0
    } else this.#read(this.#current, listener)
    const { current } = this.#merge
    if (current > before && current < WATERMARK_MAX) listener.onWatermark(this.#gate, current)
  }

  /** Of the streams that are not at their end: what is left, behind their watermarks. */
  unread(): UnreadStream[] {
    return this.#readers.flatMap(({ isExhausted, at, stream }, index) => {
      if (isExhausted) return []
      const times = channelElements(this.#merge, index)
      const keyGroups = stream.keyed?.keyGroups ?? null
      const bytes = [times, stream.bytes.slice(at)]
      return [{ channel: stream.channel, restored: { keyGroups }, bytes }]
    })
  }

  #readTimes(index: number, reader: StreamReader): void {
    while (!reader.isExhausted) {
      reader.look()
      if (reader.kind !== ElementKind.WATERMARK && reader.kind !== ElementKind.WATERMARK_STATUS) {
        return
      }
      this.#time(index, reader)
    }
  }

  #read(index: number, listener: ReplayListener): void {
    const reader = this.#readers[index] as StreamReader
    if (reader.isExhausted) {
      this.#current++
      return
    }
    reader.look()
    if (reader.kind !== ElementKind.BATCH) {
      this.#time(index, reader)
      return
    }
    const { start, length } = reader
    reader.skip()
    const batch = this.#codec.decode(reader.stream.bytes, start, length)
    const own = ownRows(this.#codec, batch, reader.stream.keyed)
    if (own !== null) listener.onBatch(this.#gate, own)
  }

  #time(index: number, reader: StreamReader): void {
    const { start, length, kind, stream } = reader
    reader.skip()
    if (kind === ElementKind.WATERMARK) {
      this.#merge.advance(index, decodeWatermark(stream.bytes.subarray(start, start + length)))
    } else if (kind === ElementKind.WATERMARK_STATUS) {
      this.#merge.setIdle(index, stream.bytes[start] === 1)
    }
  }
}

export class Replay {
  readonly #gates: readonly GateReplay[]

  /** `codecs`: one a gate. */
  constructor(codecs: readonly BatchCodec[], streams: readonly ReplayStream[]) {
    this.#gates = codecs.map(
      (codec, gate) =>
        new GateReplay(
          gate,
          codec,
          streams.filter((stream) => stream.gate === gate),
        ),
    )
  }

  get isDone(): boolean {
    return this.#gates.every(({ isDone }) => isDone)
  }

  isGateDone(gate: number): boolean {
    return (this.#gates[gate] as GateReplay).isDone
  }

  /** One element of a gate in the mask; false: there is none. */
  step(listener: ReplayListener, gates: number): boolean {
    for (const [index, gate] of this.#gates.entries()) {
      if (gate.isDone || ((gates >> index) & 1) === 0) continue
      gate.step(listener)
      return true
    }
    return false
  }

  unread(gate: number): UnreadStream[] {
    return (this.#gates[gate] as GateReplay).unread()
  }
}

/** Null: none is. */
function ownRows(
  codec: BatchCodec,
  batch: RecordBatch,
  keyed: ReplayStream['keyed'],
): RecordBatch | null {
  if (keyed === null) return batch
  const { columns, maxParallelism, keyGroups } = keyed
  const { rowCount } = batch
  const hashes = new Int32Array(rowCount)
  codec.keyHashes(batch, columns, hashes)
  const rows = new Int32Array(rowCount)
  let count = 0
  for (let row = 0; row < rowCount; row++) {
    const group = keyGroupOf(hashes[row] as number, maxParallelism)
    if (group >= keyGroups.start && group <= keyGroups.end) rows[count++] = row
  }
  if (count === rowCount) return batch
  return count === 0 ? null : codec.gather(batch, rows.subarray(0, count), count)
}
