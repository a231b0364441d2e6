/**
 * BarrierAlignment: which barriers have come, over all channels of a subtask, and when the
 * checkpoint may be taken.
 *
 * Pure bookkeeping for one subtask's input (`SubtaskInput` acts on it). The first barrier of a
 * checkpoint starts its alignment; the checkpoint is taken when every open channel has delivered it
 * (Chandy–Lamport; Carbone et al. 2015, "Lightweight asynchronous snapshots"). A barrier of a newer
 * checkpoint, or the JobManager's abort, cancels an older alignment. Barriers follow end-of-data;
 * only a closed channel is not waited for. Invariant: at most one checkpoint aligns at a time, ids
 * only grow.
 */
export type BarrierDecision =
  /** Of an old, aborted or already taken checkpoint. */
  | 'ignore'
  /** Others are missing. */
  | 'wait'
  /** Take the checkpoint now. */
  | 'take'

export class BarrierAlignment {
  readonly #arrived: Uint8Array
  readonly #closed: Uint8Array
  #missing = 0
  /** The checkpoint that aligns; -1 when none does. */
  #aligning = -1
  /** The largest id that has been taken, aborted or superseded. */
  #settled = -1
  #taken = -1

  constructor(channelCount: number) {
    this.#arrived = new Uint8Array(channelCount)
    this.#closed = new Uint8Array(channelCount)
  }

  get aligning(): number {
    return this.#aligning
  }

  /** The checkpoint whose barriers all came, the last one of that kind; -1 at first. */
  get taken(): number {
    return this.#taken
  }

  /** Whether nothing more is to be done about the checkpoint. */
  isSettled(checkpointId: number): boolean {
    return checkpointId <= this.#settled || checkpointId < this.#aligning
  }

  /** `cancelled`: the older checkpoint that this barrier overtook, or -1. */
  onBarrier(
    channel: number,
    checkpointId: number,
  ): { readonly decision: BarrierDecision; readonly cancelled: number; readonly first: boolean } {
    if (this.isSettled(checkpointId)) {
      return { decision: 'ignore', cancelled: -1, first: false }
    }
    let cancelled = -1
    let first = false
    if (checkpointId !== this.#aligning) {
      cancelled = this.#aligning
      first = true
      this.#start(checkpointId)
    }
    if (this.#arrived[channel] === 0) {
      this.#arrived[channel] = 1
      if (this.#closed[channel] === 0) this.#missing--
    }
    return { decision: this.#settleIfComplete() ? 'take' : 'wait', cancelled, first }
  }

  /** Returns whether the aligning checkpoint is now complete. */
  onClosed(channel: number): boolean {
    if (this.#closed[channel] === 1) return false
    this.#closed[channel] = 1
    if (this.#aligning >= 0 && this.#arrived[channel] === 0) this.#missing--
    return this.#aligning >= 0 && this.#settleIfComplete()
  }

  /** The JobManager gave `checkpointId` up: returns whether it was aligning. */
  abort(checkpointId: number): boolean {
    if (checkpointId > this.#settled) this.#settled = checkpointId
    if (this.#aligning < 0 || this.#aligning > checkpointId) return false
    this.#aligning = -1
    return true
  }

  #start(checkpointId: number): void {
    this.#aligning = checkpointId
    this.#arrived.fill(0)
    this.#missing = 0
    for (const closed of this.#closed) if (closed === 0) this.#missing++
  }

  #settleIfComplete(): boolean {
    if (this.#missing > 0) return false
    this.#settled = this.#aligning
    this.#taken = this.#aligning
    this.#aligning = -1
    return true
  }
}
