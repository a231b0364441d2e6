/**
 * Names of part files, from which their state can be read after any crash.
 *
 * `part-<uid>-<subtask>-<n>` is committed. Hidden ones are not: `.part-….inprogress` is being written,
 * `.part-….pending.<checkpoint>` belongs to that checkpoint and becomes visible once it is complete.
 */
export interface PartFile {
  readonly uid: string
  readonly subtask: number
  readonly number: number
  /** Null: committed. */
  readonly state: 'inprogress' | number | null
}

const PATTERN = /^(\.?)part-([0-9a-f]+)-(\d+)-(\d+)(?:\.inprogress|\.pending\.(\d+))?$/

export function partFileName({ uid, subtask, number, state }: PartFile): string {
  const name = `part-${uid}-${subtask}-${number}`
  if (state === null) return name
  return state === 'inprogress' ? `.${name}.inprogress` : `.${name}.pending.${state}`
}

/** Null for files that are not a sink's. */
export function parsePartFileName(name: string): PartFile | null {
  const match = PATTERN.exec(name)
  if (match === null) return null
  const [, dot, uid = '', subtask, number, checkpoint] = match
  const state =
    checkpoint !== undefined
      ? Number(checkpoint)
      : name.endsWith('.inprogress')
        ? 'inprogress'
        : null
  if ((dot === '.') !== (state !== null)) return null
  return { uid, subtask: Number(subtask), number: Number(number), state }
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
