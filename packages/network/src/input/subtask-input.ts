/**
 * SubtaskInput: everything a subtask reads — its gates, their channels, watermarks, and the
 * alignment of barriers over all of them.
 *
 * Between the input channels and the operator chain: `poll` hands one element at a time to a
 * listener. Channels with data take turns. While a checkpoint aligns (exactly-once), a channel
 * whose barrier has come is left alone, its segments keep their credits, and so its producer stops.
 * Invariants: elements of a channel keep their order; a gate's watermark only grows; end-of-data of
 * a gate comes after that of all its channels, and barriers may still follow.
 */
import {
  type BatchCodec,
  type CheckpointBarrier,
  type RecordBatch,
  WatermarkMerge,
} from '@millrace/core'
import type { SegmentPool } from '../buffer/segment-pool.ts'
import { networkError } from '../error-codes.ts'
import { decodeBarrier, decodeWatermark, ElementKind } from '../wire/element-wire.ts'
import { BarrierAlignment } from './barrier-alignment.ts'
import { type ChannelOwner, InputChannel } from './input-channel.ts'

/**
 * What the subtask does with its input; `gate` is the gate's position in
 * `SubtaskInputSettings.gates`.
 */
export interface InputListener {
  onBatch(gate: number, batch: RecordBatch): void
  onWatermark(gate: number, timestampMs: number): void
  onWatermarkStatus(gate: number, idle: boolean): void
  /** Every channel of the gate has sent end-of-data. */
  onEndOfData(gate: number): void
  /** All channels have delivered the barrier: take the checkpoint before the next `poll`. */
  onBarrier(barrier: CheckpointBarrier, alignment: AlignmentTimes): void
  /** A newer barrier overtook the alignment of `checkpointId`. */
  onAlignmentCancelled(checkpointId: number): void
}

export interface AlignmentTimes {
  /** First to last barrier. */
  readonly alignmentMs: number
  /** From the trigger (wall clock of the JobManager) to the first barrier. */
  readonly startDelayMs: number
}

export interface GateSettings {
  /** Of the edge's type, as the producer's. */
  readonly codec: BatchCodec
  /** One a channel, for errors. */
  readonly channels: readonly string[]
}

export interface SubtaskInputSettings {
  readonly gates: readonly GateSettings[]
  readonly buffersPerChannel: number
  readonly floatingBuffersPerGate: number
  /** Named in NETWORK_MEMORY_INSUFFICIENT. */
  readonly owner: string
  readonly nowMs: () => number
  readonly monotonicMs: () => number
}

const ALL_GATES = -1

class Gate implements ChannelOwner {
  readonly codec: BatchCodec
  readonly merge: WatermarkMerge
  readonly firstChannel: number
  readonly reserved: number
  openChannels: number
  #floating: number
  readonly #readable: (channel: InputChannel) => void
  readonly #failed: (error: unknown) => void

  constructor(
    settings: GateSettings,
    firstChannel: number,
    reservation: { readonly reserved: number; readonly floating: number },
    readable: (channel: InputChannel) => void,
    failed: (error: unknown) => void,
  ) {
    this.codec = settings.codec
    this.merge = new WatermarkMerge(settings.channels.length)
    this.firstChannel = firstChannel
    this.openChannels = settings.channels.length
    this.reserved = reservation.reserved
    this.#floating = reservation.floating
    this.#readable = readable
    this.#failed = failed
  }

  channelReadable(channel: InputChannel): void {
    this.#readable(channel)
  }

  channelFailed(_channel: InputChannel, error: unknown): void {
    this.#failed(error)
  }

  borrowFloating(): boolean {
    if (this.#floating === 0) return false
    this.#floating--
    return true
  }

  returnFloating(): void {
    this.#floating++
  }
}

export class SubtaskInput {
  readonly channels: readonly InputChannel[]
  readonly #settings: SubtaskInputSettings
  readonly #pool: SegmentPool
  readonly #gates: Gate[] = []
  readonly #alignment: BarrierAlignment
  readonly #blocked: Uint8Array
  readonly #queued: Uint8Array
  readonly #closedChannels: Uint8Array
  readonly #endedChannels: Uint8Array
  /** Ring of channel numbers that have data and are not blocked. */
  readonly #ring: Uint16Array
  #ringHead = 0
  #ringCount = 0
  #alignmentStartMs = 0
  #startDelayMs = 0
  #aligningBarrier: CheckpointBarrier | null = null
  #released = false
  #onReadable: () => void = () => {}
  #onFailure: (error: unknown) => void = () => {}
  recordsIn = 0

