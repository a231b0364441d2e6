/**
 * RescaleHistory: what came of each rescale of one job, newest first, as many as are kept for
 * display. Counts go on when entries are dropped. It lives with this JobManager.
 */
import { SummaryStatistics } from '../checkpoint/summary-statistics.ts'

/** As the reference engine names what a rescale comes from. */
export type RescaleCause =
  | 'INITIAL_SCHEDULE'
  | 'UPDATE_REQUIREMENT'
  | 'NEW_RESOURCE_AVAILABLE'
  | 'RECOVERABLE_FAILOVER'

/** Why it is over: what was wanted is reached, or a failure or the end of the job came before. */
export type RescaleOutcome =
  | 'SUCCEEDED'
  | 'NO_RESOURCES_OR_PARALLELISMS_CHANGE'
  | 'JOB_FAILOVER_RESTARTING'
  | 'JOB_FINISHED'
  | 'JOB_FAILING'
  | 'JOB_CANCELING'

export interface RescaledVertex {
  readonly id: string
  readonly name: string
  readonly slotSharingGroup: string
  readonly desired: number
  /** Fewer would not do. */
  readonly sufficient: number
  /** Null: nothing ran before. */
  readonly before: number | null
  /** Null until it is completed. */
  after: number | null
}

/** Times in epoch ms. */
export interface RescaleRecord {
  /** 32 hex. */
  readonly id: string
  /** Counts the rescales of the job, from 1. */
  readonly number: number
  readonly cause: RescaleCause
  readonly startMs: number
  readonly vertices: readonly RescaledVertex[]
  /** When its tasks went down; null: they run yet, or it came to nothing. */
  downMs: number | null
  endMs: number | null
  outcome: RescaleOutcome | null
}

export class RescaleHistory {
  readonly #max: number
  readonly #records: RescaleRecord[] = []
  readonly #durations = {
    all: new SummaryStatistics(),
    completed: new SummaryStatistics(),
    ignored: new SummaryStatistics(),
  }
  #begun = 0
  #completed = 0
  #ignored = 0

  /** `max`: how many are kept; 0: none is, and REST shows nothing. */
  constructor(max: number) {
    this.#max = max
  }

  get isKept(): boolean {
    return this.#max > 0
  }

  /** Newest first. */
  get records(): readonly RescaleRecord[] {
    return this.#records
  }

  get counts() {
    const [completed, ignored] = [this.#completed, this.#ignored]
    return { ignored, inProgress: this.#begun - completed - ignored, completed, failed: 0 }
  }

  summaries() {
    const { all, completed, ignored } = this.#durations
    return { all: all.summary(), completed: completed.summary(), ignored: ignored.summary() }
  }

  begin(record: Pick<RescaleRecord, 'id' | 'cause' | 'startMs' | 'vertices'>): RescaleRecord {
    const begun = { ...record, number: ++this.#begun, downMs: null, endMs: null, outcome: null }
    this.#records.unshift(begun)
    this.#records.splice(Math.max(1, this.#max))
    return begun
  }

  end(record: RescaleRecord, endMs: number, outcome: RescaleOutcome): void {
    record.endMs = endMs
    record.outcome = outcome
    const succeeded = outcome === 'SUCCEEDED'
    if (succeeded) this.#completed++
    else this.#ignored++
    this.#durations.all.add(endMs - record.startMs)
    this.#durations[succeeded ? 'completed' : 'ignored'].add(endMs - record.startMs)
  }
}
