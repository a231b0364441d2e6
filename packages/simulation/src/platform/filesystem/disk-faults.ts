/** The faults that a simulated disk knows. */

/** Probabilities, each of one operation that it can strike. */
export interface DiskFaultRates {
  /** EIO from a read. */
  readonly readError: number
  /** One bit of what a read returns is wrong; the next read of the same bytes is right. */
  readonly corruptedRead: number
  /** A read gives fewer bytes than there are, as it may. */
  readonly shortRead: number
  /**
   * EIO from an append or a change of names, after part of it or all of it was done, or nothing.
   */
  readonly writeError: number
  /** EIO from a sync; later syncs succeed without writing what this one should have. */
  readonly syncError: number
  readonly slowOperation: number
  readonly slowSync: number
}

/** What strikes because of what else happens: kills, crashes, a quota, a partition. */
export type CausedDiskFault =
  | 'diskFull'
  | 'accessDenied'
  | 'unreachable'
  | 'tornInFlight'
  | 'crash'
  | 'crashLostNames'
  | 'crashTornFiles'

export const NO_DISK_FAULTS: DiskFaultRates = {
  readError: 0,
  corruptedRead: 0,
  shortRead: 0,
  writeError: 0,
  syncError: 0,
  slowOperation: 0,
  slowSync: 0,
}
