/** The faults that a simulated object store knows. A write is a conditional put or a removal. */

/** Probabilities, each of one request that it can strike. */
export interface ObjectStoreFaultRates {
  /** A write reports an error and is never executed. */
  readonly lostWrite: number
  /** A write is executed and reports an error all the same. */
  readonly errorAfterWrite: number
  /** A put reports an error and is executed later, if its condition holds then. */
  readonly latePut: number
  /** A removal reports an error and is executed later, whatever is there then. */
  readonly lateRemoval: number
  /** A write is turned away because another write of the same object is under way. */
  readonly contention: number
  /** `get` or `list` reports an error. */
  readonly readError: number
  readonly slowRequest: number
  readonly slowList: number
}

/** What strikes because of what else happens: a partition, a kill. */
export type CausedObjectStoreFault = 'unreachable' | 'answerLost' | 'lateExecution'

export const NO_OBJECT_STORE_FAULTS: ObjectStoreFaultRates = {
  lostWrite: 0,
  errorAfterWrite: 0,
  latePut: 0,
  lateRemoval: 0,
  contention: 0,
  readError: 0,
  slowRequest: 0,
  slowList: 0,
}
