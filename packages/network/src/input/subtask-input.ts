/**
 * SubtaskInput: everything a subtask reads — its gates, their channels, watermarks, and the
 * alignment of barriers over all of them.
 *
 * Between the input channels and the operator chain: `poll` hands one element at a time to a
 * listener. Channels with data take turns. While a checkpoint aligns (exactly-once), a channel
 * whose barrier has come is left alone, its segments keep their credits, and so its producer stops.
 * A barrier that comes ahead of its channel's segments is handled at once: the checkpoint is taken,
 * and what lies in the channels, up to the barrier in each of them, is recorded for it.
 * Invariants: elements of a channel keep their order; a gate's watermark only grows; end-of-data of
 * a gate comes after that of all its channels, and barriers may still follow.
 */
import type { CheckpointBarrier, WatermarkMerge } from '@millrace/core'
import type { SegmentPool } from '../buffer/segment-pool.ts'
import { networkError } from '../error-codes.ts'
import {
  channelElements,
  decodeBarrier,
  decodeWatermark,
  ElementKind,
} from '../wire/element-wire.ts'
import { BarrierAlignment } from './barrier-alignment.ts'
import { Gate, type GateEvents, type GateSettings, type SubtaskInputSettings } from './gate.ts'
import { InputChannel } from './input-channel.ts'
import {
  type AlignmentTimes,
  type InputListener,
  type InputRecording,
  NOTHING_RECORDED,
  type RecordedChannel,
} from './input-listener.ts'
import { type ArrivedBarrier, LATE, LateBarriers } from './late-barriers.ts'
import { Replay, type ReplayStream } from './replay.ts'

