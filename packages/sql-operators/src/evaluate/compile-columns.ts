/**
 * Lists of expressions over a batch → columns, through the expression engine's generated loops.
 *
 * The one place where operators meet that engine. A plain column reference costs nothing: its
 * column is handed on as it is.
 */
import { type Column, type ColumnBatch, isMillraceError, sliceBatch } from '@millrace/core'
import { compileProjection, type Expression } from '@millrace/expression'
import type { EvaluationSettings } from './evaluation-settings.ts'

/** The columns are valid until the next call and as long as the batch. */
export type ColumnEvaluator = (batch: ColumnBatch) => readonly Column[]

export function compileColumns(
  expressions: readonly Expression[],
  settings: EvaluationSettings,
): ColumnEvaluator {
  if (expressions.length === 0) return () => []
  const project = compileFilterAndProject(null, expressions, settings)
  return (batch) => project(batch).columns
}

/**
 * Rows for which `filter` is TRUE, with `output` as their columns; null parts leave the
 * batch as it is.
 */
export function compileFilterAndProject(
  filter: Expression | null,
  output: readonly Expression[] | null,
  settings: EvaluationSettings,
): (batch: ColumnBatch) => ColumnBatch {
  if (filter === null && output === null) return (batch) => batch
  const { inputSchema } = settings
  const project = compileProjection({ filter, outputs: output, inputSchema })
  return (batch) => project(batch, settings)
}

/**
 * What `project` makes of the batch, to `emit`; in halves when the texts that it makes of all rows
 * at once are too large. Rows that it drops, and empty results, go nowhere.
 */
export function emitProjected(
  project: (batch: ColumnBatch) => ColumnBatch,
  batch: ColumnBatch,
  emit: (batch: ColumnBatch) => void,
): void {
  let projected: ColumnBatch
  try {
    projected = project(batch)
  } catch (error) {
    if (batch.rowCount < 2 || !isMillraceError(error, 'TEXTS_TOO_LARGE')) throw error
    const half = batch.rowCount >>> 1
    emitProjected(project, sliceBatch(batch, 0, half), emit)
    emitProjected(project, sliceBatch(batch, half, batch.rowCount), emit)
    return
  }
  if (projected.rowCount > 0) emit(projected)
}
