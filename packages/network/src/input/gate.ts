/**
 * Gate: the channels of one input of a subtask — what they share: floating buffers, the minimum of
 * their watermarks.
 */
import { type BatchCodec, type CheckpointBarrier, WatermarkMerge } from '@millrace/core'
import type { ChannelOwner, InputChannel } from './input-channel.ts'
import type { LateBarriersSettings } from './late-barriers.ts'

export interface GateSettings {
  /** Of the edge's type, as the producer's. */
  readonly codec: BatchCodec
  /** One a channel, for errors. */
  readonly channels: readonly string[]
}

export interface SubtaskInputSettings extends LateBarriersSettings {
  readonly gates: readonly GateSettings[]
  readonly buffersPerChannel: number
  readonly floatingBuffersPerGate: number
  /** Named in NETWORK_MEMORY_INSUFFICIENT. */
  readonly owner: string
  readonly monotonicMs: () => number
}

/** Of all gates of an input. */
export interface GateEvents {
  readable(channel: InputChannel): void
  failed(error: unknown): void
  barrier(channel: InputChannel, barrier: CheckpointBarrier, isInBand: boolean): void
}

export class Gate implements ChannelOwner {
  readonly codec: BatchCodec
  readonly merge: WatermarkMerge
  readonly firstChannel: number
  readonly reserved: number
  openChannels: number
  #floating: number
  readonly #events: GateEvents

  constructor(
    settings: GateSettings,
    firstChannel: number,
    reservation: { readonly reserved: number; readonly floating: number },
    events: GateEvents,
  ) {
    this.codec = settings.codec
    this.merge = new WatermarkMerge(settings.channels.length)
    this.firstChannel = firstChannel
    this.openChannels = settings.channels.length
    this.reserved = reservation.reserved
    this.#floating = reservation.floating
    this.#events = events
  }

  channelReadable(channel: InputChannel): void {
    this.#events.readable(channel)
  }

  channelFailed(_channel: InputChannel, error: unknown): void {
    this.#events.failed(error)
  }

  channelHasBarrier(channel: InputChannel, barrier: CheckpointBarrier, isInBand: boolean): void {
    this.#events.barrier(channel, barrier, isInBand)
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
