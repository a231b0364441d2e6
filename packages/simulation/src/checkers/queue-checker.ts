/**
 * Every queue keeps its bound: bytes under way between two slots are covered by credits, mailboxes
 * are short, and no gate holds more buffers than it was granted.
 */
import { type Violation, violation } from './violation.ts'

export interface QueueLimits {
  /** Between two slots, one way: credits of every channel times a segment, and control frames. */
  readonly linkBytesMax: number
  readonly mailboxMax: number
}

/** Of one connection: no job that is drawn has more channels between two slots. */
const CHANNELS_MAX = 16
const CONTROL_BYTES = 64 * 1024
const MAILBOX_MAX = 1000

export function queueLimitsOf(network: {
  readonly segmentBytes: number
  readonly buffersPerChannel: number
  readonly floatingBuffersPerGate: number
}): QueueLimits {
  const buffers = network.buffersPerChannel + network.floatingBuffersPerGate
  return {
    linkBytesMax: CHANNELS_MAX * buffers * network.segmentBytes + CONTROL_BYTES,
    mailboxMax: MAILBOX_MAX,
  }
}

export class QueueChecker {
  readonly #limits: QueueLimits
  readonly violations: Violation[] = []
  observed = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** Bytes that were sent and not yet handled by the other slot. */
  link(from: string, to: string, bytes: number): void {
    this.observed++
    if (bytes <= this.#limits.linkBytesMax) return
    this.#exceeded(`${bytes} bytes are under way from ${from} to ${to}`, this.#limits.linkBytesMax)
  }

  /** A task's own figures, by the names of its metrics. */
  task(attemptId: string, values: Readonly<Record<string, number>>): void {
    this.observed++
    const mailbox = values.mailboxQueueSize ?? 0
    if (mailbox > this.#limits.mailboxMax) {
      this.#exceeded(
        `The mailbox of ${attemptId} holds ${mailbox} entries`,
        this.#limits.mailboxMax,
      )
    }
    const usage = values['Shuffle.Netty.Input.Buffers.inPoolUsage'] ?? 0
    if (usage > 1) this.#exceeded(`${attemptId} holds ${usage} times the buffers of its gates`, 1)
  }

  #exceeded(message: string, limit: number): void {
    this.violations.push(violation('queue-bounds', `${message}.`, [`at most ${limit}`]))
  }
}
