/**
 * Two linked data connections inside one thread: channels between subtasks of the same slot.
 *
 * They behave as a connection between threads does (frames are copied, and arrive later, in order),
 * so that the rest of the exchange knows one kind of channel only. Invariant: a frame sent before
 * `close` arrives before the close does.
 */
import type { Clock, DataConnection } from '@millrace/platform'

class MemoryConnection implements DataConnection {
  readonly #clock: Clock
  #peer: MemoryConnection | null = null
  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #scheduled = false
  #peerClosed = false
  #closed = false
  #onFrame: (frame: Uint8Array) => void = () => {}
  #onClose: (error: Error | null) => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  link(peer: MemoryConnection): void {
    this.#peer = peer
  }

  send(parts: readonly Uint8Array[]): void {
    const peer = this.#peer
    if (this.#closed || peer === null || peer.#closed) return
    let length = 0
    for (const part of parts) length += part.length
    const frame = new Uint8Array(length)
    let at = 0
    for (const part of parts) {
      frame.set(part, at)
      at += part.length
    }
    peer.#inbox.push(frame)
    peer.#inboxBytes += length
    peer.#schedule()
  }

  bufferedBytes(): number {
    return this.#peer === null ? 0 : this.#peer.#inboxBytes
  }

  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#onFrame = handler
  }

  onClose(handler: (error: Error | null) => void): void {
    this.#onClose = handler
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbox = []
    this.#inboxBytes = 0
    const peer = this.#peer
    if (peer === null || peer.#closed) return
    peer.#peerClosed = true
    peer.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.setImmediate(() => this.#deliver())
  }

  #deliver(): void {
    this.#scheduled = false
    const frames = this.#inbox
    this.#inbox = []
    this.#inboxBytes = 0
    for (const frame of frames) {
      if (this.#closed) return
      this.#onFrame(frame)
    }
    if (this.#peerClosed && this.#inbox.length === 0 && !this.#closed) {
      this.#closed = true
      this.#onClose(null)
    }
  }
}

/** Frames sent on one arrive on the other in a later turn. */
export function memoryConnectionPair(clock: Clock): readonly [DataConnection, DataConnection] {
  const a = new MemoryConnection(clock)
  const b = new MemoryConnection(clock)
  a.link(b)
  b.link(a)
  return [a, b]
}