const ALL_GATES = -1

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
  /** Barriers that came ahead of their channels' segments and have not been looked at. */
  #ahead: ArrivedBarrier[] = []
  readonly #late: LateBarriers
  /** The checkpoint that was taken last without waiting for all barriers; -1: none was. */
  #takenId = -1
  #settleRecording: ((whole: boolean) => void) | null = null
  #replay: Replay | null = null
  #released = false
  #onReadable: () => void = () => {}
  #onFailure: (error: unknown) => void = () => {}
  recordsIn = 0
  #bytesRead = 0
  #bytesReadBefore = 0
  /** Of the checkpoint whose barriers came last, all of them. */
  lastAlignment: AlignmentTimes = { alignmentMs: 0, startDelayMs: 0, processedBytes: 0 }

  constructor(settings: SubtaskInputSettings, pool: SegmentPool) {
    this.#settings = settings
    this.#pool = pool
    const channels: InputChannel[] = []
    const events: GateEvents = {
      readable: (channel) => this.#enqueue(channel.index),
      failed: (error) => this.#onFailure(error),
      barrier: ({ index }, barrier, isInBand) => this.#arrived({ index, barrier, isInBand }),
    }
    for (const [gateIndex, gateSettings] of settings.gates.entries()) {
      const exclusive = gateSettings.channels.length * settings.buffersPerChannel
      const wanted = exclusive + settings.floatingBuffersPerGate
      const reserved = this.#reserve(exclusive, wanted)
      const gate = new Gate(
        gateSettings,
        channels.length,
        { reserved, floating: reserved - exclusive },
        events,
      )
      this.#gates.push(gate)
      for (const description of gateSettings.channels) {
        const place = { index: channels.length, gate: gateIndex, description }
        channels.push(new InputChannel(place, settings.buffersPerChannel, pool, gate))
      }
    }
    this.channels = channels
    this.#alignment = new BarrierAlignment(channels.length)
    this.#late = new LateBarriers(channels.length, settings, (barrier) =>
      this.#arrived({ index: LATE, barrier, isInBand: false }),
    )
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
    if (this.#alignment.abort(checkpointId)) this.#giveUp()
  }

  /** Elements of a checkpoint that come before everything new. */
  replay(streams: readonly ReplayStream[]): void {
    if (streams.length === 0) return
    this.#replay = new Replay(
      this.#gates.map(({ codec }) => codec),
      streams,
    )
  }

  /**
   * Looks at barriers that came ahead; true when a checkpoint is to be taken because of one: no
   * further one is looked at before that.
   */
  admitBarriers(listener: InputListener): boolean {
    for (let next = this.#ahead.shift(); next !== undefined; next = this.#ahead.shift()) {
      if (this.#admit(next, listener)) return true
    }
    return false
  }

  /**
   * What belongs to the checkpoint of all that has not been read: nothing where every barrier was
   * waited for. Called when it is taken, before anything else is read.
   */
  record(checkpointId: number): InputRecording {
    if (checkpointId !== this.#takenId) return NOTHING_RECORDED
    const parts = this.#gates.flatMap((gate, place) => this.#recordGate(gate, place, checkpointId))
    if (this.#alignment.aligning === checkpointId) {
      const whole = new Promise<boolean>((resolve) => {
        this.#settleRecording = resolve
      })
      return { parts, whole }
    }
    for (const channel of this.channels) channel.stopRecording()
    return { parts, whole: Promise.resolve(this.#alignment.taken === checkpointId) }
  }

  /**
   * Hands the next element of the gates in the mask (bit n: gate n of the settings; -1: all) to
   * `listener`; false when nothing can be read now.
   */
  poll(listener: InputListener, gates = ALL_GATES): boolean {
    if (this.#ahead.length > 0 && this.admitBarriers(listener)) return true
    if (this.#replay !== null && this.#stepReplay(this.#replay, listener, gates)) return true
    for (let left = this.#ringCount; left > 0; left--) {
      const index = this.#dequeue()
      if (this.#blocked[index] === 1) continue
      const channel = this.channels[index] as InputChannel
      if (!this.#isOpen(channel.gate, gates)) {
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
    this.#settle(false)
    this.#late.cancel()
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
    this.#bytesRead += reader.length
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
    if (cancelled >= 0) this.#cancel(cancelled, listener)
    if (first) this.#begin(barrier)
    if (barrier.order.id === this.#takenId) {
      this.channels[index]?.stopRecording()
      if (decision === 'take') this.#settle(true)
    } else if (decision === 'take') this.#take(listener)
    else if (barrier.order.align !== 'at-least-once') this.#blocked[index] = 1
  }

  #arrived(arrived: ArrivedBarrier): void {
    this.#ahead.push(arrived)
    this.#onReadable()
  }

  /** Returns whether its checkpoint is to be taken now. */
  #admit({ index, barrier, isInBand }: ArrivedBarrier, listener: InputListener): boolean {
    const { id } = barrier.order
    if (isInBand && id !== this.#takenId) {
      if (!this.#alignment.isSettled(id)) this.#late.came(index, barrier)
      return false
    }
    const isTaken = id === this.#takenId
    // Those that lie in channels have come too, once they are not waited for.
    const channels = [
      ...(index === LATE ? [] : [index]),
      ...(isTaken ? [] : this.#late.holding(id)),
    ]
    let isWhole = false
    let isOpen = false
    for (const channel of channels) {
      const { decision, cancelled, first } = this.#alignment.onBarrier(channel, id)
      if (decision === 'ignore') continue
      isOpen = true
      if (cancelled >= 0) this.#cancel(cancelled, listener)
      if (first) this.#begin(barrier)
      if (decision === 'take') isWhole = true
    }
    if (!isOpen) return false
    if (!isTaken) this.#takenId = id
    this.#unblock()
    if (isWhole) this.#settle(true)
    if (isTaken) return false
    const startDelayMs = this.#startDelayMs
    listener.onBarrier(barrier, { alignmentMs: 0, startDelayMs, processedBytes: 0 })
    return true
  }

  #begin(barrier: CheckpointBarrier): void {
    this.#alignmentStartMs = this.#settings.monotonicMs()
    this.#startDelayMs = Math.max(0, this.#settings.nowMs() - barrier.order.timestampMs)
    this.#bytesReadBefore = this.#bytesRead
    this.#aligningBarrier = barrier
  }

  #cancel(checkpointId: number, listener: InputListener): void {
    this.#giveUp()
    listener.onAlignmentCancelled(checkpointId)
  }

  #giveUp(): void {
    this.#unblock()
    this.#settle(false)
  }

  #settle(whole: boolean): void {
    if (!whole) for (const channel of this.channels) channel.stopRecording()
    else this.#noteAligned()
    this.#settleRecording?.(whole)
    this.#settleRecording = null
  }

  #recordGate(gate: Gate, place: number, checkpointId: number): RecordedChannel[] {
    const parts: RecordedChannel[] = (this.#replay?.unread(place) ?? []).map((left) => ({
      ...left,
      gate: place,
    }))
    const { length } = (this.#settings.gates[place] as GateSettings).channels
    for (let channel = 0; channel < length; channel++) {
      const bytes = this.channelOf(place, channel).record(checkpointId)
      // What is added later comes behind.
      bytes.unshift(channelElements(gate.merge, channel))
      parts.push({ gate: place, channel, bytes })
    }
    return parts
  }

  /** Returns whether there was an element. */
  #stepReplay(replay: Replay, listener: InputListener, gates: number): boolean {
    const found = replay.step(listener, gates)
    if (replay.isDone) {
      this.#replay = null
      this.#onReadable()
    }
    return found
  }

  /** Whether the network side of a gate may be read now. */
  #isOpen(gate: number, gates: number): boolean {
    if (gates !== ALL_GATES && ((gates >> gate) & 1) === 0) return false
    return this.#replay === null || this.#replay.isGateDone(gate)
  }

  #take(listener: InputListener): void {
    const barrier = this.#aligningBarrier as CheckpointBarrier
    this.#aligningBarrier = null
    this.#unblock()
    this.#noteAligned()
    listener.onBarrier(barrier, this.lastAlignment)
  }

  #noteAligned(): void {
    this.lastAlignment = {
      alignmentMs: this.#settings.monotonicMs() - this.#alignmentStartMs,
      startDelayMs: this.#startDelayMs,
      processedBytes: this.#bytesRead - this.#bytesReadBefore,
    }
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
    const { aligning } = this.#alignment
    if (!this.#alignment.onClosed(index)) return false
    if (aligning === this.#takenId) {
      this.#settle(true)
      return false
    }
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