  constructor(settings: SubtaskInputSettings, pool: SegmentPool) {
    this.#settings = settings
    this.#pool = pool
    const channels: InputChannel[] = []
    const readable = (channel: InputChannel): void => this.#enqueue(channel.index)
    for (const [gateIndex, gateSettings] of settings.gates.entries()) {
      const exclusive = gateSettings.channels.length * settings.buffersPerChannel
      const wanted = exclusive + settings.floatingBuffersPerGate
      const reserved = this.#reserve(exclusive, wanted)
      const gate = new Gate(
        gateSettings,
        channels.length,
        { reserved, floating: reserved - exclusive },
        readable,
        (error) => this.#onFailure(error),
      )
      this.#gates.push(gate)
      for (const description of gateSettings.channels) {
        const place = { index: channels.length, gate: gateIndex, description }
        channels.push(new InputChannel(place, settings.buffersPerChannel, pool, gate))
      }
    }
    this.channels = channels
    this.#alignment = new BarrierAlignment(channels.length)
    this.#blocked = new Uint8Array(channels.length)
    this.#queued = new Uint8Array(channels.length)
    this.#closedChannels = new Uint8Array(channels.length)
    this.#endedChannels = new Uint8Array(channels.length)
    this.#ring = new Uint16Array(Math.max(1, channels.length))
  }

  /** Called when `poll` may find something again. */
  onReadable(handler: () => void): void {
    this.#onReadable = handler
  }

  onFailure(handler: (error: unknown) => void): void {
    this.#onFailure = handler
  }

  get isReadable(): boolean {
    return this.#ringCount > 0
  }

  get queuedSegments(): number {
    let sum = 0
    for (const channel of this.channels) sum += channel.queuedSegments
    return sum
  }

  get bytesIn(): number {
    let sum = 0
    for (const channel of this.channels) sum += channel.bytesIn
    return sum
  }

  get segmentsIn(): number {
    let sum = 0
    for (const channel of this.channels) sum += channel.segmentsIn
    return sum
  }

  /** Segments reserved for all gates. */
  get reservedSegments(): number {
    return this.#gates.reduce((sum, gate) => sum + gate.reserved, 0)
  }

