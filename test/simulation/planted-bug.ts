/** PlantedBug: a bug on purpose, as a change of source text. */
import type { FaultFamily } from '@millrace/simulation'

export interface PlantedBug {
  readonly name: string
  /** What is broken, in a sentence. */
  readonly breaks: string
  /**
   * Only faults of these families are drawn, where all of them meet what is broken too rarely.
   */
  readonly families?: readonly FaultFamily[]
  /**
   * A seed that found it when it was tried last, for the test to begin with: a plant that takes a
   * hundred seeds would take minutes each time. Another draw of the jobs may need others.
   */
  readonly foundBy?: number
  readonly edits: readonly {
    readonly file: string
    /** Occurs once in the file. */
    readonly text: string
    readonly planted: string
  }[]
}
