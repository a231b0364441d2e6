/**
 * Smaller variants of a workload's input: without a stretch of its rows, without a partition,
 * arriving sooner.
 *
 * Closing rows stay, so that every window still fires. Leaving rows out makes no other row late: a
 * partition that has a row from the beginning keeps one.
 */
import type { InputRow, TableInput } from '../workload.ts'

/** Stretches in a pass at most, so that a pass over many rows stays short. */
const STRETCHES_MAX = 16

/**
 * The input without one stretch of rows in order of arrival, `1 / parts` of them; every
 * stretch in turn.
 */
export function* withoutStretches(
  inputs: readonly TableInput[],
  parts: number,
): Generator<readonly TableInput[]> {
  const rows = inputs.flatMap(({ partitions }) => partitions.flat()).filter((row) => !row.closing)
  rows.sort((a, b) => a.atMs - b.atMs)
  const length = Math.ceil(rows.length / parts)
  if (rows.length < 2 || length < 1) return
  for (let n = 0; n < Math.min(parts, STRETCHES_MAX) && n * length < rows.length; n++) {
    const left = new Set(rows.slice(n * length, (n + 1) * length))
    if (left.size < rows.length) yield keepingRows(inputs, (row) => !left.has(row))
  }
}

function keepingRows(
  inputs: readonly TableInput[],
  keep: (row: InputRow) => boolean,
): readonly TableInput[] {
  return inputs.map(({ table, partitions }) => ({
    table,
    partitions: partitions.map((rows) => {
      const [first, ...others] = rows.filter(keep)
      if (first === undefined) return []
      return [rows[0]?.atMs === 0 ? { ...first, atMs: 0 } : first, ...others]
    }),
  }))
}

/** The input without one partition; a table keeps at least one that has rows. */
export function* withoutPartitions(
  inputs: readonly TableInput[],
): Generator<readonly TableInput[]> {
  for (const [t, { table, partitions }] of inputs.entries()) {
    for (const p of partitions.keys()) {
      const kept = partitions.toSpliced(p, 1)
      if (kept.every((rows) => rows.length === 0)) continue
      yield inputs.with(t, { table, partitions: kept })
    }
  }
}

/** Everything arrives in half the time; none when all is there from the start. */
export function* sooner(inputs: readonly TableInput[]): Generator<readonly TableInput[]> {
  const all = inputs.flatMap(({ partitions }) => partitions.flat())
  if (all.every(({ atMs }) => atMs === 0)) return
  yield inputs.map(({ table, partitions }) => ({
    table,
    partitions: partitions.map((rows) =>
      rows.map((row) => ({ ...row, atMs: Math.floor(row.atMs / 2) })),
    ),
  }))
}
