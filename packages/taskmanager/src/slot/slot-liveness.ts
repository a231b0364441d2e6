/**
 * SlotLiveness: a few words of memory that a slot shares with the main thread, readable even while
 * the slot spins or after it died.
 *
 * The slot writes the number of the last ping it saw and the ordinal of the operator it is in; the
 * watchdog reads them. A plain store per operator call is all it costs on the record path.
 */
export const LIVENESS_BYTES = 8

const PONG = 0
const OPERATOR = 1

/** No operator is being run. */
export const NO_OPERATOR = 0

export class SlotLiveness {
  /** Word 1 is written directly by the chain's links: the ordinal of the operator being run. */
  readonly words: Int32Array

  constructor(buffer: SharedArrayBuffer | ArrayBuffer) {
    this.words = new Int32Array(buffer)
  }

  answer(ping: number): void {
    Atomics.store(this.words, PONG, ping)
  }

  get lastAnswered(): number {
    return Atomics.load(this.words, PONG)
  }

  get operator(): number {
    return Atomics.load(this.words, OPERATOR)
  }

  set operator(ordinal: number) {
    this.words[OPERATOR] = ordinal
  }
}