  /** The smallest combined watermark of the gates. */
  get watermark(): number {
    let least = Number.POSITIVE_INFINITY
    for (const gate of this.#gates) least = Math.min(least, gate.merge.current)
    return this.#gates.length === 0 ? Number.NEGATIVE_INFINITY : least
  }

  /** The combined watermark of a gate's channels, and who holds it. */
  watermarksOf(gate: number): WatermarkMerge {
    return (this.#gates[gate] as Gate).merge
  }

  /** Channel `channel` of a gate. */
  channelOf(gate: number, channel: number): InputChannel {
    return this.channels[(this.#gates[gate] as Gate).firstChannel + channel] as InputChannel
  }

  /**
   * Monotonic time since which the channel is not read, because a checkpoint aligns; null: it is.
   */
  pausedSinceMs(channel: InputChannel): number | null {
    return this.#blocked[channel.index] === 1 ? this.#alignmentStartMs : null
  }

  /** The JobManager gave the checkpoint up: blocked channels go on. */
  abortCheckpoint(checkpointId: number): void {
    if (this.#alignment.abort(checkpointId)) this.#unblock()
  }

  /**
   * Hands the next element of the gates in the mask (bit n: gate n of the settings; -1: all) to
   * `listener`; false when nothing can be read now.
   */
  poll(listener: InputListener, gates = ALL_GATES): boolean {
    for (let left = this.#ringCount; left > 0; left--) {
      const index = this.#dequeue()
      if (this.#blocked[index] === 1) continue
      const channel = this.channels[index] as InputChannel
      if (gates !== ALL_GATES && ((gates >> channel.gate) & 1) === 0) {
        this.#enqueueQuietly(index)
        continue
      }
      if (!channel.reader.next()) {
        if (channel.isExhausted && this.#closeChannel(index, listener)) return true
        continue
      }
      // It goes to the end of the ring, also when this was its last element: the next
      // turn finds out.
      this.#enqueueQuietly(index)
      this.#dispatch(channel, listener)
      return true
    }
    return false
  }

  close(): void {
    if (this.#released) return
    this.#released = true
    for (const channel of this.channels) channel.close()
    this.#pool.unreserve(this.reservedSegments)
    this.#ringCount = 0
  }

  #reserve(exclusive: number, wanted: number): number {
    try {
      return this.#pool.reserve(exclusive, wanted, this.#settings.owner)
    } catch (error) {
      this.#pool.unreserve(this.reservedSegments)
      throw error
    }
  }

  #dispatch(channel: InputChannel, listener: InputListener): void {
    const { reader } = channel
    const gate = this.#gates[channel.gate] as Gate
    switch (reader.kind) {
      case ElementKind.BATCH: {
        const batch = gate.codec.decode(reader.bytes, reader.start, reader.length)
        this.recordsIn += batch.rowCount
        listener.onBatch(channel.gate, batch)
        return
      }
      case ElementKind.WATERMARK: {
        const timestampMs = decodeWatermark(payloadOf(channel))
        const { merge } = gate
        const [before, wasIdle] = [merge.current, merge.isIdle]
        merge.advance(channel.index - gate.firstChannel, timestampMs)
        this.#tell(channel.gate, merge, before, wasIdle, listener)
        return
      }
      case ElementKind.WATERMARK_STATUS:
        this.#setIdle(channel, gate, reader.bytes[reader.start] === 1, listener)
        return
      case ElementKind.BARRIER:
        this.#barrier(channel.index, decodeBarrier(payloadOf(channel)), listener)
        return
      case ElementKind.END_OF_DATA:
        this.#endOfData(channel.index, listener)
        return
      default:
        throw networkError(
          'NETWORK_PROTOCOL_VIOLATION',
          `Received an element of unknown kind ${reader.kind} on ${channel.description}.`,
        )
    }
  }

  #setIdle(channel: InputChannel, gate: Gate, idle: boolean, listener: InputListener): void {
    const { merge } = gate
    const [before, wasIdle] = [merge.current, merge.isIdle]
    if (merge.setIdle(channel.index - gate.firstChannel, idle)) {
      this.#tell(channel.gate, merge, before, wasIdle, listener)
    }
  }

  /** Waking up, then the watermark, then idleness. */
  #tell(
    gate: number,
    { current, isIdle }: WatermarkMerge,
    before: number,
    wasIdle: boolean,
    listener: InputListener,
  ): void {
    if (wasIdle && !isIdle) listener.onWatermarkStatus(gate, false)
    if (current > before) listener.onWatermark(gate, current)
    if (!wasIdle && isIdle) listener.onWatermarkStatus(gate, true)
  }

  #endOfData(index: number, listener: InputListener): void {
    if (this.#endedChannels[index] === 1) return
    this.#endedChannels[index] = 1
    const channel = this.channels[index] as InputChannel
    const gate = this.#gates[channel.gate] as Gate
    const { merge } = gate
    const [before, wasIdle] = [merge.current, merge.isIdle]
    gate.openChannels--
    if (merge.end(index - gate.firstChannel)) {
      this.#tell(channel.gate, merge, before, wasIdle, listener)
    }
    if (gate.openChannels === 0) listener.onEndOfData(channel.gate)
  }

  #barrier(index: number, barrier: CheckpointBarrier, listener: InputListener): void {
    const { decision, cancelled, first } = this.#alignment.onBarrier(index, barrier.order.id)
    if (decision === 'ignore') return
    if (cancelled >= 0) {
      this.#unblock()
      listener.onAlignmentCancelled(cancelled)
    }
    if (first) {
      this.#alignmentStartMs = this.#settings.monotonicMs()
      this.#startDelayMs = Math.max(0, this.#settings.nowMs() - barrier.order.timestampMs)
      this.#aligningBarrier = barrier
    }
    if (decision === 'take') this.#take(listener)
    else if (barrier.order.align !== 'at-least-once') this.#blocked[index] = 1
  }

  #take(listener: InputListener): void {
    const barrier = this.#aligningBarrier as CheckpointBarrier
    this.#aligningBarrier = null
    this.#unblock()
    listener.onBarrier(barrier, {
      alignmentMs: this.#settings.monotonicMs() - this.#alignmentStartMs,
      startDelayMs: this.#startDelayMs,
    })
  }

  /** Returns whether the listener was told anything. */
  #closeChannel(index: number, listener: InputListener): boolean {
    if (this.#closedChannels[index] === 1) return false
    this.#closedChannels[index] = 1
    if (this.#endedChannels[index] === 0) {
      this.#onFailure(
        networkError(
          'NETWORK_PROTOCOL_VIOLATION',
          `The producer of ${this.channels[index]?.description} closed it before end-of-data.`,
        ),
      )
      return false
    }
    if (!this.#alignment.onClosed(index)) return false
    this.#take(listener)
    return true
  }

  #unblock(): void {
    for (let index = 0; index < this.#blocked.length; index++) {
      if (this.#blocked[index] === 0) continue
      this.#blocked[index] = 0
      this.#enqueue(index)
    }
  }

  #enqueue(index: number): void {
    if (this.#released || this.#blocked[index] === 1) return
    this.#enqueueQuietly(index)
    this.#onReadable()
  }

  #enqueueQuietly(index: number): void {
    if (this.#queued[index] === 1) return
    this.#queued[index] = 1
    this.#ring[(this.#ringHead + this.#ringCount) % this.#ring.length] = index
    this.#ringCount++
  }

  #dequeue(): number {
    const index = this.#ring[this.#ringHead] as number
    this.#ringHead = (this.#ringHead + 1) % this.#ring.length
    this.#ringCount--
    this.#queued[index] = 0
    return index
  }
}

function payloadOf(channel: InputChannel): Uint8Array {
  const { reader } = channel
  return reader.bytes.subarray(reader.start, reader.start + reader.length)
}
