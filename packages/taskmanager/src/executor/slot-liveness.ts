/**
 * SlotLiveness: a few words of memory that a slot shares with the main thread, readable even while
 * the slot spins or after it died.
 *
 * The slot writes the number of the last ping it saw and the ordinal of the operator it is in; the
 * watchdog reads them. A plain store per operator call is all it costs on the record path.
 */
export const LIVENESS_BYTES = 8

/** The number of the last ping that the slot saw. */
const PONG_WORD = 0
/** The ordinal of the operator being run; the chain's links store it directly. */
export const OPERATOR_WORD = 1

/** In `OPERATOR_WORD`: none is being run. */
export const NO_OPERATOR = 0

export class SlotLiveness {
  /** `OPERATOR_WORD` is written directly by the chain's links. */
  readonly words: Int32Array

  constructor(buffer: SharedArrayBuffer | ArrayBuffer) {
    this.words = new Int32Array(buffer)
  }

  answer(ping: number): void {
    Atomics.store(this.words, PONG_WORD, ping)
  }

  get lastAnswered(): number {
    return Atomics.load(this.words, PONG_WORD)
  }

  get operator(): number {
    return Atomics.load(this.words, OPERATOR_WORD)
  }

  set operator(ordinal: number) {
    this.words[OPERATOR_WORD] = ordinal
  }
}
