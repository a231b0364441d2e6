/**
 * Names of part files, from which their state can be read after any crash.
 *
 * `part-<uid>-<subtask>-<n>` is committed. Hidden ones are not: `.part-….<writer>.inprogress` is being written,
 * `.part-….<writer>.pending.<checkpoint>` belongs to that checkpoint and becomes visible once it is complete. They bear
 * their writer's name: an attempt that does not know yet that it was replaced must not rename its successor's file.
 */
export interface PartFile {
  readonly uid: string
  readonly subtask: number
  readonly number: number
  /** Hex digits of whoever wrote an uncommitted file. */
  readonly writer: string
  /** Null: committed. */
  readonly state: 'inprogress' | number | null
}

const PATTERN =
  /^(\.?)part-([0-9a-f]+)-(\d+)-(\d+)(?:\.([0-9a-f]+)(?:\.inprogress|\.pending\.(\d+)))?$/

export function partFileName({ uid, subtask, number, writer, state }: PartFile): string {
  const name = `part-${uid}-${subtask}-${number}`
  if (state === null) return name
  return state === 'inprogress'
    ? `.${name}.${writer}.inprogress`
    : `.${name}.${writer}.pending.${state}`
}

/** Null for files that are not a sink's. */
export function parsePartFileName(name: string): PartFile | null {
  const match = PATTERN.exec(name)
  if (match === null) return null
  const [, dot, uid = '', subtask, number, writer = '', checkpoint] = match
  const state =
    checkpoint !== undefined
      ? Number(checkpoint)
      : name.endsWith('.inprogress')
        ? 'inprogress'
        : null
  if ((dot === '.') !== (state !== null)) return null
  return { uid, subtask: Number(subtask), number: Number(number), writer, state }
}

/**
 * Whether an attempt that starts from `restoredCheckpoint` (null: from nothing) may remove the file: it is
 * uncommitted, and no complete
 * checkpoint has it. A subtask looks after its own files and, the first one, after those of subtasks that are no more.
 */
export function isStray(
  file: PartFile,
  facts: {
    readonly uid: string
    readonly subtask: number
    readonly parallelism: number
    readonly restoredCheckpoint: number | null
  },
): boolean {
  if (file.uid !== facts.uid || file.state === null) return false
  const isMine =
    file.subtask === facts.subtask || (facts.subtask === 0 && file.subtask >= facts.parallelism)
  if (!isMine) return false
  if (file.state === 'inprogress' || facts.restoredCheckpoint === null) return true
  return file.state > facts.restoredCheckpoint
}
