/**
 * ProducerConnection: the producers' end of one connection — answers OPEN, CREDIT and CLOSE frames
 * of another slot's channels.
 *
 * Between the subpartitions of a slot and `DataConnection`. Invariant: after CLOSE, FAILED or the
 * loss of the connection nothing is sent on a channel, and its subpartition is released.
 */
import { toErrorData } from '@millrace/core'
import type { DataConnection } from '@millrace/platform'
import { networkError } from '../error-codes.ts'
import type { ResultPartition } from '../partition/result-partition.ts'
import type { Subpartition } from '../partition/subpartition.ts'
import {
  barrierFrame,
  DATA_HEADER_BYTES,
  EXCHANGE_MAGIC,
  EXCHANGE_VERSION,
  endFrame,
  FrameReader,
  FrameType,
  failedFrame,
  type SentBarrier,
} from '../wire/frame.ts'
import type { PartitionRegistry } from './partition-registry.ts'

interface OpenChannel {
  withdraw: () => void
  partition: ResultPartition | null
  subpartition: Subpartition | null
  subpartitionIndex: number
  /** Granted before the partition was found. */
  credits: number
}

export class ProducerConnection {
  readonly #connection: DataConnection
  readonly #registry: PartitionRegistry
  readonly #channels = new Map<number, OpenChannel>()
  readonly #frame = new FrameReader()
  readonly #header = new Uint8Array(DATA_HEADER_BYTES)
  readonly #headerView = new DataView(this.#header.buffer)
  #greeted = false
  #closed = false
  #onClosed: () => void = () => {}

  constructor(connection: DataConnection, registry: PartitionRegistry) {
    this.#connection = connection
    this.#registry = registry
    connection.onFrame((frame) => this.#receive(frame))
    connection.onClose(() => this.#closeAll())
  }

  onClosed(handler: () => void): void {
    this.#onClosed = handler
  }

  close(): void {
    this.#closeAll()
    this.#connection.close()
  }

  #receive(bytes: Uint8Array): void {
    const frame = this.#frame
    if (this.#closed) return
    if (!frame.read(bytes) || !this.#isExpected(frame)) {
      // Not one of ours, or another version: there is nobody to explain it to.
      this.close()
      return
    }
    switch (frame.type) {
      case FrameType.OPEN:
        this.#open(frame)
        return
      case FrameType.CREDIT: {
        const channel = this.#channels.get(frame.channel)
        if (channel === undefined) return
        if (channel.subpartition === null) channel.credits += frame.u32(8)
        else channel.subpartition.addCredits(frame.u32(8))
        return
      }
      case FrameType.CLOSE:
        this.#drop(frame.channel)
        return
    }
  }

  #isExpected(frame: FrameReader): boolean {
    if (this.#greeted) {
      return (
        frame.type === FrameType.OPEN ||
        frame.type === FrameType.CREDIT ||
        frame.type === FrameType.CLOSE
      )
    }
    this.#greeted =
      frame.type === FrameType.HELLO &&
      frame.u32(8) === EXCHANGE_MAGIC &&
      frame.u32(12) === EXCHANGE_VERSION
    return this.#greeted
  }

  #open(frame: FrameReader): void {
    const number = frame.channel
    const request = frame.request()
    const channel: OpenChannel = {
      withdraw: () => {},
      partition: null,
      subpartition: null,
      subpartitionIndex: request.subpartition,
      credits: frame.u32(8),
    }
    this.#channels.set(number, channel)
    channel.withdraw = this.#registry.find(
      request,
      (partition) => this.#attach(number, channel, partition),
      (error) => this.#refuse(number, error),
    )
  }

  #attach(number: number, channel: OpenChannel, partition: ResultPartition): void {
    const subpartition = partition.subpartitions[channel.subpartitionIndex]
    if (subpartition === undefined || subpartition.isAttached || subpartition.isDrained) {
      const why = subpartition === undefined ? 'does not exist' : 'has another consumer'
      this.#refuse(
        number,
        networkError(
          'NETWORK_PROTOCOL_VIOLATION',
          `Subpartition ${channel.subpartitionIndex} of ${partition.settings.attemptId} ${why}.`,
        ),
      )
      return
    }
    channel.partition = partition
    channel.subpartition = subpartition
    const sink = {
      sendSegment: (sequence: number, backlog: number, bytes: Uint8Array): void =>
        this.#sendSegment(number, sequence, backlog, bytes),
      sendEnd: (sequence: number): void => {
        if (!this.#closed) this.#connection.send([endFrame(number, sequence)])
      },
      sendBarrier: (barrier: SentBarrier): void => {
        if (!this.#closed) this.#connection.send([barrierFrame(number, barrier)])
      },
    }
    subpartition.attach(sink, channel.credits)
  }

  #sendSegment(number: number, sequence: number, backlog: number, bytes: Uint8Array): void {
    if (this.#closed) return
    this.#header[0] = FrameType.DATA
    this.#headerView.setUint32(4, number, true)
    this.#headerView.setUint32(8, sequence, true)
    this.#headerView.setUint32(12, backlog, true)
    this.#connection.send([this.#header, bytes])
  }

  #refuse(number: number, error: unknown): void {
    this.#channels.delete(number)
    if (!this.#closed) this.#connection.send([failedFrame(number, toErrorData(error))])
  }

  #drop(number: number): void {
    const channel = this.#channels.get(number)
    if (channel === undefined) return
    this.#channels.delete(number)
    channel.withdraw()
    channel.partition?.releaseSubpartition(channel.subpartitionIndex)
  }

  #closeAll(): void {
    if (this.#closed) return
    this.#closed = true
    for (const number of [...this.#channels.keys()]) this.#drop(number)
    this.#onClosed()
  }
}
