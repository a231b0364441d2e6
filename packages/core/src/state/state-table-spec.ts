/**
 * StateTableSpec: what one table of keyed state holds, as plain data.
 *
 * An operator's factory gives its specs from the configuration alone, so EXPLAIN, savepoint
 * tools and checkers know every table without running an operator. The same spec makes the table
 * in memory or on disk, and names its columns in a checkpoint. Invariant: (key, sub) is unique
 * within a table; a row's key group is that of the hash of its key columns, whatever `sub` says.
 *
 * aggregate         (key) → accumulator words DISTINCT values   (key; value) → count, ordered
 * for MIN and MAX join side         (key; row) → how often, matches Top-N
 * (partition; sort key, row) → how often, ordered OVER              (key; time, row) → words,
 * ordered timers            (key; time) → nothing, or a window's words
 */
import type { Field, Schema } from '../types/logical-type.ts'

export interface StateTableSpec {
  /** Unique within the operator; stored with the state. */
  readonly name: string
  /** What the exchange partitions by; no fields: one entry (or one list of entries) for all. */
  readonly key: Schema
  /** Tells several entries of one key apart: `null` for one entry a key. */
  readonly sub: {
    readonly columns: Schema
    /**
     * Entries of a key can be read in ascending order of these columns (NULL first, texts by
     * bytes), from either end.
     */
    readonly ordered: boolean
    /**
     * The first of them is a time (epoch ms) at which the entry is due: a table of
     * `KeyedState.timers`. It is gone when the watermark has come to that time and `keptMs`
     * more, at the latest.
     */
    readonly due?: { readonly keptMs: number }
  } | null
  readonly value: Schema
  /** Column of the value → the name under which earlier state may have it. */
  readonly formerNames?: Readonly<Record<string, string>>
  /** How long after its last write an entry may be forgotten, processing time; 0: never. */
  readonly ttlMs: number
}

/**
 * When an entry was written last, processing time: stored between sub columns and value when the
 * table has a time to live.
 */
export const LAST_WRITE: Field = {
  name: '$written',
  type: { kind: 'DOUBLE', nullable: false },
}

/** The columns of a stored row: key, sub, `$written` with a time to live, value. */
export function storedSchemaOf(spec: StateTableSpec): Schema {
  return {
    fields: [
      ...spec.key.fields,
      ...(spec.sub?.columns.fields ?? []),
      ...(spec.ttlMs > 0 ? [LAST_WRITE] : []),
      ...spec.value.fields,
    ],
  }
}
