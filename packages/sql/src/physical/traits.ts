/**
 * Traits: what a physical node says of the rows that it gives, worked out from its inputs' traits
 * upwards.
 *
 * Consumers go by them and by nothing else: whether rows change, by which columns changes of one
 * row find each other, how rows are spread over subtasks, which columns are event time, whether
 * rows end. What consumers need of their inputs goes the other way: `decide-updates.ts`.
 */
import type { LogicalType } from '@millrace/core'
import type { Expression } from '@millrace/expression'

/**
 * `insert`: +I only. `retract`: an update is −U and +U, a deletion −D with all columns. `upsert`:
 * an update is +U alone, which stands in for the row of the same upsert key.
 */
export type Changes = 'insert' | 'upsert' | 'retract'

/** How rows lie in the subtasks of a node. */
export type Distribution =
  | { readonly kind: 'any' }
  /** By key group of these columns, in this order: equal values are in one subtask. */
  | { readonly kind: 'hash'; readonly keyColumns: readonly number[] }

export interface Traits {
  readonly changes: Changes
  /** Whether rows may be deleted; false while `changes` is `insert`. */
  readonly deletes: boolean
  /** The operator that makes rows change, for messages; null while `changes` is `insert`. */
  readonly by: string | null
  /**
   * Each a set of columns of which no two rows that are there at a time have the same values; `[]`:
   * there is one row at most.
   */
  readonly upsertKeys: readonly (readonly number[])[]
  readonly distribution: Distribution
  readonly rowtime: Rowtime
  /** Whether the rows end by themselves. */
  readonly bounded: boolean
}

/** Event time in the rows of a node. */
export interface Rowtime {
  /**
   * Columns that the watermark speaks of. Other times are values like any, rowtimes once or not.
   */
  readonly columns: readonly number[]
  /** A table without WATERMARK and without end: event time stands still for it. Null: none. */
  readonly heldBy: string | null
}

export const NO_ROWTIME: Rowtime = { columns: [], heldBy: null }

/** Rows in which no column is event time any more. */
export function withoutRowtime({ bounded, rowtime }: Traits): Pick<Traits, 'bounded' | 'rowtime'> {
  return { bounded, rowtime: { ...rowtime, columns: [] } }
}

export function isRowtime(type: LogicalType): boolean {
  return 'attribute' in type && type.attribute === 'rowtime'
}

const ANYWHERE: Distribution = { kind: 'any' }

/** Rows that are only ever added. */
export function insertOnly(
  { bounded, rowtime }: Pick<Traits, 'bounded' | 'rowtime'>,
  upsertKeys: Traits['upsertKeys'] = [],
  distribution: Distribution = ANYWHERE,
): Traits {
  return { changes: 'insert', deletes: false, by: null, upsertKeys, distribution, rowtime, bounded }
}

/** Of rows that become `outputs`: keys and distribution stay where all their columns do. */
export function traitsThrough(traits: Traits, outputs: readonly Expression[]): Traits {
  const places = new Map<number, number>()
  outputs.forEach((output, i) => {
    if (output.kind === 'column' && !places.has(output.index)) places.set(output.index, i)
  })
  const move = (columns: readonly number[]): number[] | null => {
    const moved = columns.map((column) => places.get(column) ?? -1)
    return moved.includes(-1) ? null : moved
  }
  const { distribution } = traits
  const keyColumns = distribution.kind === 'hash' ? move(distribution.keyColumns) : null
  return {
    ...traits,
    upsertKeys: traits.upsertKeys.flatMap((key) => {
      const moved = move(key)
      return moved === null ? [] : [moved]
    }),
    distribution: keyColumns === null ? ANYWHERE : { kind: 'hash', keyColumns },
    rowtime: rowtimeThrough(traits.rowtime, outputs),
  }
}

function rowtimeThrough(rowtime: Rowtime, outputs: readonly Expression[]): Rowtime {
  if (rowtime.columns.length === 0) return rowtime
  return { ...rowtime, columns: outputs.flatMap(({ type }, i) => (isRowtime(type) ? [i] : [])) }
}

/** Of all rows of several inputs; one without watermark holds event time for all. */
export function traitsOfAll(inputs: readonly Traits[]): Traits {
  return {
    changes: changesOfAll(inputs.map(({ changes }) => changes)),
    deletes: inputs.some(({ deletes }) => deletes),
    by: inputs.find(({ by }) => by !== null)?.by ?? null,
    upsertKeys: [],
    distribution: ANYWHERE,
    rowtime: {
      columns: [...new Set(inputs.flatMap(({ rowtime }) => rowtime.columns))].sort((a, b) => a - b),
      heldBy: inputs.find(({ rowtime }) => rowtime.heldBy !== null)?.rowtime.heldBy ?? null,
    },
    bounded: inputs.every(({ bounded }) => bounded),
  }
}

/** Of rows that come together: what holds for each of them. */
export function changesOfAll(all: readonly Changes[]): Changes {
  if (all.includes('upsert')) return 'upsert'
  return all.includes('retract') ? 'retract' : 'insert'
}

/** Whether the two distributions bring equal values of the same columns to the same subtask. */
export function isHashedBy(distribution: Distribution, keyColumns: readonly number[]): boolean {
  return (
    distribution.kind === 'hash' &&
    keyColumns.length > 0 &&
    distribution.keyColumns.length === keyColumns.length &&
    distribution.keyColumns.every((column, i) => column === keyColumns[i])
  )
}

/** `[I,UB,UA,D]`: the kinds of rows as EXPLAIN CHANGELOG_MODE prints them. */
export function formatChangelogMode({ changes, deletes }: Traits): string {
  const updates = changes === 'insert' ? [] : changes === 'upsert' ? ['UA'] : ['UB', 'UA']
  return `[${['I', ...updates, ...(deletes ? ['D'] : [])].join(',')}]`
}
