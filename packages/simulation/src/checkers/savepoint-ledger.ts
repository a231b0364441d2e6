/**
 * SavepointLedger: every savepoint that somebody asked for, and what must be there of it in the
 * end.
 *
 * A job that was to be stopped goes on and there is nothing of the savepoint, or it has ended and
 * the savepoint is complete: never both, never neither. What a savepoint holds its sinks have
 * committed when the job has ended. A complete one stays as it is until a job that claims it has
 * checkpoints in its place, and then nothing is left of it.
 */
import type { Filesystem } from '@millrace/platform'
import type { SimulatedDisk } from '../platform/filesystem/simulated-disk.ts'
import { checkRestorable } from './checkpoint-checker.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'savepoints'

export interface AskedSavepoint {
  readonly jobId: string
  readonly after: 'go-on' | 'suspend' | 'drain'
  /** Below which it goes, and nothing else does. */
  readonly directory: string
  /** What its client was told; `lost`: whoever was asked was gone before it was told. */
  heard: 'complete' | 'refused' | 'lost'
}

/** A job that was told that a savepoint is its own. */
export interface Claim {
  readonly jobId: string
  /** How many checkpoints of its own it keeps in the savepoint's place; null: nobody knows. */
  kept(): number | null
}

export class SavepointLedger {
  readonly #asked: AskedSavepoint[] = []
  /** Directory of the savepoint by which a job was stopped, by job. */
  readonly #stopped = new Map<string, string>()
  readonly #claims = new Map<string, Claim[]>()
  /** Savepoints whose outcome was judged. */
  get judged(): number {
    return this.#asked.length
  }

  get stops(): number {
    return this.#stopped.size
  }

  asked(savepoint: AskedSavepoint): void {
    this.#asked.push(savepoint)
  }

  stopped(jobId: string, path: string): void {
    this.#stopped.set(jobId, path)
  }

  claimed(path: string, claim: Claim): void {
    this.#claims.set(path, [...(this.#claims.get(path) ?? []), claim])
  }

  /** What is wrong with what the disk has of them, after the end of every job. */
  async judge(
    disk: SimulatedDisk,
    filesystem: Filesystem,
    checkpointsRetained: number,
  ): Promise<Violation[]> {
    const found: Violation[] = []
    for (const savepoint of this.#asked) {
      const files = filesOf(disk, savepoint.directory)
      const complete = files.filter((path) => path.endsWith('/_metadata')).map(parentOf)
      const fault = this.#faultIn(savepoint, complete, files, checkpointsRetained)
      const about = `${savepoint.after} of ${savepoint.jobId}, ${savepoint.heard}`
      if (fault !== null) found.push(violation(CHECKER, fault, [about, ...files.slice(0, 5)]))
      for (const path of complete) {
        const damage = await checkRestorable(path, filesystem)
        if (damage !== null) found.push({ ...damage, checker: CHECKER })
      }
    }
    return found
  }

  #faultIn(
    { jobId, after, heard, directory }: AskedSavepoint,
    complete: readonly string[],
    files: readonly string[],
    checkpointsRetained: number,
  ): string | null {
    const stoppedBy = this.#stopped.get(jobId)
    const isStop = after !== 'go-on'
    if (isStop && stoppedBy?.startsWith(`${directory}/`) !== true) {
      if (complete.length > 0)
        return 'A job went on though the savepoint that stops it is complete.'
      return files.length > 0 ? 'Files of a savepoint that is none are left for ever.' : null
    }
    if (heard === 'refused' && !isStop && files.length > 0) {
      return 'Files of a savepoint that was refused are left for ever.'
    }
    const isThere = isStop || heard === 'complete'
    if (!isThere) return complete.length > 1 ? 'One savepoint was asked for; there are more.' : null
    const claims = this.#claims.get(stoppedBy ?? '') ?? []
    if (isStop && claims.length > 0) {
      const mustGo = claims.some((claim) => (claim.kept() ?? 0) >= checkpointsRetained)
      return mustGo && files.length > 0 ? 'A claimed savepoint outlives its place.' : null
    }
    if (complete.length !== 1) return 'A savepoint that is its user’s is gone.'
    const strays = files.filter((path) => !path.startsWith(`${complete[0]}/`))
    return strays.length > 0 ? 'Files beside a savepoint are left for ever.' : null
  }
}

/** Of a directory whether one can write there; killed in between it stays. */
const PROBE = '.write-probe'

function filesOf(disk: SimulatedDisk, directory: string): string[] {
  const files = disk.files(directory).map(({ path }) => path)
  return files.filter((path) => !path.includes(PROBE))
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))
