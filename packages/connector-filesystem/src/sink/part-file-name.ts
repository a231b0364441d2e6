/**
 * Names of part files, from which their state can be read after any crash.
 *
 * `part-<uid>-<subtask>-<n>` is committed. Hidden ones are not: `.part-….<writer>.inprogress` is being written,
 * `.part-….<writer>.pending.<checkpoint>` belongs to that checkpoint and becomes visible once it is complete. The writer is
 * a random word: an attempt that comes back from the dead never touches a file of its successor.
 */
export interface PartFile {
  readonly uid: string
  readonly subtask: number
  readonly number: number
  /** Null: committed. */
  readonly hidden: {
    readonly writer: string
    /** Null: being written. */
    readonly checkpoint: number | null
  } | null
}

const PATTERN =
  /^(\.?)part-([0-9a-f]+)-(\d+)-(\d+)(?:\.([0-9a-f]+)\.(?:inprogress|pending\.(\d+)))?$/

export function partFileName({ uid, subtask, number, hidden }: PartFile): string {
  const name = `part-${uid}-${subtask}-${number}`
  if (hidden === null) return name
  const { writer, checkpoint } = hidden
  return `.${name}.${writer}.${checkpoint === null ? 'inprogress' : `pending.${checkpoint}`}`
}

/** Null for files that are not a sink's. */
export function parsePartFileName(name: string): PartFile | null {
  const match = PATTERN.exec(name)
  if (match === null) return null
  const [, dot, uid = '', subtask, number, writer, checkpoint] = match
  const hidden =
    writer === undefined
      ? null
      : { writer, checkpoint: checkpoint === undefined ? null : Number(checkpoint) }
  if ((dot === '.') !== (hidden !== null)) return null
  return { uid, subtask: Number(subtask), number: Number(number), hidden }
}

/**
 * Whether an earlier attempt left the file, and no checkpoint can want it any more. `completeCheckpoint` is one that
 * completed with this attempt: by then everything that it was restored with is committed, and attempts that
 * may follow know only later checkpoints. An attempt without one must not judge: it may be the earlier one itself. A
 * subtask looks after its own files and, the first one, after those of subtasks that are no more.
 */
export function isStray(
  file: PartFile,
  facts: {
    readonly uid: string
    readonly subtask: number
    readonly parallelism: number
    readonly writer: string
    readonly completeCheckpoint: number
  },
): boolean {
  if (file.uid !== facts.uid || file.hidden === null) return false
  const isMine =
    file.subtask === facts.subtask || (facts.subtask === 0 && file.subtask >= facts.parallelism)
  if (!isMine || file.hidden.writer === facts.writer) return false
  return file.hidden.checkpoint === null || file.hidden.checkpoint <= facts.completeCheckpoint
}
