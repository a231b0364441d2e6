/**
 * CheckpointOrder: what one checkpoint shall be, decided once by the job's coordinator and carried
 * whole to every task that takes part.
 *
 * On its way (call, slot message, barrier) nobody looks inside but for `id` and, at a gate,
 * `align`: a further field stands here and where it is decided or obeyed, nowhere between.
 * Invariant: what came in over a border is checked by `readCheckpointOrder` before it is obeyed.
 */
export interface CheckpointOrder {
  readonly id: number
  /** When it was triggered, epoch ms by the JobManager's clock. */
  readonly timestampMs: number
  /** For recovery, or the user's own, below the directory that `savepoint` names. */
  readonly kind:
    | 'checkpoint'
    | { readonly savepoint: string; readonly format: 'canonical' | 'native' }
  /**
   * Whether a gate holds channels back whose barrier has come until all have delivered it; or lets
   * the barrier overtake rows once that has taken too long.
   */
  readonly align: 'exactly-once' | 'at-least-once' | { readonly unalignedAfterMs: number }
  /**
   * Later checkpoints may build upon it, and it upon `since`, an earlier one of this job that is
   * complete: then only what of the state by key changed since has to be written. Null: all is, for
   * others to build upon. Absent: it shares nothing.
   */
  readonly incremental?: { readonly since: number | null }
  /** What a task does when its state is frozen: go on, stop, or stop as if its input had ended. */
  readonly after: 'go-on' | 'suspend' | 'drain'
}

/** The order in `value`, plain data from elsewhere; null when it is none. */
export function readCheckpointOrder(value: unknown): CheckpointOrder | null {
  if (typeof value !== 'object' || value === null) return null
  const { id, timestampMs, kind, align, incremental, after } = value as Readonly<
    Record<string, unknown>
  >
  if (!Number.isSafeInteger(id) || (id as number) < 0) return null
  if (typeof timestampMs !== 'number' || !Number.isFinite(timestampMs)) return null
  if (kind !== 'checkpoint' && !isSavepoint(kind)) return null
  if (align !== 'exactly-once' && align !== 'at-least-once' && !isUnaligned(align)) return null
  if (incremental !== undefined && !isIncremental(incremental, id as number)) return null
  if (after !== 'go-on' && after !== 'suspend' && after !== 'drain') return null
  return value as CheckpointOrder
}

function isSavepoint(kind: unknown): boolean {
  if (typeof kind !== 'object' || kind === null) return false
  const { savepoint, format } = kind as Readonly<Record<string, unknown>>
  return typeof savepoint === 'string' && (format === 'canonical' || format === 'native')
}

function isUnaligned(align: unknown): boolean {
  if (typeof align !== 'object' || align === null) return false
  const { unalignedAfterMs } = align as Readonly<Record<string, unknown>>
  return typeof unalignedAfterMs === 'number' && unalignedAfterMs >= 0
}

function isIncremental(incremental: unknown, id: number): boolean {
  if (typeof incremental !== 'object' || incremental === null) return false
  const { since } = incremental as Readonly<Record<string, unknown>>
  return since === null || (Number.isSafeInteger(since) && (since as number) < id)
}
