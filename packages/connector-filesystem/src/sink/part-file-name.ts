/**
 * Names of part files, from which their state can be read after any crash.
 *
 * `part-<uid>-<subtask>-<n>` is committed. Hidden ones are not: `.part-….<writer>.inprogress` is
 * being written, `.part-….<writer>.pending.<checkpoint>` belongs to that checkpoint and becomes
 * visible once it is complete. The writer, `<leader epoch>-<attempt>`, tells apart attempts that
 * run side by side, and which of them is the older one: an attempt that comes back from the dead
 * never touches a file of its successor.
 */
import { type AttemptOrder, isOlderAttempt } from '@millrace/core'

export interface PartFile {
  readonly uid: string
  readonly subtask: number
  readonly number: number
  /** Null: committed. */
  readonly hidden: {
    readonly writer: AttemptOrder
    /** Null: being written. */
    readonly checkpoint: number | null
  } | null
}

const PATTERN =
  /^(\.?)part-([0-9a-f]+)-(\d+)-(\d+)(?:\.(\d+)-(\d+)\.(?:inprogress|pending\.(\d+)))?$/

export function partFileName({ uid, subtask, number, hidden }: PartFile): string {
  const name = `part-${uid}-${subtask}-${number}`
  if (hidden === null) return name
  const { writer, checkpoint } = hidden
  const by = `${writer.leaderEpoch}-${writer.attempt}`
  return `.${name}.${by}.${checkpoint === null ? 'inprogress' : `pending.${checkpoint}`}`
}

/** Null for files that are not a sink's. */
export function parsePartFileName(name: string): PartFile | null {
  const match = PATTERN.exec(name)
  if (match === null) return null
  const [, dot, uid = '', subtask, number, leaderEpoch, attempt, checkpoint] = match
  const hidden =
    attempt === undefined
      ? null
      : {
          writer: { leaderEpoch: Number(leaderEpoch), attempt: Number(attempt) },
          checkpoint: checkpoint === undefined ? null : Number(checkpoint),
        }
  if ((dot === '.') !== (hidden !== null)) return null
  return { uid, subtask: Number(subtask), number: Number(number), hidden }
}

/**
 * Whether an older attempt left the file, and no checkpoint can want it any more. To be asked only
 * once a checkpoint of this attempt is complete: by then every subtask has opened and committed all
 * that it was restored with. The answer stays true when this attempt has been replaced meanwhile:
 * files of newer ones are never meant. A subtask looks after its own files and, the first one,
 * after those of subtasks that are no more.
 */
export function isStray(
  file: PartFile,
  facts: {
    readonly uid: string
    readonly subtask: number
    readonly parallelism: number
    readonly writer: AttemptOrder
  },
): boolean {
  if (file.uid !== facts.uid || file.hidden === null) return false
  const isMine =
    file.subtask === facts.subtask || (facts.subtask === 0 && file.subtask >= facts.parallelism)
  return isMine && isOlderAttempt(file.hidden.writer, facts.writer)
}
